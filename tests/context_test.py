#!/usr/bin/env python3
"""Verdicts that need other sessions: each with its proof, and the same scene without."""
import json
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tests"))
from packets import ACK, RST, Capture, Tcp  # noqa: E402

ME, OTHER, THIRD, SERVER, WEB = "192.0.2.10", "192.0.2.11", "192.0.2.12", "203.0.113.5", "203.0.113.80"


def documents(capture, *options):
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "made.pcap")
        capture.save(path)
        done = subprocess.run([os.path.join(TOP, "imapwhy"), "-o", "json", *options, path], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
        assert done.returncode == 0, done.stderr.decode()
        return [json.loads(line) for line in done.stdout.decode().splitlines()]


def sessions(docs):
    found = [d for d in docs if d["event"]["dataset"] == "imapwhy.session"]
    revised = {d["imapwhy"].get("revises") for d in found}
    return [d for d in found if d["event"]["id"] not in revised]


class Made(unittest.TestCase):
    def verdict(self, capture, client=ME, port=None, which=-1, options=()):
        mine = [d for d in sessions(documents(capture, *options)) if d["source"]["ip"] == client and (not port or d["source"]["port"] == port)]
        self.assertTrue(mine, "no session of " + client)
        mine.sort(key=lambda d: d["event"]["start"])
        return mine[which]

    def says(self, doc, mechanism, culprit=None, outcome="failed"):
        v = doc["imapwhy"]["verdict"]
        self.assertEqual((v["mechanism"], v["outcome"]), (mechanism, outcome), v)
        if culprit:
            self.assertEqual(v["culprit"], culprit)
        return doc

    def proof(self, doc, fact):
        """The evidence of another session, which is named."""
        lines = [e for e in doc["imapwhy"]["evidence"] if e["fact"] == fact]
        self.assertEqual(len(lines), 1, doc["imapwhy"]["evidence"])
        return lines[0]


class Dropped(Made):
    def scene(self):
        c = Capture()
        Tcp(c, ME, SERVER).syns(10)
        return c

    def test_with_another_client_served(self):
        c = self.scene()
        other = Tcp(c, OTHER, SERVER).works(12)
        self.assertEqual(self.proof(self.says(self.verdict(c), "syn_dropped", "middlebox"), "context.host_alive")["says"],
                         "the same host answered others (%s)" % OTHER)
        ids = {d["event"]["id"] for d in sessions(documents(c)) if d["source"]["ip"] == OTHER}
        self.assertIn(self.proof(self.verdict(c), "context.host_alive")["session"], ids)
        del other

    def test_with_another_port_answered(self):
        c = self.scene()
        Tcp(c, ME, SERVER, port=443).open(11)
        self.says(self.verdict(c), "syn_dropped", "middlebox")

    def test_alone(self):
        self.says(self.verdict(self.scene()), "connect_timeout")

    def test_another_host_proves_nothing(self):
        c = self.scene()
        Tcp(c, OTHER, WEB).works(12)
        self.says(self.verdict(c), "connect_timeout")

    def test_proof_may_come_later(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(28)
        Tcp(c, OTHER, WEB).works(60)
        self.says(self.verdict(c), "syn_dropped")

    def test_too_late_is_no_proof(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(120)
        self.says(self.verdict(c), "connect_timeout")


class Banned(Made):
    def scene(self, refusals=5):
        c = Capture()
        for i in range(refusals):
            Tcp(c, ME, SERVER, client_port=41000 + i).refused(5 + i)
        return c

    def blocked_by_icmp(self, c):
        Tcp(c, ME, SERVER, client_port=42000).syn(20).icmp(20.02, 3, 3)

    def test_icmp(self):
        c = self.scene()
        self.blocked_by_icmp(c)
        Tcp(c, OTHER, SERVER).works(22)
        doc = self.says(self.verdict(c), "client_banned")
        self.proof(doc, "context.refused_before")
        self.proof(doc, "context.others_served")

    def test_dropped(self):
        c = self.scene()
        Tcp(c, ME, SERVER, client_port=42000).syns(20)
        Tcp(c, OTHER, SERVER).works(22)
        self.says(self.verdict(c), "client_banned")

    def test_reset(self):
        c = self.scene()
        bad = Tcp(c, ME, SERVER, client_port=42000).syn(20)
        bad.send(20.02, 1, RST | ACK, seq=0)
        Tcp(c, OTHER, SERVER).works(22)
        self.says(self.verdict(c), "client_banned")

    def test_cut_in_mid_session(self):
        c = self.scene()
        Tcp(c, ME, SERVER, client_port=42000).greeted(20).vain(20.2, "a1 LOGIN user wrong\r\n")
        Tcp(c, OTHER, SERVER).works(22)
        self.says(self.verdict(c), "client_banned")

    def test_no_refused_logins(self):
        c = Capture()
        self.blocked_by_icmp(c)
        Tcp(c, OTHER, SERVER).works(22)
        self.says(self.verdict(c), "icmp_rejected")

    def test_nobody_else_served(self):
        c = self.scene()
        self.blocked_by_icmp(c)
        self.says(self.verdict(c), "icmp_rejected")

    def test_a_good_login_since(self):
        c = self.scene()
        Tcp(c, ME, SERVER, client_port=41900).works(15)
        self.blocked_by_icmp(c)
        Tcp(c, OTHER, SERVER).works(22)
        self.says(self.verdict(c), "icmp_rejected")


class Swallowed(Made):
    LOGIN = "a1 LOGIN user secret\r\n"

    def scene(self):
        c = Capture()
        Tcp(c, ME, SERVER).greeted(10).vain(10.2, self.LOGIN)
        return c

    def test_content_with_others_served(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(13)
        self.proof(self.says(self.verdict(c), "content_dropped", "middlebox"), "context.service_alive")

    def test_content_alone(self):
        self.says(self.verdict(self.scene()), "peer_vanished")

    def test_others_served_just_before(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(5)
        self.says(self.verdict(c), "content_dropped", "middlebox")

    def test_others_served_long_before(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(-80)
        self.says(self.verdict(c), "peer_vanished")

    def test_others_served_only_before_it_broke_in_the_middle(self):
        c = Capture()
        Tcp(c, OTHER, SERVER).works(25)
        Tcp(c, ME, SERVER).greeted(10).client(10.1, self.LOGIN).server(10.2, "a1 OK in\r\n").vain(30, "a2 NOOP\r\n")
        self.says(self.verdict(c), "peer_vanished")

    def idle(self):
        c = Capture()
        t = Tcp(c, ME, SERVER).greeted(10).client(10.1, self.LOGIN).server(10.2, "a1 OK in\r\n").client(10.3, "a2 IDLE\r\n").server(10.4, "+ idling\r\n")
        t.vain(400, "DONE\r\n")
        return c

    def test_expired_with_others_served(self):
        c = self.idle()
        Tcp(c, OTHER, SERVER).works(403)
        self.says(self.verdict(c), "state_expired", "middlebox")

    def test_expired_with_others_served_late_in_its_quiet(self):
        c = self.idle()
        Tcp(c, OTHER, SERVER).works(375)
        self.says(self.verdict(c), "state_expired", "middlebox")

    def test_expired_with_others_served_early_in_its_quiet(self):
        c = self.idle()
        Tcp(c, OTHER, SERVER).works(340)
        self.says(self.verdict(c), "peer_vanished")

    def test_expired_alone(self):
        self.says(self.verdict(self.idle()), "peer_vanished")


class FullQueue(Made):
    def scene(self):
        c = Capture()
        Tcp(c, ME, SERVER).syns(10, offsets=(0, 1, 3, 7, 15))
        return c

    def test_stuck_beside(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).open(8)
        self.proof(self.says(self.verdict(c), "connect_timeout", "server"), "context.stuck")

    def test_not_stuck(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(8)
        self.says(self.verdict(c), "syn_dropped", "middlebox")

    def test_stuck_once_and_recovered(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).open(2)
        Tcp(c, THIRD, SERVER).works(9)
        self.says(self.verdict(c), "syn_dropped", "middlebox")


class Families(Made):
    ME6, SERVER6, DNS, NAME = "2001:db8::10", "2001:db8::993", "192.0.2.1", "imap.example.org"

    def scene(self, names=True):
        c = Capture()
        if names:
            c.query(9.0, ME, self.DNS, self.NAME)
            c.query(9.0, ME, self.DNS, self.NAME, qtype=28, number=8, port=40001)
            c.answer(9.02, ME, self.DNS, self.NAME, SERVER)
            c.answer(9.02, ME, self.DNS, self.NAME, self.SERVER6, qtype=28, number=8, port=40001)
        return c

    def test_rejected(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syn(10).icmp(10.01, 1, 1)
        Tcp(c, ME, SERVER).works(10.02)
        self.says(self.verdict(c, self.ME6), "icmp_rejected", "middlebox", "degraded")

    def test_refused(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syn(10).send(10.01, 1, RST | ACK, seq=0)
        Tcp(c, ME, SERVER).works(10.02)
        self.says(self.verdict(c, self.ME6), "connection_refused", "server", "degraded")

    def test_unanswered_for_seconds(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syns(10)
        Tcp(c, ME, SERVER).works(10.3)
        self.says(self.verdict(c, self.ME6), "connect_timeout", "network", "degraded")

    def test_one_after_the_other(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syns(10)
        Tcp(c, ME, SERVER).works(19)
        self.says(self.verdict(c, self.ME6), "connect_timeout", "network", "degraded")

    def test_long_after_the_other(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syns(10)
        Tcp(c, ME, SERVER).works(40)
        self.says(self.verdict(c, self.ME6), "connect_timeout", "unknown")

    def test_lost_the_race(self):
        c = self.scene()
        t = Tcp(c, self.ME6, self.SERVER6).syn(10).synack(10.4)
        t.send(10.401, 0, RST, seq=1001)
        Tcp(c, ME, SERVER).works(10.25)
        self.assertEqual(self.verdict(c, self.ME6)["imapwhy"]["verdict"]["class"], "none")

    def test_without_a_name_nothing_joins_them(self):
        c = self.scene(names=False)
        Tcp(c, self.ME6, self.SERVER6).syn(10).icmp(10.01, 1, 1)
        Tcp(c, ME, SERVER).works(10.02)
        self.says(self.verdict(c, self.ME6), "icmp_rejected", "middlebox")

    def test_the_other_family_failed_too(self):
        c = self.scene()
        Tcp(c, self.ME6, self.SERVER6).syn(10).icmp(10.01, 1, 1)
        Tcp(c, ME, SERVER).syn(10.02).icmp(10.03, 3, 13)
        self.says(self.verdict(c, self.ME6), "icmp_rejected", "middlebox")


class Stripped(Made):
    def scene(self):
        c = Capture()
        t = Tcp(c, ME, SERVER).greeted(10, "IMAP4rev1 AUTH=PLAIN").client(10.1, "a1 CAPABILITY\r\n")
        t.server(10.2, "* CAPABILITY IMAP4rev1 AUTH=PLAIN\r\na1 OK done\r\n").close(10.3)
        return c

    def test_offered_to_another(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(8)
        self.says(self.verdict(c), "starttls_stripped", "middlebox")

    def test_offered_to_nobody_else(self):
        self.says(self.verdict(self.scene()), "starttls_refused", "server")


class IdleTimers(Made):
    LOGIN = "a1 LOGIN user secret\r\n"

    def session(self, c, client, at, port, quiet, dies=True):
        t = Tcp(c, client, SERVER, client_port=port).greeted(at).client(at + 0.1, self.LOGIN).server(at + 0.2, "a1 OK in\r\n")
        if dies:
            t.vain(at + 0.2 + quiet, "a2 NOOP\r\n")
        else:
            t.client(at + 0.2 + quiet, "a2 NOOP\r\n").server(at + 0.3 + quiet, "a2 OK\r\n").close(at + 1 + quiet)

    def notice(self, c, client):
        return [n["says"] for n in self.verdict(c, client)["imapwhy"].get("notices", []) if n["id"] == "idle_timer"]

    def scene(self, *quiets):
        c = Capture()
        for i, quiet in enumerate(quiets):
            self.session(c, "192.0.2.%d" % (20 + i), 10 + 40 * i, 43000, quiet)
        return c

    def test_two_agree_and_one_setting_fits(self):
        c = self.scene(400, 470)
        self.session(c, OTHER, 5, 43000, 310, dies=False)
        self.assertEqual(self.notice(c, "192.0.2.21"), ["Something on this path forgets connections that are quiet for 350 s (2 sessions agree)."])

    def test_no_usual_setting_fits(self):
        c = self.scene(500, 530)
        self.session(c, OTHER, 5, 43000, 401, dies=False)
        self.assertEqual(self.notice(c, "192.0.2.21"), ["Something on this path forgets connections that are quiet for between 400 and 500 s (2 sessions agree)."])

    def test_one_alone_names_nothing(self):
        self.assertEqual(self.notice(self.scene(400), "192.0.2.20"), [])

    def test_survivors_contradict(self):
        c = self.scene(400, 450)
        self.session(c, OTHER, 5, 43000, 440, dies=False)
        self.assertEqual(self.notice(c, "192.0.2.21"), [])


class Answers(Made):
    """What traffic answers of the repair steps."""

    def answer(self, doc, step):
        for advice in doc["imapwhy"]["advice"]:
            if advice["step"] == step:
                return advice.get("answered_by", {})
        self.fail("no step " + step)

    def scene(self):
        c = Capture()
        Tcp(c, ME, SERVER).greeted(10).vain(10.2, "a1 LOGIN user secret\r\n")
        return c

    def test_others_served_and_connection_well(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).works(13)
        Tcp(c, THIRD, SERVER).works(14)
        Tcp(c, ME, WEB, port=443).open(9)
        doc = self.verdict(c)
        answer = self.answer(doc, "try_another_device")
        self.assertEqual(answer["state"], "answered")
        self.assertIn("2 of 2 other devices", answer["says"])
        self.assertIn("session", answer)
        self.assertIn("this device's other connections are answered, 1 of 1 (20.0 ms)", self.answer(doc, "check_connection")["says"])

    def test_others_served_only_before_it(self):
        """The server may be gone since: what it did before answers nothing."""
        c = Capture()
        Tcp(c, OTHER, SERVER).works(8)
        Tcp(c, ME, SERVER).syn(10).send(10.02, 1, RST | ACK, seq=0)
        answer = self.answer(self.verdict(c), "try_another_device")
        self.assertEqual(answer["state"], "narrowed")
        self.assertIn("Before this the same server served 1 of 1 other devices", answer["says"])

    def test_others_fail_too(self):
        c = self.scene()
        Tcp(c, OTHER, SERVER).greeted(5).vain(5.2, "a1 LOGIN user secret\r\n")
        Tcp(c, ME, WEB, port=443).syns(9)
        doc = self.verdict(c)
        self.assertIn("none of the other devices (1)", self.answer(doc, "try_another_device")["says"])
        self.assertIn("go unanswered too, 1 of 1", self.answer(doc, "check_connection")["says"])

    def test_who_rejects_it_and_how_far_away(self):
        c = Capture()
        Tcp(c, ME, SERVER).syn(10).icmp(10.02, 3, 13, source="198.51.100.1", ttl=253)
        answer = self.answer(self.verdict(c), "check_firewall_antivirus")
        self.assertEqual(answer["says"], "198.51.100.1 rejected the connection to port 143, 2 hop(s) away from the capture point, on the side of the server.")
        self.assertEqual((answer["state"], answer["frame"]), ("narrowed", 2))

    def test_the_server_itself_rejects_it(self):
        c = Capture()
        Tcp(c, ME, SERVER).syn(10).icmp(10.02, 3, 10, ttl=57)
        says = self.answer(self.verdict(c, options=("--lang", "ar")), "check_firewall_antivirus")["says"]
        self.assertIn(SERVER, says)
        self.assertIn("7", says)

    def test_how_far_away_a_forged_reset_set_out(self):
        c = Capture()
        t = Tcp(c, ME, SERVER).greeted(10).client(10.1, "a1 LOGIN user secret\r\n", acked=False)
        t.send(10.11, 1, RST | ACK, ttl=62)
        says = self.answer(self.verdict(c), "check_firewall_antivirus")["says"]
        self.assertEqual(says, "The forged reset set out 2 hop(s) away from the capture point, on the side of the server; it cut the login.")

    def scene_of_loss(self, again=5, of=30):
        """A device whose mail fails, then reads the web, then fails once more."""
        c = self.scene()
        Tcp(c, ME, SERVER, client_port=40001).greeted(60).vain(60.2, "a1 LOGIN user secret\r\n")
        web = Tcp(c, ME, WEB, port=443, client_port=40002).open(50)
        for i in range(of):
            web.server(51 + i * 0.1, "x" * 1000)
            if i < again:
                web.again(51.05 + i * 0.1, 1, "x" * 1000)
        return c

    def test_the_loss_of_a_device_whose_mail_fails(self):
        doc = self.verdict(self.scene_of_loss())
        self.assertEqual(self.answer(doc, "check_connection")["says"],
                         "Already answered: this device's connection loses packets: of the 35 data segments of its other connections 5 were sent again (20.0 ms).")

    def test_a_device_whose_connection_is_well(self):
        doc = self.verdict(self.scene_of_loss(again=1))
        self.assertEqual(self.answer(doc, "check_connection")["says"],
                         "Already answered: this device's other connections are answered, 1 of 1 (20.0 ms), 1 of their 31 data segments were sent again; its connection works.")

    def test_nobody_is_watched_whose_mail_works(self):
        c = self.scene_of_loss()
        Tcp(c, OTHER, SERVER, client_port=40003).greeted(60).vain(60.2, "a1 LOGIN user secret\r\n")
        other = Tcp(c, OTHER, WEB, port=443, client_port=40004).open(40)
        for i in range(30):
            other.server(41 + i * 0.1, "x" * 1000).again(41.05 + i * 0.1, 1, "x" * 1000)
        says = self.answer(self.verdict(c, client=OTHER), "check_connection")["says"]
        self.assertNotIn("sent again", says)

    def test_nothing_known_answers_nothing(self):
        for advice in self.verdict(self.scene())["imapwhy"]["advice"]:
            self.assertNotIn("answered_by", advice)

    def look_up(self, name):
        c = Capture()
        c.query(1, ME, "192.0.2.1", name)
        c.answer(1.1, ME, "192.0.2.1", name, rcode=3)
        return self.answer(self.verdict(c), "check_settings")

    def test_a_name_nearly_right(self):
        self.assertIn("nearly imap.gmail.com of Gmail", self.look_up("imap.gmial.com")["says"])
        self.assertIn("nearly imap.gmail.com of Gmail", self.look_up("imap.gmail.co")["says"])
        self.assertEqual(self.look_up("imap.example.org"), {})

    def test_a_wrong_host_of_a_known_provider(self):
        self.assertIn("publishes imap.gmail.com, port 993", self.look_up("imap4.googlemail.com")["says"])

    def test_arabic(self):
        c = Capture()
        c.query(1, ME, "192.0.2.1", "imap.gmial.com")
        c.answer(1.1, ME, "192.0.2.1", "imap.gmial.com", rcode=3)
        doc = sessions(documents(c, "--lang", "ar"))[0]
        self.assertIn("خطأ إملائي", self.answer(doc, "check_settings")["says"])


class Companions(Made):
    """POP3 and submission: told only where transport or TLS certainly failed."""

    def pop3(self, c, at, client=ME, port=110):
        t = Tcp(c, client, SERVER, port=port, client_port=44000).open(at).server(at + 0.1, "+OK ready\r\n").client(at + 0.2, "USER x\r\n")
        t.server(at + 0.3, "+OK\r\n").client(at + 0.4, "QUIT\r\n").server(at + 0.5, "+OK bye\r\n")
        return t

    def test_a_good_session_is_no_document(self):
        c = Capture()
        self.pop3(c, 10).close(10.6)
        self.assertEqual(sessions(documents(c)), [])

    def test_a_good_session_is_told_where_all_is(self):
        c = Capture()
        self.pop3(c, 10).close(10.6)
        doc = self.says(self.verdict(c, options=("-v",)), "clean_close", outcome="healthy")
        self.assertEqual(doc["network"]["protocol"], "pop3")
        self.assertEqual([n["id"] for n in doc["imapwhy"]["notices"]], ["pop3"])

    def test_a_session_of_another_service_is_not_told_well(self):
        c = Capture()
        Tcp(c, ME, SERVER, port=110).open(10).server(10.1, "HTTP/1.1 400 Bad Request\r\n\r\n").client(10.2, "QUIT\r\n").close(10.5)
        self.assertEqual(sessions(documents(c, "-v")), [])

    def test_a_reset_after_quit_is_no_document(self):
        c = Capture()
        self.pop3(c, 10).send(10.7, 1, RST | ACK)
        self.assertEqual(sessions(documents(c)), [])

    def test_refused(self):
        c = Capture()
        Tcp(c, ME, SERVER, port=110).syn(10).send(10.02, 1, RST | ACK, seq=0)
        doc = self.says(self.verdict(c), "connection_refused")
        self.assertEqual(doc["network"]["protocol"], "pop3")
        self.assertIn("pop3", [n["id"] for n in doc["imapwhy"]["notices"]])

    def test_proof_of_life_for_imap(self):
        c = Capture()
        Tcp(c, ME, SERVER).syns(10)
        self.pop3(c, 12, OTHER).close(12.6)
        self.says(self.verdict(c), "syn_dropped")

    def test_neither_sending_nor_receiving(self):
        c = Capture()
        Tcp(c, ME, SERVER, port=587).syns(10, offsets=(0, 1, 3, 7))
        Tcp(c, ME, SERVER, port=143, client_port=40001).syns(11, offsets=(0, 1, 3, 7))
        docs = sessions(documents(c))
        self.assertEqual(sorted(d["network"]["protocol"] for d in docs), ["imap", "smtp"])
        self.assertIn("cannot_send_or_receive", [d["imapwhy"]["symptom"] for d in docs])

    def test_read_as_imap_where_told_so(self):
        c = Capture()
        Tcp(c, ME, SERVER, port=587).works(10)
        self.assertEqual(self.verdict(c, options=("-p", "587"))["imapwhy"]["verdict"]["mechanism"], "success")


class Notices(Made):
    ME6, SERVER6, NAME = "2001:db8:1::10", "2001:db8:5::5", "imap.example.org"

    def notices(self, doc):
        return {n["id"]: n["says"] for n in doc["imapwhy"].get("notices", [])}

    def race(self, c, at, number, answered=False):
        """The name is looked up, IPv6 is tried, IPv4 used 250 ms later."""
        if answered:
            Tcp(c, self.ME6, self.SERVER6, client_port=45000 + number).works(at)
            return
        Tcp(c, self.ME6, self.SERVER6, client_port=45000 + number).syn(at)
        Tcp(c, ME, SERVER, client_port=45000 + number).works(at + 0.25)

    def look_ups(self, c):
        c.query(1, ME, "192.0.2.1", self.NAME)
        c.answer(1.02, ME, "192.0.2.1", self.NAME, SERVER)
        c.query(1, ME, "192.0.2.1", self.NAME, qtype=28, number=8)
        c.answer(1.02, ME, "192.0.2.1", self.NAME, self.SERVER6, qtype=28, number=8)

    def test_ipv6_that_always_loses(self):
        c = Capture()
        self.look_ups(c)
        for i in range(4):
            self.race(c, 10 + 60 * i, i)
        docs = [d for d in sessions(documents(c)) if d["source"]["ip"] == ME]
        docs.sort(key=lambda d: d["event"]["start"])
        self.assertEqual([("ipv6_always_loses" in self.notices(d)) for d in docs], [False, False, True, True])
        self.assertIn(" 4 times in a row", self.notices(docs[-1])["ipv6_always_loses"])

    def test_ipv6_that_wins_now_and_then(self):
        c = Capture()
        self.look_ups(c)
        for i in range(5):
            self.race(c, 10 + 60 * i, i, answered=i == 2)
        for doc in sessions(documents(c)):
            self.assertNotIn("ipv6_always_loses", self.notices(doc))

    def many(self, order, clocks=(1000, 9000000), ttl=((64, 57), (64, 57)), hello=None):
        """Sessions of two devices behind one address, in this order."""
        c = Capture()
        for i, device in enumerate(order):
            t = Tcp(c, ME, SERVER, client_port=46000 + i, ttl=ttl[device], timestamps=True)
            t.clock = clocks[device]
            t.works(10 + 20 * i)
        return self.notices(self.verdict(c))

    def shaken(self, ttl):
        """A session whose SYN-ACK comes with that TTL, the data with 57."""
        c = Capture()
        t = Tcp(c, ME, SERVER).syn(10).synack(10.004, ttl=ttl).send(10.005, 0, ACK).server(10.05, "* OK ready\r\n")
        t.client(10.1, "a1 LOGIN user right\r\n").server(10.2, "a1 OK in\r\n").client(10.3, "a2 NOOP\r\n").server(10.4, "a2 OK done\r\n").close(10.5)
        return self.notices(self.verdict(c))

    def test_something_else_shakes_hands(self):
        self.assertIn("differs by 4 ", self.shaken(61)["handshake_by_proxy"])

    def test_the_server_shakes_hands_itself(self):
        self.assertNotIn("handshake_by_proxy", self.shaken(57))

    def test_two_clocks_that_take_turns(self):
        self.assertIn("At least 2 devices", self.many([0, 1, 0, 1])["many_devices"])

    def test_a_restarted_device(self):
        self.assertNotIn("many_devices", self.many([0, 0, 1, 1, 1]))

    def test_clocks_made_anew_for_each_connection(self):
        self.assertNotIn("many_devices", self.many([0, 1, 2, 3, 4, 5], clocks=[i * 77777777 for i in range(1, 7)], ttl=[(64, 57)] * 6))

    def test_two_systems_that_take_turns(self):
        self.assertIn("many_devices", self.many([0, 1, 0, 1], clocks=(0, 0), ttl=((63, 57), (127, 57))))

    def test_one_device(self):
        self.assertNotIn("many_devices", self.many([0, 0, 0, 0]))


class Data(unittest.TestCase):
    def test_every_fault_has_a_symptom(self):
        import yaml
        folder = os.path.join(TOP, "rules", "verdicts")
        for name in sorted(os.listdir(folder)):
            with open(os.path.join(folder, name)) as text:
                for rule in yaml.safe_load(text):
                    usual = {"none": "healthy", "inconclusive": "inconclusive", "degraded": "degraded"}.get(rule["class"], "failed")
                    if rule.get("outcome", usual) in ("failed", "degraded"):
                        self.assertTrue(rule.get("symptom"), rule["id"])


if __name__ == "__main__":
    unittest.main()
