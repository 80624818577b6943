#!/usr/bin/env python3
"""Files as they come from the field: rings, strangers, thousands, several interfaces and link types, packed, cut off, damaged."""
import bz2
import gzip
import json
import lzma
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from made import CLIENT, SERVER, Conversation, pcap, write_pcap  # noqa: E402

PROGRAM = os.path.join(TOP, "imapwhy")


def run(*arguments, **more):
    done = subprocess.run([PROGRAM, "-o", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120, **more)
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], done.stderr.decode()


def sessions(docs):
    revised = {d["imapwhy"].get("revises") for d in docs}
    return [d for d in docs if d["event"]["dataset"] == "imapwhy.session" and d["event"]["id"] not in revised]


def verdicts(docs):
    return sorted((d["source"]["ip"], d["source"]["port"], d["imapwhy"]["verdict"]["mechanism"], d["event"]["start"]) for d in sessions(docs))


class Files(unittest.TestCase):
    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = room.name
        self.talks = [Conversation().refused_login(), Conversation(client="10.1.4.24", client_port=6001, start=1700000000.05).healthy(),
                      Conversation(client="10.1.4.25", client_port=6002, start=1700000000.1).refused_login()]
        self.whole = write_pcap(self.path("whole.pcap"), *self.talks)

    def path(self, name):
        return os.path.join(self.room, name)

    def tool(self, *command):
        if not shutil.which(command[0]):
            self.skipTest(command[0] + " is not installed")
        subprocess.run(command, check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)

    def split(self, packets):
        self.tool("editcap", "-c", str(packets), self.whole, self.path("ring.pcapng"))
        return sorted(self.path(n) for n in os.listdir(self.room) if n.startswith("ring_"))

    # --- several files ---

    def test_sessions_cross_the_files_of_a_ring(self):
        ring = self.split(5)
        self.assertGreater(len(ring), 6)
        _, want, _ = run(self.whole)
        for order in (ring, ring[::-1]):
            status, docs, error = run(*order)
            self.assertEqual((status, error), (0, ""))
            self.assertEqual(verdicts(docs), verdicts(want))
        named = {c["file"] for d in sessions(docs) for c in d["imapwhy"]["evidence"]}
        self.assertGreater(len(named), 1)
        for d in sessions(docs):
            for c in d["imapwhy"]["evidence"]:
                self.assertLessEqual(c["frame"], 5)

    def test_each_its_own(self):
        ring = self.split(5)
        _, docs, _ = run("--separate", *ring)
        self.assertNotEqual(verdicts(docs), verdicts(run(self.whole)[1]))
        copies = [shutil.copy(self.whole, self.path("copy%d.pcap" % i)) for i in range(3)]
        self.assertEqual(len(sessions(run("--separate", *copies)[1])), 9)

    def test_strangers_start_afresh_unless_merged(self):
        later = write_pcap(self.path("later.pcap"), Conversation(start=1700000000 + 86400).refused_login())
        status, docs, error = run(self.whole, later)
        self.assertEqual((status, len(sessions(docs))), (0, 4))
        self.assertIn("starting afresh", error)
        status, docs, error = run("--merge", self.whole, later)
        self.assertEqual((status, len(sessions(docs)), error), (0, 4, ""))

    def test_halves_a_day_apart_are_one_session_when_merged(self):
        first, second = Conversation().open(), None
        first.says(SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n").says(CLIENT, "a1 LOGIN a b\r\n").says(SERVER, "a1 OK in\r\n")
        n = len(first.frames)
        first.says(CLIENT, "a2 IDLE\r\n").says(SERVER, "+ idling\r\n").says(CLIENT, "DONE\r\n", 1500).says(SERVER, "a2 OK\r\n")
        first.says(CLIENT, "a3 LOGOUT\r\n").says(SERVER, "* BYE\r\na3 OK\r\n").close()
        with open(self.path("a.pcap"), "wb") as f:
            f.write(pcap(first.frames[:n + 2]))
        with open(self.path("b.pcap"), "wb") as f:
            f.write(pcap(first.frames[n + 2:]))
        _, docs, _ = run("--merge", self.path("a.pcap"), self.path("b.pcap"))
        self.assertEqual([v[2] for v in verdicts(docs)], ["success"])
        self.assertIsNone(second)

    def test_thousands_of_files_with_few_descriptors(self):
        paths = []
        for i in range(3000):
            talk = Conversation(client_port=10000 + i, start=1700000000 + i)
            paths.append(write_pcap(self.path("f%04d.pcap" % i), talk.refused_login() if i % 100 == 0 else talk.healthy()))
        limit = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (32, 32))  # noqa: E731
        status, docs, error = run(*paths, preexec_fn=limit)
        self.assertEqual((status, error), (0, ""))
        self.assertEqual(len(sessions(docs)), 3000)
        self.assertEqual(sum(d["event"]["outcome"] == "failure" for d in sessions(docs)), 30)

    # --- one file of many kinds ---

    def test_interfaces_and_link_types_side_by_side(self):
        raw, cooked = Conversation(client="10.8.8.8", start=1700000000.2).refused_login(), Conversation(client="10.8.8.9", start=1700000000.3).healthy()
        raw.frames = [(t, f[14:]) for t, f in raw.frames]
        cooked.frames = [(t, b"\0\0\0\1\0\6\2\0\0\0\0\1\0\0\x08\0" + f[14:]) for t, f in cooked.frames]
        write_pcap(self.path("raw.pcap"), raw, link=101)
        write_pcap(self.path("cooked.pcap"), cooked, link=113)
        self.tool("mergecap", "-w", self.path("all.pcapng"), self.whole, self.path("raw.pcap"), self.path("cooked.pcap"))
        status, docs, error = run(self.path("all.pcapng"))
        self.assertEqual((status, error), (0, ""))
        self.assertEqual(len(sessions(docs)), 5)
        for d in sessions(docs):
            self.assertIn(d["imapwhy"]["verdict"]["mechanism"], ("invalid_credentials", "success"))

    def test_nanoseconds(self):
        self.tool("editcap", "-F", "nsecpcap", self.whole, self.path("ns.pcap"))
        self.assertEqual(verdicts(run(self.path("ns.pcap"))[1]), verdicts(run(self.whole)[1]))

    def test_packed(self):
        with open(self.whole, "rb") as f:
            plain = f.read()
        packed = {"gz": gzip.compress(plain), "xz": lzma.compress(plain), "bz2": bz2.compress(plain)}
        for tool, name in (("zstd", "zst"), ("lz4", "lz4")):
            if shutil.which(tool):
                packed[name] = subprocess.run([tool, "-c"], input=plain, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout
        want = verdicts(run(self.whole)[1])
        for name, data in packed.items():
            path = self.path("packed." + name)
            with open(path, "wb") as f:
                f.write(data)
            status, docs, _ = run(path)
            self.assertEqual((status, verdicts(docs)), (0, want), name)
            with open(path, "rb") as f:
                status, docs, error = run("-", stdin=f)
            self.assertEqual((status, verdicts(docs)), (0, want), name)
            with open(path, "wb") as f:
                f.write(data[:-9])
            status, _, error = run(path)
            self.assertEqual(status, 1, name)
            self.assertIn(path, error)

    def test_standard_input_among_files(self):
        later = write_pcap(self.path("later.pcap"), Conversation(client="10.1.4.99", start=1700000003).refused_login())
        with open(self.whole, "rb") as f:
            status, docs, error = run("-", later, stdin=f)
        self.assertEqual((status, error, len(sessions(docs))), (0, "", 4))

    # --- damage ---

    def test_cut_off_anywhere(self):
        with open(self.whole, "rb") as f:
            data = f.read()
        path = self.path("cut.pcap")
        ends, at = [24], 24
        while at < len(data):
            at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
            ends.append(at)
        for cut in list(range(25, len(data), 61)) + ends[1:4]:
            with open(path, "wb") as f:
                f.write(data[:cut])
            status, docs, error = run(path)
            packets = max(i for i, e in enumerate(ends) if e <= cut)
            self.assertEqual(docs[-1]["imapwhy"]["stats"]["packets"]["read"], packets)
            if cut in ends:
                self.assertEqual((status, error), (0, ""))
            else:
                self.assertEqual(status, 1)
                self.assertRegex(error, r"broken after packet %d at byte %d" % (packets, ends[packets]))

    def test_rubbish_in_the_middle(self):
        with open(self.whole, "rb") as f:
            data = bytearray(f.read())
        at, packets = 24, 0
        while packets < 20:
            at += 16 + int.from_bytes(data[at + 8:at + 12], "little")
            packets += 1
        data[at:at + 40] = b"\xff" * 40
        with open(self.path("bad.pcap"), "wb") as f:
            f.write(data)
        status, docs, error = run(self.path("bad.pcap"), self.path("whole.pcap"))
        self.assertEqual(status, 1)
        self.assertIn("broken after packet 20 at byte %d" % at, error)
        self.assertTrue(sessions(docs))

    def test_a_broken_file_of_a_ring_takes_none_with_it(self):
        ring = self.split(5)
        with open(ring[3], "r+b") as f:
            f.truncate(os.path.getsize(ring[3]) - 7)
        status, docs, error = run(*ring)
        self.assertEqual(status, 1)
        self.assertIn(ring[3], error)
        self.assertEqual(len(sessions(docs)), 3)

    # --- what can't be read at all ---

    def complaint(self, name, data=None):
        path = self.path(name)
        if data is not None:
            with open(path, "wb") as f:
                f.write(data)
        status, docs, error = run(path)
        self.assertEqual(status, 1)
        self.assertTrue(error.startswith("imapwhy: " + path + ": "), error)
        self.assertEqual(len(error.splitlines()), 1)
        return error

    def test_each_bad_input_has_its_words(self):
        self.assertIn("no such file", self.complaint("missing.pcap"))
        self.assertIn("empty file", self.complaint("empty.pcap", b""))
        self.assertIn("not a capture file", self.complaint("letter.txt", b"Dear Sir or Madam\n"))
        self.assertIn("within the header", self.complaint("head.pcap", pcap([])[:17]))
        os.mkdir(self.path("folder"))
        self.assertIn("is a directory", self.complaint("folder"))
        if os.geteuid() != 0:
            os.chmod(self.whole, 0)
            self.assertIn("permission denied", self.complaint("whole.pcap"))

    def test_no_packets(self):
        path = self.path("none.pcap")
        with open(path, "wb") as f:
            f.write(pcap([]))
        status, docs, error = run(path)
        self.assertEqual((status, len(docs)), (0, 1))
        self.assertIn("no packets", error)

    def test_unknown_link_type(self):
        talk = Conversation().refused_login()
        status, docs, error = run(write_pcap(self.path("bluetooth.pcap"), talk, link=187))
        self.assertRegex(error, r"link type 187")
        self.assertEqual((status, len(sessions(docs))), (1, 0))
        self.assertEqual(docs[-1]["imapwhy"]["stats"]["packets"]["skipped"], len(talk.frames))

    def test_one_good_file_among_bad_ones(self):
        self.complaint("letter.txt", b"Dear Sir or Madam\n")
        status, docs, error = run(self.path("letter.txt"), self.whole, self.path("missing.pcap"))
        self.assertEqual((status, len(sessions(docs))), (1, 3))
        self.assertEqual(len(re.findall("^imapwhy: ", error, re.M)), 2)


if __name__ == "__main__":
    unittest.main()
