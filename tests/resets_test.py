#!/usr/bin/env python3
"""Resets: the tampering patterns of the field's papers are called injected, what genuine stacks and proxies do is not."""
import os
import shutil
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from context_test import ME, OTHER, SERVER, THIRD, Made  # noqa: E402
from packets import ACK, RST, Capture, Tcp  # noqa: E402

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), "lab"))
import resets  # noqa: E402

LOGIN = "a1 LOGIN user secret\r\n"


class Resets(Made):
    def opened(self, greeted=True, login=True, **more):
        c = Capture()
        t = Tcp(c, ME, SERVER, timestamps=True, **more).open(10)
        if greeted:
            t.server(10.05, "* OK ready\r\n")
        if login:
            t.client(10.1, LOGIN, acked=False)
        return c, t

    def injected(self, c):
        return self.says(self.verdict(c), "reset_injected", "middlebox")

    def genuine(self, c, mechanism="reset_by_server"):
        return self.says(self.verdict(c), mechanism)


class Patterns(Resets):
    """Made by a box whose frames come with another lifetime, or that guesses."""

    def test_rst_after_syn_beside_others(self):
        c = Capture()
        Tcp(c, OTHER, SERVER).works(5)
        Tcp(c, ME, SERVER).syn(10).send(10.01, 1, RST | ACK, seq=0, ttl=62)
        self.proof(self.injected(c), "context.reset_ttl_difference")

    def test_rst_after_syn_before_the_servers_synack(self):
        c = Capture()
        Tcp(c, ME, SERVER).syn(10).send(10.01, 1, RST | ACK, seq=0).synack(10.03).send(10.031, 0, RST, seq=1001, ip_id=0)
        self.proof(self.injected(c), "tcp.reset_then_synack")

    def test_rst_after_syn_and_a_server_that_had_just_come_up(self):
        c = Capture()
        Tcp(c, ME, SERVER).syn(10).send(10.01, 1, RST | ACK, seq=0).syn(10.51, again=True).synack(10.53).send(10.531, 0, RST, seq=1001, ip_id=0)
        self.says(self.verdict(c), "probe", outcome="healthy")

    def test_rst_after_syn_alone(self):
        c = Capture()
        Tcp(c, ME, SERVER).syn(10).send(10.01, 1, RST | ACK, seq=0, ttl=62)
        self.genuine(c, "connection_refused")

    def test_rst_after_ack(self):
        c, t = self.opened(greeted=False, login=False)
        t.send(10.03, 1, RST, ttl=62, timestamps=False)
        self.injected(c)

    def test_rst_ack_after_first_payload(self):
        c, t = self.opened()
        t.send(10.105, 1, RST | ACK, ttl=62, timestamps=False)
        self.injected(c)

    def test_pair_that_guesses_ahead(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK, timestamps=False, ip_id=5)
        t.send(10.12001, 1, RST | ACK, seq=t.seq[1] + 1460, timestamps=False, ip_id=6)
        self.injected(c)

    def test_rst_then_rst_ack_of_another_lifetime(self):
        c, t = self.opened()
        t.send(10.12, 1, RST, ttl=120, timestamps=False).send(10.12001, 1, RST | ACK, ttl=120, timestamps=False)
        self.injected(c)

    def test_zero_acknowledgement(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK, ack=0, timestamps=False)
        self.injected(c)

    def test_differing_acknowledgements(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK, ack=t.seq[0] + 90000, timestamps=False).send(10.1201, 1, RST | ACK, ack=0, timestamps=False)
        self.injected(c)

    def test_both_ends_at_once(self):
        c, t = self.opened()
        t.send(10.11, 1, RST | ACK).send(10.1102, 0, RST | ACK)
        self.injected(c)

    def test_the_server_goes_on(self):
        c, t = self.opened()
        t.send(10.105, 1, RST, timestamps=False)
        t.send(10.12, 1, ACK | 8, b"a1 OK in\r\n").send(10.121, 0, RST)
        self.injected(c)

    def test_behind_what_was_sent(self):
        c, t = self.opened()
        t.send(10.12, 1, ACK | 8, b"a1 OK logged in at last\r\n").send(10.1201, 1, RST | ACK, seq=t.seq[1] - 25, timestamps=False)
        self.injected(c)

    def test_in_the_name_of_a_client_that_numbers_its_frames(self):
        c, t = self.opened()
        t.send(10.101, 0, RST | ACK, window=0, timestamps=False, ip_id=31337)
        self.proof(self.injected(c), "tcp.reset_odd_id")

    def test_in_the_clients_name_without_a_number(self):
        c, t = self.opened()
        t.send(10.101, 0, RST | ACK, window=65535, timestamps=False, ip_id=0)
        self.injected(c)

    def test_pair_of_rsts_after_ack_sooner_than_the_path(self):
        c, t = self.opened(greeted=False, login=False)
        t.send(10.026, 1, RST, timestamps=False, ip_id=5).send(10.02601, 1, RST, timestamps=False, ip_id=6)
        self.injected(c)

    def test_rst_then_rst_ack_that_acknowledges_something_else(self):
        c, t = self.opened(greeted=False, login=False)
        t.send(10.05, 1, RST, timestamps=False, ip_id=5).send(10.05001, 1, RST | ACK, ack=t.seq[0] + 5000, timestamps=False, ip_id=6)
        self.injected(c)

    def test_data_then_silence(self):
        c = Capture()
        Tcp(c, ME, SERVER).greeted(10).vain(10.2, LOGIN)
        self.genuine(c, "peer_vanished")
        Tcp(c, OTHER, SERVER).works(13)
        self.genuine(c, "content_dropped")


