#!/usr/bin/env python3
"""Idle sessions cost little, memory that is counted stays within --memory, and a session that rested is told to its end."""
import os
import tempfile
import unittest

import common
from made import CLIENT, SERVER, Conversation, write_pcap

APART = 0.1


def idle(number):
    """A login, a mailbox, IDLE."""
    talk = Conversation(client="10.%d.%d.2" % (1 + number // 250, number % 250), start=1700000000.0 + number * APART)
    talk.open().says(SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN IDLE] ready\r\n")
    talk.says(CLIENT, "a1 LOGIN u%d@example.org secret\r\n" % (number % 50)).says(SERVER, "a1 OK in\r\n")
    talk.says(CLIENT, "a2 SELECT INBOX\r\n").says(SERVER, "* 1 EXISTS\r\na2 OK [READ-WRITE] done\r\n")
    return talk.says(CLIENT, "a3 IDLE\r\n").says(SERVER, "+ idling\r\n")


class Memory(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def analysed(self, talks, *options):
        docs = common.documents(*options, write_pcap(os.path.join(self.folder.name, "made.pcap"), *talks))
        return docs[:-1], docs[-1]["imapwhy"]["stats"]

    def test_idle_sessions_cost_little(self):
        few, many = 1000, 4000
        talks = [idle(n) for n in range(many)]
        least, most = (self.analysed(talks[:n], "--memory", "64M", "--only", "failed")[1] for n in (few, many))
        self.assertEqual(most["flows"]["tracked"], many)
        self.assertEqual(sum(most["flows"]["evicted"].values()), 0)
        self.assertLess((most["memory_bytes"] - least["memory_bytes"]) / (many - few), 1024)

    def test_memory_is_kept_to(self):
        _, stats = self.analysed([idle(n) for n in range(8000)], "--memory", "8M", "--only", "failed")
        self.assertLess(stats["memory_bytes"], 8 << 20)
        self.assertGreater(stats["flows"]["evicted"]["loggedin"], 0)
        self.assertGreater(stats["forgotten"]["races"], 0)
        self.assertGreater(stats["forgotten"]["incidents"], 0)

    def test_all_may_wake_at_once(self):
        talks = [idle(n) for n in range(3000)]
        for number, talk in enumerate(talks):
            talk.time = 1700000400 + number / 1000
            talk.says(SERVER, "* 2 EXISTS\r\n")
        _, stats = self.analysed(talks, "--memory", "8M", "--only", "failed")
        self.assertLess(stats["memory_bytes"], 8 << 20)
        self.assertGreater(stats["flows"]["evicted"]["loggedin"], 0)

    def test_who_rested_goes_on(self):
        talk = idle(0)
        for quiet in (120, 900):
            talk.says(SERVER, "* 2 EXISTS\r\n", quiet)
        talk.says(CLIENT, "DONE\r\n").says(SERVER, "a3 OK done\r\n").says(CLIENT, "a4 LOGOUT\r\n", 300).says(SERVER, "* BYE\r\na4 OK bye\r\n").close()
        (told,), _ = self.analysed([talk])
        self.assertEqual(told["imapwhy"]["verdict"]["outcome"], "healthy")
        self.assertEqual(told["event"]["duration"] // 10**9, 1320)
        self.assertEqual([c["name"] for c in told["imapwhy"]["imap"]["commands"]], ["login", "select", "idle", "logout"])


if __name__ == "__main__":
    unittest.main()
