#!/usr/bin/env python3
"""`make install` puts program, rules and man page where a package would, the program finds its rules there, and `make uninstall` takes all away."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLE = os.path.join(TOP, "samples", "invalid-credentials-plainbad-perl-cyrus", "capture.pcap")


def make(target, room, prefix):
    done = subprocess.run(["make", "-s", target, "DESTDIR=" + room, "PREFIX=" + prefix], cwd=TOP, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    assert done.returncode == 0, done.stdout.decode()


def files_of(folder):
    return sorted(os.path.relpath(os.path.join(at, f), folder) for at, _, files in os.walk(folder) for f in files)


class Install(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.mkdtemp()

    def tearDown(self):
        shutil.rmtree(self.room)

    def test_staged_and_moved(self):
        make("install", self.room, "/usr")
        usr = os.path.join(self.room, "usr")
        names = files_of(usr)
        self.assertIn("bin/imapwhy", names)
        self.assertIn("share/man/man1/imapwhy.1", names)
        rules = [n for n in names if n.startswith("share/imapwhy/rules/")]
        self.assertEqual(len(rules) + 2, len(names))
        shipped = [f for f in files_of(os.path.join(TOP, "rules")) if f.endswith(".yaml")]
        self.assertEqual([n[len("share/imapwhy/rules/"):] for n in rules], shipped)
        # Anywhere: the rules are found from where the program stands.
        moved = os.path.join(self.room, "elsewhere")
        os.rename(usr, moved)
        done = subprocess.run([os.path.join(moved, "bin", "imapwhy"), "-o", "json", SAMPLE], cwd="/", env={"PATH": os.environ["PATH"]},
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        first = json.loads(done.stdout.decode().splitlines()[0])
        self.assertEqual(first["imapwhy"]["verdict"]["mechanism"], "invalid_credentials")
        checked = subprocess.run([os.path.join(moved, "bin", "imapwhy"), "rules", "check"], cwd="/", stdout=subprocess.PIPE)
        self.assertIn(os.path.join(moved, "bin", "../share/imapwhy/rules"), checked.stdout.decode())

    def test_uninstall(self):
        make("install", self.room, "/opt/mail")
        self.assertTrue(files_of(self.room))
        make("uninstall", self.room, "/opt/mail")
        self.assertEqual(files_of(self.room), [])


class Words(unittest.TestCase):
    def test_help_fits_a_screen(self):
        text = subprocess.run([os.path.join(TOP, "imapwhy"), "--help"], stdout=subprocess.PIPE, check=True).stdout.decode().splitlines()
        self.assertLessEqual(len(text), 24)
        self.assertLessEqual(max(map(len, text)), 80)

    def test_manual_and_help_know_every_option(self):
        with open(os.path.join(TOP, "analyzer", "options.c"), encoding="utf-8") as f:
            table = re.findall(r"\{ \"([a-z-]+)\", (?:required|no)_argument, NULL, (?:'(\w)'|\w+) \}", f.read())
        options = {long for long, _ in table}
        self.assertGreater(len(options), 20)
        with open(os.path.join(TOP, "docs", "imapwhy.1"), encoding="utf-8") as f:
            page = f.read()
        manual = set(re.findall(r"Fl Fl ([a-z-]+)", page)) | {"help", "version"}
        self.assertEqual(manual - options, set())
        for long, short in table:
            if short and long not in ("help", "version"):
                self.assertRegex(page, r"(?m)^\.It Fl %s , Fl Fl %s\b" % (short, long))
        text = subprocess.run([os.path.join(TOP, "imapwhy"), "--help"], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertEqual(options - manual, set())
        self.assertEqual({o for o in options if "--" + o not in text} - {"interface"}, set())

    @unittest.skipUnless(shutil.which("groff"), "groff is not installed")
    def test_manual_has_no_mistakes(self):
        done = subprocess.run(["groff", "-mandoc", "-Tutf8", "-ww", os.path.join(TOP, "docs", "imapwhy.1")],
                              stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        self.assertEqual(done.stderr.decode(), "")


if __name__ == "__main__":
    unittest.main()
