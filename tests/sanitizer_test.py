#!/usr/bin/env python3
"""The whole program under ASan and UBSan: every sample, the public and the odd captures without report, crash or hang; the fuzz targets for a short time."""
import concurrent.futures
import glob
import os
import subprocess
import unittest

from common import CAPTURES, SAMPLES, SANITIZED, TOP, run

TOOL = os.path.join(SANITIZED, "imapwhy")
AT_ONCE = 40     # files a process: a start costs more than a file
EACH = 20        # seconds that one file may take
FUZZ_SECONDS = os.environ.get("IMAPWHY_FUZZ_SECONDS", "4")


def trouble_with(files):
    """What is wrong with a run over these files; None when nothing is."""
    try:
        done = run("-o", "json", "--separate", *files, tool=TOOL, timeout=EACH)
    except subprocess.TimeoutExpired:
        return "took longer than %d s" % EACH
    errors = done.stderr.decode(errors="replace")
    if done.returncode not in (0, 1) or "Sanitizer" in errors or "runtime error" in errors:
        return "status %d: %s" % (done.returncode, errors[-2000:])
    if done.returncode == 1 and not errors.strip():
        return "status 1 without a word"
    return None


def troubles(files):
    batches = [files[i:i + AT_ONCE] for i in range(0, len(files), AT_ONCE)]
    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        bad = [batch for batch, trouble in zip(batches, pool.map(trouble_with, batches)) if trouble]
    return ["%s: %s" % (f, t) for batch in bad for f in batch for t in [trouble_with([f])] if t] or ["%s and others together" % b[0] for b in bad]


class Sanitized(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        built = subprocess.run(["make", "-C", TOP, "-j2", "sanitized"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        assert built.returncode == 0, built.stdout.decode()[-4000:]

    def read_all(self, files, what, least):
        self.assertGreaterEqual(len(files), least)
        found = troubles(files)
        self.assertEqual(found, [], "%d of %d files of %s" % (len(found), len(files), what))

    def test_samples(self):
        self.read_all(sorted(glob.glob(os.path.join(SAMPLES, "*", "capture.*"))), "samples", 60)

    def shared(self, folder, least):
        path = os.path.join(CAPTURES, folder)
        if not os.path.isdir(path):
            self.skipTest("%s is not there" % path)
        self.read_all(sorted(f for f in glob.glob(os.path.join(path, "*")) if os.path.isfile(f)), folder, least)

    def test_public_captures(self):
        self.shared("public", 90)

    def test_odd_captures(self):
        self.shared("robustness", 1000)

    def test_laboratory_captures(self):
        self.shared("lab", 100)


def fuzz(target):
    def test(self):
        done = subprocess.run(["sh", "tests/fuzz/fuzz.sh", SANITIZED, FUZZ_SECONDS, target], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        self.assertEqual(done.returncode, 0, done.stdout.decode())
    return test


for source in sorted(glob.glob(os.path.join(TOP, "tests", "fuzz", "*_fuzz.c"))):
    name = os.path.basename(source)[:-len("_fuzz.c")]
    setattr(Sanitized, "test_fuzz_" + name, fuzz(name))

if __name__ == "__main__":
    unittest.main()
