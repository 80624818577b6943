#!/usr/bin/env python3
"""Incidents: one document for each fault that many share, of the right scope, and none for an ordinary day."""
import os
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
from context_test import SERVER, TOP, Made, documents, sessions  # noqa: E402
from packets import ACK, RST, Capture, Tcp  # noqa: E402

CLIENTS = ["192.0.2.%d" % n for n in range(20, 44)]
RESOLVER = "192.0.2.1"


def incidents(docs):
    """The newest word on each."""
    found = {}
    for doc in docs:
        if doc["event"]["dataset"] == "imapwhy.incident":
            found[doc["imapwhy"]["incident"]["id"]] = doc["imapwhy"]["incident"]
    return list(found.values())


class Incidents(Made):
    def only(self, capture, scope, mechanism, hit, served):
        docs = documents(capture)
        found = incidents(docs)
        self.assertEqual(len(found), 1, found)
        i = found[0]
        self.assertEqual((i["scope"], i["mechanism"], i["clients_hit"], i["clients_served"]), (scope, mechanism, hit, served), i)
        self.assertIn("first_proof", i)
        members = [d for d in sessions(docs) if d["imapwhy"].get("incident_id") == i["id"]]
        self.assertTrue(members)
        return i

    def validated(self, capture):
        import json
        import jsonschema
        with open(os.path.join(TOP, "docs", "report.schema.json")) as text:
            validator = jsonschema.Draft202012Validator(json.load(text))
        for doc in documents(capture):
            validator.validate(doc)

    def outage(self, back=False):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            Tcp(c, client, SERVER, client_port=40000).works(5 + i)
            for k in range(2):
                Tcp(c, client, SERVER, client_port=41000 + k).syn(60 + i + 20 * k).send(60.02 + i + 20 * k, 1, RST | ACK, seq=0)
            if back:
                Tcp(c, client, SERVER, client_port=42000).works(300 + i)
        return c

    def test_outage(self):
        c = self.outage()
        i = self.only(c, "server", "connection_refused", 24, 0)
        self.assertEqual((i["state"], i["sessions_hit"]), ("grown", 48))
        self.validated(c)

    def test_outage_that_ends(self):
        c = self.outage(back=True)
        Tcp(c, "198.51.100.9", "203.0.113.77", port=443).open(500)
        self.assertEqual(self.only(c, "server", "connection_refused", 24, 0)["state"], "closed")

    def test_firewall_change(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            Tcp(c, client, SERVER, client_port=41000).syns(60 + i / 10)
            Tcp(c, client, SERVER, port=443, client_port=42000).open(61 + i / 10)
        i = self.only(c, "network", "syn_dropped", 24, 0)
        self.assertEqual(i["subject"], "192.0.2.0/24")

    def test_server_says_unavailable(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            t = Tcp(c, client, SERVER, client_port=41000).open(60 + i)
            t.server(60.05 + i, "* BYE [UNAVAILABLE] Temporary server error\r\n").close(60.1 + i)
        self.only(c, "server", "temporarily_unavailable", 24, 0)

    def test_locked_account(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            Tcp(c, client, SERVER, client_port=40000).works(5 + i)
        for k in range(7):
            Tcp(c, "192.0.2.9", SERVER, client_port=41000 + k).refused(40 + 10 * k)
        self.only(c, "account", "invalid_credentials", 1, 24)

    def test_banned_address(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            Tcp(c, client, SERVER, client_port=40000).works(5 + 5 * i)
        for k in range(5):
            Tcp(c, "192.0.2.9", SERVER, client_port=41000 + k).refused(10 + 5 * k)
        for k in range(4):
            Tcp(c, "192.0.2.9", SERVER, client_port=42000 + k).syn(60 + 5 * k).icmp(60.02 + 5 * k, 3, 3)
        i = self.only(c, "device", "client_banned", 1, 24)
        self.assertEqual(i["subject"], "192.0.2.9")

    def test_name_service_fails(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            c.query(10 + i, client, RESOLVER, "imap.example.org")
            c.answer(10.1 + i, client, RESOLVER, "imap.example.org", rcode=2)
        self.only(c, "network", "servfail", 24, 0)

    def test_fewer_than_three_clients(self):
        c = Capture()
        for k in range(6):
            Tcp(c, "192.0.2.9", SERVER, client_port=41000 + k).refused(40 + 10 * k)
        self.only(c, "unknown", "invalid_credentials", 1, 0)

    def test_an_ordinary_day(self):
        c = Capture()
        for hour in range(10):
            for i, client in enumerate(CLIENTS):
                Tcp(c, client, SERVER, client_port=40000 + hour).works(3600 * hour + 97 * i)
        Tcp(c, CLIENTS[0], SERVER, client_port=50000).refused(1000)
        Tcp(c, CLIENTS[0], SERVER, client_port=50001).refused(1010)
        Tcp(c, CLIENTS[3], SERVER, client_port=50000).greeted(2000).vain(2000.3, "a1 LOGIN user secret\r\n")
        Tcp(c, CLIENTS[5], SERVER, client_port=50000).greeted(9000).vain(9000.3, "a1 LOGIN user secret\r\n")
        Tcp(c, CLIENTS[7], SERVER, client_port=50000).syns(20000)
        t = Tcp(c, CLIENTS[9], SERVER, client_port=50000).greeted(30000)
        t.client(30000.1, "a1 LOGIN user secret\r\n").send(30000.2, 1, RST | ACK)
        self.assertEqual(incidents(documents(c)), [])

    def test_account_of_several_devices(self):
        c = Capture()
        for i, client in enumerate(CLIENTS):
            Tcp(c, client, SERVER, client_port=40000).works(35 + i)
        for i in range(3):
            for k in range(2):
                Tcp(c, "198.51.100.%d" % (10 + 60 * i), SERVER, client_port=41000 + k).refused(40 + 10 * k + i)
        self.only(c, "account", "invalid_credentials", 3, 24)
        self.validated(c)
        said = [d for d in documents(c, "--usernames", "mask") if d["event"]["dataset"] == "imapwhy.incident"][-1]
        self.assertEqual(said["user"], {"name": "u***"})
        self.assertNotIn("user", [d for d in documents(c, "--usernames", "off") if d["event"]["dataset"] == "imapwhy.incident"][-1])

    def test_outage_over_before_it_is_told(self):
        """All are served again seconds later; until then nobody was, and who comes only afterwards is no denominator."""
        c = Capture()
        for i, client in enumerate(CLIENTS):
            if i % 2:
                Tcp(c, client, SERVER, client_port=41000).syn(60 + i / 10).send(60.02 + i / 10, 1, RST | ACK, seq=0)
            Tcp(c, client, SERVER, client_port=42000).works(65 + i / 10)
        Tcp(c, "198.51.100.9", "203.0.113.77", port=443).open(200)
        self.assertEqual(self.only(c, "server", "connection_refused", 12, 0)["state"], "closed")

    def named(self, c, name, server, clients, at=1):
        for client in clients:
            c.query(at, client, RESOLVER, name)
            c.answer(at + 0.1, client, RESOLVER, name, server)

    def test_provider(self):
        c = Capture()
        for k, (name, server) in enumerate((("imap.example.org", SERVER), ("imap2.example.org", "203.0.113.6"))):
            self.named(c, name, server, CLIENTS[12 * k:12 * k + 12])
            for i, client in enumerate(CLIENTS[12 * k:12 * k + 12]):
                Tcp(c, client, server, client_port=41000).syn(60 + i + k / 2).send(60.02 + i + k / 2, 1, RST | ACK, seq=0)
        i = self.only(c, "provider", "connection_refused", 24, 0)
        self.assertEqual(i["subject"], "example.org")
        self.assertEqual(i["advice"][0]["step"], "contact_provider")
        self.validated(c)

    def test_only_the_incidents_of_whom_one_asks_for(self):
        c = self.outage()
        for k in range(6):
            Tcp(c, "198.51.100.9", "203.0.113.77", client_port=41000 + k).refused(40 + 10 * k)
        self.assertEqual(len(incidents(documents(c))), 2)
        for client, scope in (("198.51.100.9", "unknown"), (CLIENTS[7], "server")):
            found = incidents(documents(c, "--client", client))
            self.assertEqual([i["scope"] for i in found], [scope])
        self.assertEqual(found[0]["clients_hit"], 24)
        self.assertEqual(incidents(documents(c, "--client", "198.51.100.99")), [])

    def unanswered(self, c, networks):
        for k, server in enumerate((SERVER, "203.0.113.66")):
            for i in range(12):
                Tcp(c, networks[k] % (20 + i + 12 * k), server, client_port=41000).syns(60 + i / 5)

    def test_everyone(self):
        c = Capture()
        self.unanswered(c, ("192.0.2.%d", "198.51.100.%d"))
        i = self.only(c, "everyone", "connect_timeout", 24, 0)
        self.assertEqual(i["advice"][0]["step"], "check_connection")

    def test_one_network_cut_off(self):
        c = Capture()
        self.unanswered(c, ("192.0.2.%d", "192.0.2.%d"))
        self.assertEqual(self.only(c, "network", "connect_timeout", 24, 0)["subject"], "192.0.2.0/24")

    def test_network_of_version_6(self):
        c = Capture()
        for n in range(20):
            client = "2001:db8:%d::%x" % (1 + n % 2, 16 + n)
            t = Tcp(c, client, "2001:db8:f::7", client_port=41000)
            t.works(70 + n / 10) if n % 2 else t.syns(60 + n / 2)
        i = self.only(c, "network", "syn_dropped", 10, 10)
        self.assertEqual(i["subject"], "2001:db8:1::/64")

    def test_four_hundred_sessions_are_told_in_a_screen(self):
        c = Capture()
        for n in range(200):
            for k in range(2):
                client = "192.0.%d.%d" % (n % 4, 10 + n // 4)
                Tcp(c, client, (SERVER, "203.0.113.66")[n % 2], client_port=41000 + k).syns(60 + n / 50 + 20 * k)
        self.only(c, "everyone", "connect_timeout", 200, 0)
        lines = self.text(c).splitlines()
        self.assertIn("everyone at %s:143 and others" % SERVER, lines[0])
        self.assertLess(len(lines), 30)

    def text(self, capture):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "made.pcap")
            capture.save(path)
            done = subprocess.run([os.path.join(TOP, "imapwhy"), "-o", "text", path], stdout=subprocess.PIPE, timeout=60, env=dict(os.environ, TZ="UTC"))
            return done.stdout.decode()

    def test_text_line(self):
        flat = " ".join(self.text(self.outage()).split())
        self.assertTrue(flat.startswith("server %s:143 · RESET connection_refused · since 09:01:00 · 24/24 devices · 48 times" % SERVER), flat[:200])


if __name__ == "__main__":
    unittest.main()
