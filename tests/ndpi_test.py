#!/usr/bin/env python3
"""nDPI: the adapter compiles against the interfaces of later versions, names services on mail ports, and sleeps where nobody is unknown."""
import glob
import json
import os
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from made import CLIENT, SERVER, Conversation, write_pcap  # noqa: E402


def documents(*arguments):
    done = subprocess.run([os.path.join(TOP, "imapwhy"), "-o", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


class Interfaces(unittest.TestCase):
    def test_adapter_compiles_against_each_version(self):
        stubs = sorted(glob.glob(os.path.join(TOP, "tests", "ndpi_stubs", "*")))
        self.assertEqual([os.path.basename(s) for s in stubs], ["4.10", "4.6", "5.0"])
        for stub in stubs:
            command = ["cc", "-fsyntax-only", "-std=c11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Werror", "-isystem", stub, "-I", os.path.join(TOP, "build")]
            for room in ("base", "facts", "session"):
                command += ["-iquote", os.path.join(TOP, "analyzer", room)]
            done = subprocess.run(command + [os.path.join(TOP, "analyzer", "session", "ndpi_adapter.c")], stderr=subprocess.PIPE)
            self.assertEqual(done.returncode, 0, os.path.basename(stub) + ": " + done.stderr.decode())

    def test_one_file_alone_includes_ndpi(self):
        found = subprocess.run(["grep", "-rl", "include <ndpi", os.path.join(TOP, "analyzer"), os.path.join(TOP, "dissectors")],
                               stdout=subprocess.PIPE, check=True).stdout.decode().split()
        self.assertEqual([os.path.basename(f) for f in found], ["ndpi_adapter.c"])


class Speakers(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.room.name, "made.pcap")

    def tearDown(self):
        self.room.cleanup()

    def analyse(self, conversation):
        docs = documents(write_pcap(self.path, conversation))
        return docs[0]["imapwhy"], docs[-1]["imapwhy"]["stats"]

    def test_another_service_on_a_mail_port(self):
        greeting = b"\x0a8.0.36\0\x67\x12\0\0a1b2c3d4\0\xff\xf7\x2d\x02\0\xff\x81\x15" + b"\0" * 10 + b"e5f6g7h8i9j0\0mysql_native_password\0"
        made, stats = self.analyse(Conversation().open().says(SERVER, bytes([len(greeting), 0, 0, 0]) + greeting).close(wait=6))
        self.assertEqual((made["verdict"]["class"], made["verdict"]["mechanism"]), ("misconfiguration", "wrong_service"))
        self.assertIn("mysql", json.dumps(made["evidence"]))
        self.assertEqual(stats["speakers"], {"asked": 1, "told": 1, "refused": 0})

    def test_who_is_known_is_not_asked_about(self):
        made, stats = self.analyse(Conversation().refused_login())
        self.assertEqual(made["verdict"]["mechanism"], "invalid_credentials")
        self.assertEqual(stats["speakers"], {"asked": 0, "told": 0, "refused": 0})

    def test_attempts_are_not_asked_about(self):
        talk = Conversation(port=993)
        for wait in (0, 1, 2, 4):
            talk.packet(CLIENT, 2, wait=wait)
            talk.next[CLIENT] -= 1
        _, stats = self.analyse(talk)
        self.assertEqual(stats["speakers"]["asked"], 0)

    def test_gibberish_is_not_named(self):
        talk = Conversation().open()
        for i in range(6):
            talk.says(SERVER, bytes([0x99, 0x12, i, 7, 0xFE] * 9)).says(CLIENT, bytes([0x98, i, 1, 0xFF] * 11))
        made, stats = self.analyse(talk.close(wait=6))
        self.assertEqual([e["value"] for e in made["evidence"] if e["fact"] == "speaks.server"], ["unknown"])
        self.assertLess(made["verdict"]["confidence"], 0.9)
        self.assertEqual((stats["speakers"]["asked"], stats["speakers"]["told"]), (1, 0))


if __name__ == "__main__":
    unittest.main()
