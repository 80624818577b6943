#!/usr/bin/env python3
"""The options: choosing what is reported (against a filter written here, on the samples), names, languages, seeds, output, mistakes."""
import datetime
import glob
import ipaddress
import json
import os
import pty
import re
import select
import subprocess
import sys
import tempfile
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from made import Conversation, write_pcap  # noqa: E402

PROGRAM = os.path.join(TOP, "imapwhy")
SAMPLES = sorted(glob.glob(os.path.join(TOP, "samples", "*", "capture.*")))
KEY = "00112233445566778899aabbccddeeff"


def run(*arguments, **more):
    more.setdefault("stdout", subprocess.PIPE)
    return subprocess.run([PROGRAM, *arguments], stderr=subprocess.PIPE, timeout=120, **more)


def documents(*arguments):
    done = run("-o", "json", *arguments)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def sessions(docs):
    return [d for d in docs if d["event"]["dataset"] == "imapwhy.session"]


def moment(text):
    """Nanoseconds since 1970 of an RFC 3339 time."""
    whole, rest = text.rstrip("Z").split(".")
    return int(datetime.datetime.fromisoformat(whole + "+00:00").timestamp()) * 10**9 + int(rest)


class Choice(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        room = tempfile.TemporaryDirectory()
        cls.addClassCleanup(room.cleanup)
        cls.key = os.path.join(room.name, "key")
        with open(cls.key, "w") as f:
            f.write(KEY + "\n")
        cls.base = ["--separate", "--user-key", cls.key, *SAMPLES]
        cls.all = sessions(documents(*cls.base))
        assert len(cls.all) > len(SAMPLES)

    def chosen(self, options, wanted, least=1):
        want = [d["event"]["id"] for d in self.all if wanted(d)]
        self.assertGreaterEqual(len(want), least)
        self.assertLess(len(want), len(self.all))
        self.assertEqual([d["event"]["id"] for d in sessions(documents(*options, *self.base))], want)

    def test_outcomes(self):
        for words in ("failed", "degraded", "healthy", "failed,degraded", "inconclusive,healthy"):
            if any(d["imapwhy"]["verdict"]["outcome"] in words.split(",") for d in self.all):
                self.chosen(["--only", words], lambda d: d["imapwhy"]["verdict"]["outcome"] in words.split(","))

    def test_ends(self):
        for option, key in (("--client", "source"), ("--server", "destination")):
            for value in sorted({d[key]["ip"] for d in self.all})[:6]:
                self.chosen([option, value], lambda d: d[key]["ip"] == value)
                bits = 24 if "." in value else 64
                net = ipaddress.ip_network("%s/%d" % (value, bits), strict=False)
                inside = [d for d in self.all if ipaddress.ip_address(d[key]["ip"]) in net]
                if len(inside) < len(self.all):
                    self.chosen([option, "%s/%d" % (value, bits)], lambda d: ipaddress.ip_address(d[key]["ip"]) in net)

    def test_server_name(self):
        names = sorted({d["destination"]["domain"] for d in self.all if "domain" in d["destination"]})
        self.assertTrue(names)
        for name in names[:4]:
            self.chosen(["--server", name.upper()], lambda d: d["destination"].get("domain") == name)

    def test_user(self):
        capture = [s for s in SAMPLES if "content-dropped-success-cdrop-login" in s]
        (hashed,) = {d["user"]["hash"] for d in sessions(documents("--user-key", self.key, *capture)) if "user" in d}
        self.chosen(["--user", "bob"], lambda d: d.get("user", {}).get("hash") == hashed)
        self.assertEqual(sessions(documents("--user", "nobody-of-that-name", *self.base)), [])

    def test_times(self):
        starts = sorted(moment(d["event"]["start"]) for d in self.all)
        middle = starts[len(starts) // 2] // 10**9
        utc = datetime.datetime.fromtimestamp(middle, datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        local = datetime.datetime.fromtimestamp(middle).strftime("%Y-%m-%dT%H:%M:%S")
        for value in (str(middle), utc, local):
            self.chosen(["--since", value], lambda d: moment(d["event"]["end"]) >= middle * 10**9)
            self.chosen(["--until", value], lambda d: moment(d["event"]["start"]) <= middle * 10**9)

    def test_why_can_this_phone_not_read_mail_since_nine(self):
        nine = time.mktime(time.localtime()[:3] + (9, 0, 0, 0, 0, -1))
        with tempfile.TemporaryDirectory() as room:
            path = write_pcap(os.path.join(room, "today.pcap"), Conversation(client="10.1.4.23", start=nine - 900).refused_login(),
                              Conversation(client="10.1.4.23", client_port=2, start=nine + 60).refused_login(),
                              Conversation(client="10.1.4.24", start=nine + 61).refused_login())
            (doc,) = sessions(documents("--client", "10.1.4.23", "--since", "09:00", path))
            self.assertEqual(doc["source"]["port"], 2)

    def test_the_summary_counts_what_was_chosen(self):
        value = self.all[0]["source"]["ip"]
        mine = [d for d in self.all if d["source"]["ip"] == value]
        failed = sum(d["imapwhy"]["verdict"]["outcome"] == "failed" for d in mine)
        text = run("-o", "text", "--client", value, *self.base).stdout.decode()
        self.assertRegex(text.splitlines()[-1], "^%d sessions? failed" % failed)

    def test_together(self):
        value = self.all[0]["source"]["ip"]
        both = [d for d in self.all if d["source"]["ip"] == value and d["imapwhy"]["verdict"]["outcome"] == "failed"]
        if both:
            self.chosen(["--client", value, "--only", "failed"], lambda d: d in both)


class Shape(unittest.TestCase):
    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = room.name
        self.path = write_pcap(os.path.join(self.room, "a.pcap"), Conversation().refused_login("anna@example.org"))

    def test_user_names(self):
        user = {mode: sessions(documents("--usernames", mode, self.path))[0].get("user") for mode in ("hash", "mask", "clear", "off")}
        self.assertEqual(set(user["hash"]), {"name", "hash"})
        self.assertNotIn("anna", json.dumps([user["hash"], user["mask"]]))
        self.assertEqual(set(user["mask"]), {"name"})
        self.assertEqual(user["clear"]["name"], "anna@example.org")
        self.assertIsNone(user["off"])

    def test_languages(self):
        text = {w: sessions(documents("--lang", w, self.path))[0]["imapwhy"]["advice"][0]["text"] for w in ("en", "ar")}
        self.assertTrue(text["en"].isascii())
        self.assertTrue(re.search("[\u0600-\u06ff]", text["ar"]))

    def test_community_seed(self):
        ids = {seed: sessions(documents("--community-seed", seed, self.path))[0]["network"]["community_id"] for seed in ("0", "1")}
        self.assertEqual(ids["0"], sessions(documents(self.path))[0]["network"]["community_id"])
        self.assertNotEqual(ids["0"], ids["1"])

    def test_a_port_more(self):
        path = write_pcap(os.path.join(self.room, "b.pcap"), Conversation(port=1143).open().close(wait=6))
        self.assertEqual(len(sessions(documents(path))), 0)
        self.assertEqual(len(sessions(documents("-p", "1143", path))), 1)

    def test_a_file_of_its_own(self):
        out = os.path.join(self.room, "out")
        self.assertEqual(run("-o", "json", "-w", out, self.path).stdout, b"")
        run("-o", "json", "-w", out, self.path)
        with open(out) as f:
            self.assertEqual(len(f.readlines()), 4)

    def test_interval_in_capture_time(self):
        path = write_pcap(os.path.join(self.room, "c.pcap"), *[Conversation(client_port=i, start=1700000000 + 20 * i).refused_login() for i in range(1, 10)])
        docs = documents("--interval", "60", path)
        self.assertEqual(len([d for d in docs if d["event"]["dataset"] == "imapwhy.stats"]), 3)

    # --- what goes wrong ---

    def complaint(self, status, *arguments, **more):
        done = run(*arguments, **more)
        self.assertEqual(done.returncode, status)
        return done.stderr.decode()

    def test_words_and_ports_that_are_none(self):
        self.assertIn("`imapwhy rules check`", self.complaint(2, "rules", "chekc"))
        self.assertIn("a port from 1 to 65535", self.complaint(2, "--port", "imaps", self.path))

    def test_mistakes_are_told_with_their_neighbours(self):
        for arguments, word in ((["--sever", "x"], "`server`"), (["--onyl", "failed"], "`only`"), (["--memory", "lots", "x"], "--memory"),
                                (["--since", "yesterday", "x"], "--since"), (["--only", "broken", "x"], "outcomes"), (["-o", "xml", "x"], "json"),
                                (["--lang", "fr", "x"], "en or ar"), (["--port", "0", "x"], "65535"), (["--client", "a.b", "x"], "--client"),
                                (["--snap", "4294967296", "x"], "bytes"),
                                (["--community-seed", "65536", "x"], "65535"), (["--server"], "needs a value"), ([], "nothing to read"), (["-i", "lo", "x"], "exclude")):
            self.assertIn(word, self.complaint(2, *arguments), arguments)

    def test_bad_rules_are_all_told(self):
        rules = os.path.join(self.room, "rules")
        subprocess.run(["cp", "-r", os.path.join(TOP, "rules"), rules], check=True)
        for name in ("10-resolve.yaml", "40-login.yaml"):
            with open(os.path.join(rules, "verdicts", name), "a") as f:
                f.write("\n- id: bad.%s\n  when: imap.greting and tcp.nonsense\n" % name[:2])
        error = self.complaint(2, "--rules", rules, self.path)
        for name in ("10-resolve.yaml:", "40-login.yaml:", "imap.greting", "`imap.greeting`"):
            self.assertIn(name, error)
        self.assertIn("--rules", self.complaint(2, "--rules", "/nonexistent", self.path))

    def test_full_disk(self):
        with open("/dev/full", "w") as full:
            error = self.complaint(1, "-o", "json", self.path, stdout=full)
        self.assertIn("No space left", error)
        self.assertRegex(error, r"\d of \d lost")
        self.assertIn("-w", self.complaint(2, "-w", "/nonexistent/x", self.path))

    def test_nobody_reads(self):
        reader, writer = os.pipe()
        os.close(reader)
        self.assertIn("Broken pipe", self.complaint(1, "-o", "json", self.path, stdout=writer))
        os.close(writer)


class Terminal(unittest.TestCase):
    def watch(self, arguments, environment=None, **more):
        """What a terminal of 80 columns gets of standard error."""
        master, slave = pty.openpty()
        process = subprocess.Popen([PROGRAM, *arguments], stderr=slave, stdout=more.get("stdout", subprocess.DEVNULL), stdin=more.get("stdin"),
                                   env={**os.environ, **(environment or {})})
        os.close(slave)
        seen = b""
        while select.select([master], [], [], 20)[0]:
            try:
                data = os.read(master, 65536)
            except OSError:
                break
            if not data:
                break
            seen += data
        os.close(master)
        self.assertEqual(process.wait(), 0)
        return seen.decode()

    def test_progress_on_a_slow_stream(self):
        with tempfile.TemporaryDirectory() as room:
            talks = [Conversation(client_port=i, start=1700000000 + i).refused_login() for i in range(1, 4000)]
            path = write_pcap(os.path.join(room, "long.pcap"), *talks)
            slow = subprocess.Popen(["sh", "-c", "head -c 1000000 %s; sleep 1; tail -c +1000001 %s" % (path, path)], stdout=subprocess.PIPE)
            seen = self.watch(["-"], stdin=slow.stdout)
            slow.stdout.close()
            slow.wait()
        self.assertRegex(seen, r"MB, \d+ packets, \d+ sessions, \d+ failed")
        self.assertTrue(seen.endswith("\r\033[K"))
        self.assertLess(seen.count("sessions"), 20)

    def test_no_progress_on_short_files_nor_elsewhere(self):
        self.assertEqual(self.watch([SAMPLES[0]]), "")
        self.assertEqual(run(SAMPLES[0]).stderr, b"")


if __name__ == "__main__":
    unittest.main()
