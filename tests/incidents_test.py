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

    def test_text_line(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "made.pcap")
            self.outage().save(path)
            said = subprocess.run([os.path.join(TOP, "imapwhy"), "-o", "text", path], stdout=subprocess.PIPE, timeout=60, env=dict(os.environ, TZ="UTC")).stdout.decode()
        flat = " ".join(said.split())
        self.assertIn("server %s:143 · RESET connection_refused · since 09:01:00 · 24/24 devices · 48 times" % SERVER, flat)


if __name__ == "__main__":
    unittest.main()
