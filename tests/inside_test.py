#!/usr/bin/env python3
"""Inside TLS without keys: each shape of a dialogue through the whole program, and the model re-estimated from captures."""
import json
import os
import struct
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from common import TOOL, capture_of, documents, run, sessions  # noqa: E402
from packets import ACK, FIN, PSH, SYN, Capture, Tcp  # noqa: E402

ME, SERVER = "192.0.2.10", "203.0.113.5"
SUITE, ADDS = 0xC030, 24  # ECDHE-RSA-AES256-GCM-SHA384: explicit nonce and tag
DATA, HANDSHAKE, CHANGE, ALERT = 23, 22, 20, 21


def record(kind, body):
    return struct.pack("!BHH", kind, 0x0303, len(body)) + body


def message(kind, body):
    return bytes([kind]) + struct.pack("!I", len(body))[1:] + body


def hello(kind, suites):
    return record(HANDSHAKE, message(kind, b"\x03\x03" + bytes(32) + b"\0" + suites + (b"\1\0" if kind == 1 else b"\0")))


class Session(Tcp):
    """A TLS 1.2 session whose records hold nothing but zeros: only their lengths and times tell."""

    def __init__(self, capture, at=0.0, client=ME, client_port=40000):
        super().__init__(capture, client, SERVER, 993, client_port)
        self.now = at
        suite = struct.pack("!H", SUITE)
        self.step(0, SYN).step(1, SYN | ACK).step(0, ACK)
        self.put(0, hello(1, struct.pack("!H", 2) + suite))
        self.put(1, hello(2, suite) + record(HANDSHAKE, message(14, b"")))
        self.put(0, record(HANDSHAKE, message(16, bytes(33))) + record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40)))
        self.put(1, record(CHANGE, b"\1") + record(HANDSHAKE, bytes(40)))

    def step(self, side, flags, wait=0.01):
        self.now += wait
        return self.send(self.now, side, flags)

    def put(self, side, data, wait=0.01):
        self.now += wait
        self.send(self.now, side, ACK | PSH, data)
        return self.step(1 - side, ACK, 0.0005)

    def c(self, length, wait=0.002):
        return self.put(0, record(DATA, bytes(length + ADDS)), wait)

    def s(self, length, wait=0.02):
        return self.put(1, record(DATA, bytes(length + ADDS)), wait)

    def closes(self, side, wait=0.002):
        return self.step(side, FIN | ACK, wait).step(1 - side, FIN | ACK, 0.01).step(side, ACK, 0.01)


def told(capture, client=ME):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.pcap")
        capture.save(path)
        return [d for d in sessions(documents(path)) if d["source"]["ip"] == client]


