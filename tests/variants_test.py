#!/usr/bin/env python3
"""The same packets give the same verdicts: whatever the hash seed, from a pipe, compressed, in the other formats and byte orders, cut into a ring of files."""
import bz2
import functools
import gzip
import json
import lzma
import os
import shutil
import subprocess
import tempfile
import unittest

import capture_files
from common import all_told, capture_of, documents, run, sample_names, sessions

JOINED = 300 * 10**9  # files further apart are a recording of their own
TIMED = ("seconds", "memory_bytes")


def timeless(output):
    docs = [json.loads(line) for line in output.splitlines()]
    for doc in docs:
        for key in TIMED:
            doc["imapwhy"].get("stats", {}).pop(key, None)
    return docs


@functools.lru_cache(None)
def as_it_is(path):
    return all_told(documents(path))


class Variants(unittest.TestCase):
    maxDiff = None

    def setUp(self):
        self.room = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.room.cleanup()

    def path(self, name):
        return os.path.join(self.room.name, name)

    def keys(self, path):
        """What rewriting loses: the secrets that stood in the file."""
        found = capture_files.secrets(path)
        with open(self.path("keys"), "wb") as file:
            file.write(found)
        return ["--keylog", self.path("keys")] if found else []

    def each(self, check):
        for case in sample_names():
            with self.subTest(sample=case):
                check(capture_of(case))

    def test_any_seed(self):
        key = self.path("key")
        with open(key, "w") as file:
            file.write("0123456789abcdef" * 2 + "\n")

        def check(path):
            one, other = (run("-o", "json", "--seed", seed, "--user-key", key, path) for seed in ("1", "2863311530"))
            self.assertEqual((one.returncode, other.returncode), (0, 0))
            self.assertEqual(timeless(one.stdout), timeless(other.stdout))
        self.each(check)

    def test_through_a_pipe(self):
        def check(path):
            with open(path, "rb") as file:
                self.assertEqual(all_told(documents("-", stdin=file.read())), as_it_is(path))
        self.each(check)

    def compressed(self, compress):
        def check(path):
            with open(path, "rb") as file, open(self.path("packed"), "wb") as out:
                out.write(compress(file.read()))
            self.assertEqual(all_told(documents(self.path("packed"))), as_it_is(path))
        self.each(check)

    def by_tool(self, tool):
        if not shutil.which(tool):
            self.skipTest("%s is not installed" % tool)
        self.compressed(lambda data: subprocess.run([tool, "-c"], input=data, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout)

    def test_gzip(self):
        self.compressed(gzip.compress)

    def test_xz(self):
        self.compressed(lzma.compress)

    def test_bzip2(self):
        self.compressed(bz2.compress)

    def test_zstd(self):
        self.by_tool("zstd")

    def test_lz4(self):
        self.by_tool("lz4")

    def rewritten(self, write):
        def check(path):
            write(self.path("other"), capture_files.read(path))
            self.assertEqual(all_told(documents(*self.keys(path), self.path("other"))), as_it_is(path))
        self.each(check)

    def test_pcap_of_the_other_byte_order(self):
        self.rewritten(lambda path, packets: capture_files.write_pcap(path, packets, ">"))

    def test_pcapng(self):
        self.rewritten(lambda path, packets: capture_files.write_pcapng(path, packets, "<"))

    def test_pcapng_of_the_other_byte_order(self):
        self.rewritten(lambda path, packets: capture_files.write_pcapng(path, packets, ">"))

    def test_microseconds(self):
        """Times change a little, so frames and verdicts are compared."""
        self.rewritten(lambda path, packets: capture_files.write_pcap(path, packets, "<", False))

    def ring(self, packets, parts):
        size, names = -(-len(packets) // parts), []
        for i in range(0, len(packets), size):
            names.append(self.path("ring%02d" % len(names)))
            (capture_files.write_pcapng if len(names) % 2 else capture_files.write_pcap)(names[-1], packets[i:i + size])
        gaps = [packets[i].time - packets[i - 1].time for i in range(size, len(packets), size)]
        return names, max(gaps, default=0) <= JOINED

    def test_ring_of_files(self):
        def check(path):
            told = all_told(documents(path), frames=False)
            names, joined = self.ring(capture_files.read(path), 4)
            keys = self.keys(path)
            if joined:
                self.assertEqual(all_told(documents(*keys, *names), frames=False), told)
                backwards = all_told(documents(*keys, *reversed(names)), frames=False)
                self.assertEqual([t["verdict"] for t in backwards], [t["verdict"] for t in told])
            self.assertEqual(all_told(documents("--merge", *keys, *names), frames=False), told)
        self.each(check)

    def test_all_in_one_run(self):
        paths = [capture_of(case) for case in sample_names()]
        docs = sessions(documents("--separate", *paths))
        for path in paths:
            with self.subTest(sample=path):
                mine = [d for d in docs if d["imapwhy"]["capture"]["file"] == path]
                self.assertEqual(all_told(mine), as_it_is(path))


if __name__ == "__main__":
    unittest.main()