class Genuine(Resets):
    def test_close_with_unread_data(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK)
        self.genuine(c)

    def test_ip_identification_alone_proves_nothing(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK, ip_id=0)
        self.genuine(c)

    def test_a_stack_without_timestamps_on_resets(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK, window=0, timestamps=False, ip_id=0)
        self.genuine(c)

    def test_bare_reset_of_a_restarted_server(self):
        c, t = self.opened()
        t.send(10.12, 1, RST, window=0, ip_id=0, timestamps=False)
        doc = self.genuine(c)
        self.assertIn("reset_injected", [a["mechanism"] for a in doc["imapwhy"]["verdict"]["alternatives"]])

    def test_late_data_after_the_servers_reset(self):
        c, t = self.opened()
        t.send(10.12, 1, RST | ACK)
        t.send(10.125, 0, ACK | 8, b"a2 NOOP\r\n").send(10.145, 1, RST, window=0, ip_id=0, timestamps=False)
        self.genuine(c)

    def test_another_lifetime_from_as_far_away(self):
        c, t = self.opened(ttl=(64, 54))
        t.send(10.12, 1, RST | ACK, ttl=245, window=0, timestamps=False)
        self.genuine(c)

    def test_syn_proxy_that_resets(self):
        c = Capture()
        t = Tcp(c, ME, SERVER, timestamps=True).syn(10).synack(10.004, ttl=61).send(10.005, 0, ACK)
        t.server(10.05, "* OK ready\r\n").client(10.1, LOGIN).send(10.15, 1, RST | ACK, ttl=61)
        self.genuine(c)

    def test_balancer_that_others_met_with_that_lifetime(self):
        c, t = self.opened()
        t.send(10.15, 1, RST | ACK, ttl=61)
        Tcp(c, OTHER, SERVER, ttl=(64, 61)).works(5)
        Tcp(c, THIRD, SERVER).works(6)
        self.genuine(c)

    def test_queue_that_is_full(self):
        c, t = self.opened(greeted=False, login=False)
        t.send(10.05, 1, RST, window=0, ip_id=0, timestamps=False)
        self.genuine(c)

    def test_client_that_numbers_the_frames_of_all_its_connections(self):
        c, t = self.opened()
        t.server(10.2, "a1 OK in\r\n").client(10.3, "a2 SELECT INBOX\r\n")
        t.send(12.5, 0, RST | ACK, window=0, timestamps=False, ip_id=t.ip_id[0] + 9000)
        self.genuine(c, "reset_by_client")

    def test_client_whose_numbers_are_random(self):
        c, t = self.opened()
        t.ip_id[0] = 40000
        t.server(10.2, "a1 OK in\r\n").client(10.3, "a2 SELECT INBOX\r\n").send(10.4, 0, RST | ACK, window=0, timestamps=False, ip_id=9)
        self.genuine(c, "reset_by_client")

    def test_app_that_aborts(self):
        c, t = self.opened()
        t.send(10.15, 0, RST | ACK)
        self.genuine(c, "reset_by_client")


class Staged(unittest.TestCase):
    """A few of the lab's: forged at several places by several means, genuine of several stacks."""

    NEEDS = ("ip", "iptables", "ethtool", "haproxy", "sysctl")

    def test_forged_ones_are_found_and_no_genuine_one_is_called_forged(self):
        missing = [p for p in self.NEEDS if not shutil.which(p, path=os.environ["PATH"] + ":/usr/sbin:/sbin")]
        if os.geteuid() or missing:
            self.skipTest("needs root" if os.geteuid() else "needs " + ", ".join(missing))
        with tempfile.TemporaryDirectory() as folder:
            resets.make(folder, 30, 7)
            found, injected, wronged, genuine = resets.counts(folder, os.path.join(resets.TOP, "imapwhy"))
        self.assertGreaterEqual(injected, 8)
        self.assertGreaterEqual(genuine, 8)
        self.assertEqual(wronged, 0)
        self.assertGreaterEqual(found, injected - 1)


if __name__ == "__main__":
    unittest.main()
