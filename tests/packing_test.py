#!/usr/bin/env python3
"""A session that is packed and unpacked before each of its packets and looks is told in the very same documents."""
import glob
import os
import tempfile
import unittest

import common

PACKING = os.path.join(common.TOP, "build", "packing")
LAB = sorted(glob.glob(os.path.join(common.CAPTURES, "lab", "*.pcap*")))


@unittest.skipUnless(os.path.exists(PACKING), "build/packing is not built (make unit-tests)")
class Packing(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.key = os.path.join(folder.name, "user.key")
        with open(cls.key, "w", encoding="ascii") as file:
            file.write("5a" * 32)

    def lines(self, tool, captures):
        done = common.run("-o", "json", "--seed", "1", "--user-key", self.key, "--separate", *captures, tool=tool, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return [line for line in done.stdout.decode().splitlines() if '"dataset":"imapwhy.stats"' not in line]

    def same(self, captures):
        plain, packed = self.lines(common.TOOL, captures), self.lines(PACKING, captures)
        self.assertGreater(len(plain), len(captures) // 2)
        self.assertEqual(len(plain), len(packed))
        for a, b in zip(plain, packed):
            self.assertEqual(a, b)

    def test_samples(self):
        self.same([common.capture_of(case) for case in common.sample_names()])

    @unittest.skipUnless(LAB, "no shared captures of the lab")
    def test_lab(self):
        self.same(LAB)


if __name__ == "__main__":
    unittest.main()