class Shapes(unittest.TestCase):
    def says(self, mechanism, outcome, play, stage=None):
        capture = Capture()
        play(Session(capture))
        docs = told(capture)
        self.assertEqual(len(docs), 1)
        verdict = docs[0]["imapwhy"]["verdict"]
        self.assertEqual((verdict["mechanism"], verdict["outcome"]), (mechanism, outcome), docs[0]["imapwhy"].get("inside"))
        if stage:
            self.assertEqual(verdict["stage"], stage)
        return docs[0]

    def test_refused(self):
        doc = self.says("rejected_inside_tls", "failed", lambda t: t.s(112).c(40).s(52, 2.0).closes(0), "auth")
        inside = doc["imapwhy"]["inside"]
        self.assertEqual((inside["dialogue"], inside["next"]), ("login_refused", "success"))
        self.assertGreaterEqual(inside["margin"], 900)
        self.assertEqual([r["is"] for r in inside["records"]], ["greeting", "login", "no"])
        self.assertTrue(inside["terms"])
        self.assertIn("inside.answer", [e["fact"] for e in doc["imapwhy"]["evidence"]])

    def test_accepted(self):
        self.says("success", "healthy", lambda t: t.s(112).c(40).s(404).c(13).s(80).c(29).s(262).c(10).s(66).closes(1))

    def test_account_check_that_logs_out_at_once(self):
        self.says("success", "healthy", lambda t: t.s(112).c(17).s(170).c(35).s(407, 0.05).c(13).s(68).closes(1))

    def test_wrong_then_right_is_healthy_and_not_slow(self):
        doc = self.says("success", "healthy", lambda t: t.s(112).c(18).s(170).c(35).s(56, 2.1).c(35).s(56, 6.0).c(37).s(408, 8.0)
                        .c(20).s(290).c(26).s(2900).closes(0))
        self.assertEqual(doc["imapwhy"]["inside"]["refused"], 2)

    def test_connection_limit(self):
        self.says("connection_limit", "failed", lambda t: t.s(112).c(40).s(99, 0.03).closes(1))

    def test_temporary_failure(self):
        self.says("temporarily_unavailable", "failed", lambda t: t.s(272).c(17).s(191).c(30).s(49).closes(1))

    def test_autologout(self):
        self.says("autologout", "failed", lambda t: t.s(112).c(40).s(404).c(16).s(290).c(26).s(3000).s(36, 1800).closes(1))

    def test_login_never_answered(self):
        self.says("auth_timeout", "failed", lambda t: t.s(112).c(17).s(170).c(40).closes(0, 60), "auth")

    def test_server_hangs_up_on_the_login(self):
        self.says("closed_by_server", "failed", lambda t: t.s(112).c(17).s(170).c(40).closes(1, 0.5), "auth")

    def test_server_hangs_up_in_mid_session(self):
        self.says("closed_by_server", "failed", lambda t: t.s(112).c(40).s(404).c(19).s(290).c(40).s(900).c(41).s(300).closes(1, 0.01))

    def test_unclear_is_not_called_refused(self):
        doc = self.says("too_short", "inconclusive", lambda t: t.s(40).c(17).s(100).c(35).s(26, 0.9).c(13).s(50).closes(0))
        self.assertEqual(doc["imapwhy"]["inside"]["dialogue"], "unclear")

    def test_only_looked_at(self):
        self.says("clean_close", "healthy", lambda t: t.s(112).c(18).s(170).c(14).s(48).closes(0))


