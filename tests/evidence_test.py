#!/usr/bin/env python3
"""--save-evidence: the file holds the frames that the documents cite, from files and from pipes, of several link types, and says what is lost."""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from made import CLIENT, Conversation, write_pcap  # noqa: E402

PROGRAM = os.path.join(TOP, "imapwhy")


def run(arguments, **more):
    done = subprocess.run([PROGRAM, "-o", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60, **more)
    return done.returncode, [json.loads(line) for line in done.stdout.decode().splitlines()], done.stderr.decode()


def cited(docs):
    """The (file, frame) of every claim, and of every group of attempts."""
    found = set()
    for doc in docs:
        own = doc["imapwhy"]
        claims = own.get("evidence", []) + [own["attempts"][k] for k in ("first", "last") if "attempts" in own]
        found |= {(c["file"], c["frame"]) for c in claims}
    return found


@unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
class Evidence(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory()
        self.out = os.path.join(self.room.name, "evidence.pcapng")

    def tearDown(self):
        self.room.cleanup()

    def path(self, name):
        return os.path.join(self.room.name, name)

    def fields(self, path, *names):
        command = ["tshark", "-r", path, "-T", "fields"] + [p for n in names for p in ("-e", n)]
        return [line.split("\t") for line in subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
                .stdout.decode().splitlines()]

    def test_frames_of_a_file(self):
        path = write_pcap(self.path("a.pcap"), Conversation().refused_login(), Conversation(client_port=6000, start=1700000001).healthy())
        status, docs, _ = run(["--save-evidence", self.out, path])
        self.assertEqual(status, 0)
        frames = cited(docs)
        want = self.fields(path, "frame.number", "frame.time_epoch", "tcp.seq_raw")
        want = sorted(w[1:] for w in want if (path, int(w[0])) in frames)
        self.assertEqual(sorted(self.fields(self.out, "frame.time_epoch", "tcp.seq_raw")), want)
        self.assertEqual(docs[-1]["imapwhy"]["stats"]["evidence"], {"saved": len(frames), "lost": 0})
        comments = "".join(c for (c,) in self.fields(self.out, "frame.comment"))
        for doc in docs[:-1]:
            for claim in doc["imapwhy"]["evidence"]:
                self.assertIn("imapwhy %s: " % doc["event"]["id"], comments)
                self.assertIn(claim["says"], comments)

    def test_a_pipe_gives_the_same_frames(self):
        path = write_pcap(self.path("a.pcap"), Conversation().refused_login())
        run(["--save-evidence", self.out, path])
        other = self.path("pipe.pcapng")
        with open(path, "rb") as f:
            reader = subprocess.Popen(["cat"], stdin=f, stdout=subprocess.PIPE)
            _, docs, _ = run(["--save-evidence", other, "-"], stdin=reader.stdout)
            reader.stdout.close()
            reader.wait()
        names = ("frame.time_epoch", "tcp.seq_raw", "frame.len")
        self.assertEqual(sorted(self.fields(other, *names)), sorted(self.fields(self.out, *names)))
        self.assertEqual(docs[-1]["imapwhy"]["stats"]["evidence"]["lost"], 0)

    def test_link_types_stand_side_by_side(self):
        first = write_pcap(self.path("ether.pcap"), Conversation().refused_login())
        raw = Conversation(client="10.1.4.99", start=1700100000).refused_login()
        raw.frames = [(t, f[14:]) for t, f in raw.frames]
        second = write_pcap(self.path("raw.pcap"), raw, link=101)
        _, docs, _ = run(["--save-evidence", self.out, first, second])
        self.assertEqual(len([d for d in docs if d["event"]["dataset"] == "imapwhy.session"]), 2)
        self.assertEqual({i for (i,) in self.fields(self.out, "frame.encap_type")}, {"1", "7"})
        self.assertEqual(len(self.fields(self.out, "frame.number")), len(cited(docs)))

    def test_attempts_are_cited(self):
        talk = Conversation(port=993).packet(CLIENT, 2)
        path = write_pcap(self.path("a.pcap"), talk, Conversation(client="10.1.4.77", start=1700000200).healthy())
        _, docs, _ = run(["--save-evidence", self.out, path])
        self.assertIn("imapwhy.attempts", {d["event"]["dataset"] for d in docs})
        self.assertEqual(len(self.fields(self.out, "frame.number")), len(cited(docs)))

    def test_only_what_is_chosen(self):
        path = write_pcap(self.path("a.pcap"), Conversation().refused_login(), Conversation(client="10.9.9.9", start=1700000001).healthy())
        run(["--save-evidence", self.out, "--only", "failed", path])
        self.assertEqual({a for (a,) in self.fields(self.out, "ip.addr")} & {"10.9.9.9,198.51.100.7", "198.51.100.7,10.9.9.9"}, set())

    def test_what_is_lost_is_said(self):
        path = write_pcap(self.path("a.pcap"), Conversation().refused_login())
        status, _, error = run(["--save-evidence", "/dev/full", path])
        self.assertEqual(status, 2)
        self.assertIn("--save-evidence", error)
        status, _, error = run(["--save-evidence", self.path("no/such/place"), path])
        self.assertEqual(status, 2)
        self.assertIn("No such file", error)


if __name__ == "__main__":
    unittest.main()