class OtherSessions(unittest.TestCase):
    def test_what_the_server_answered_before_counts(self):
        """The same short exchange is unclear alone, and refused beside sessions that show how this server refuses."""
        capture = Capture()
        Session(capture, 0, ME, 41000).s(40).c(17).s(100).c(37).s(26, 4.0).c(37).s(26, 4.0).c(37).s(26, 4.0).closes(0)
        Session(capture, 100).s(40).c(17).s(100).c(35).s(26, 0.9).c(13).s(50).closes(0)
        docs = {d["source"]["port"]: d for d in told(capture)}
        first, doc = docs[41000], docs[40000]
        self.assertEqual(first["imapwhy"]["verdict"]["mechanism"], "rejected_inside_tls")
        self.assertEqual(doc["imapwhy"]["verdict"]["mechanism"], "rejected_inside_tls", doc["imapwhy"]["inside"])
        proof = [e for e in doc["imapwhy"]["evidence"] if e["fact"] == "inside.answered_before"]
        self.assertEqual([e["session"] for e in proof], [first["event"]["id"]])

    def locked_out(self, between=None):
        """Logins refused again and again, then nothing is answered while another device is served."""
        capture = Capture()
        for number in range(4):
            Session(capture, 8 * number, ME, 41000 + number).s(112).c(17).s(170).c(40).s(52, 2.0).closes(0)
        if between:
            between(Session(capture, 34, ME, 41010))
        Tcp(capture, ME, SERVER, 993, 42000).syns(40)
        Session(capture, 42, "192.0.2.11", 43000).s(112).c(40).s(404).c(13).s(80).c(29).s(262).c(10).s(66).closes(1)
        return {d["source"]["port"]: d["imapwhy"]["verdict"]["mechanism"] for d in told(capture)}

    def test_logins_refused_inside_tls_go_before_a_ban(self):
        self.assertEqual(self.locked_out()[42000], "client_banned")

    def test_a_login_accepted_inside_tls_ends_what_was_refused(self):
        found = self.locked_out(lambda t: t.s(112).c(40).s(404).c(13).s(80).c(29).s(262).c(10).s(66).closes(1))
        self.assertEqual((found[41010], found[42000]), ("success", "syn_dropped"))


    def refused_beside_one_that_worked(self, other_first):
        """Answers of a server that is not known; the other client logs in and looks at its mailbox. Verdicts of the one and of the other."""
        capture = Capture()
        at = {ME: 3.0 * other_first, "192.0.2.11": 3.0 * (not other_first)}
        Session(capture, at[ME]).s(30).c(17).s(115).c(43).s(25, 0.2).closes(0)
        other = Session(capture, at["192.0.2.11"], "192.0.2.11", 40001)
        other.s(30).c(17).s(115).c(44).s(35, 0.2).c(17).s(115).c(16).s(46).c(13).s(41).closes(1)
        return [told(capture, client)[0]["imapwhy"]["verdict"]["mechanism"] for client in at]

    def test_what_it_answered_to_a_login_that_worked_tells_the_refusal(self):
        capture = Capture()
        Session(capture).s(30).c(17).s(115).c(43).s(25, 0.2).closes(0)
        self.assertEqual(told(capture)[0]["imapwhy"]["verdict"]["outcome"], "inconclusive")
        self.assertEqual(self.refused_beside_one_that_worked(other_first=True), ["rejected_inside_tls", "success"])

    def test_a_verdict_that_is_unclear_waits_for_the_next_session(self):
        self.assertEqual(self.refused_beside_one_that_worked(other_first=False), ["rejected_inside_tls", "success"])


class Explained(unittest.TestCase):
    def test_explain_prints_every_record_with_its_meanings(self):
        done = run("explain", capture_of("success-itls-emptybox-imaplib-courier"))
        text = done.stdout.decode()
        self.assertRegex(text, r"(?m)^inside TLS: success, \d+ per mille over the next best$")
        self.assertRegex(text, r"(?m)^  best: success -\d+\.\d")
        self.assertRegex(text, r"(?m)^  frame \d+  C 18  \+\d+ ms  capability \(.*;  capability -")


def read(path):
    with open(path, encoding="utf-8") as text:
        return text.read()


class Estimated(unittest.TestCase):
    def test_rows_are_estimated_anew_and_load(self):
        case = "success-itls-emptybox-imaplib-courier"
        with tempfile.TemporaryDirectory() as folder:
            source = sessions(documents(capture_of(case)))[0]["source"]
            labels = [{"client_ip": source["ip"], "client_ports": [source["port"]], "mechanism": "success"}]
            path = os.path.join(folder, "labels.json")
            with open(path, "w") as out:
                json.dump([{"file": os.path.abspath(capture_of(case)), "part": "tune", "sessions": labels}], out)
            rules = os.path.join(folder, "rules")
            subprocess.run(["cp", "-r", os.path.join(TOP, "rules"), rules], check=True)
            model = os.path.join(rules, "inside-tls.yaml")
            before = read(model)
            done = subprocess.run([sys.executable, os.path.join(TOP, "tests", "lab", "estimate_inside.py"), "--labels", path, "--tool", TOOL,
                                   "--rules", model], stdout=subprocess.PIPE, timeout=60, check=True)
            self.assertIn(b"1 sessions taught", done.stdout)
            after = read(model)
            self.assertNotEqual(before, after)
            self.assertEqual(before.split("\nservers:")[1], after.split("\nservers:")[1])
            self.assertEqual(run("rules", "check", "--rules", rules).returncode, 0)


if __name__ == "__main__":
    unittest.main()
