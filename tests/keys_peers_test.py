#!/usr/bin/env python3
"""Real TLS programs of OpenSSL and GnuTLS talk over a relay on loopback; what is read of it with their key logs is, record by record, what tshark reads.

Renegotiation, sessions taken up again (by id, ticket, pre-shared key), early data, key updates, pre-master secrets."""
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common  # noqa: E402
import made  # noqa: E402
from decrypt_test import DECRYPTED, Identity, by_tshark, implicit, ours  # noqa: E402

QUIET = 0.08  # seconds without a byte: what was asked for is done
PATIENCE = 5


class Relay:
    """Carries connections to a port, one after the other, and writes down what goes over each as a Conversation."""

    def __init__(self, port, number):
        self.conversations, self.number, self.moved, self.lock = [], number, time.monotonic(), threading.Lock()
        self.listening = socket.create_server(("127.0.0.1", 0))
        self.port, self.target = self.listening.getsockname()[1], port
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while True:
            try:
                client, _ = self.listening.accept()
            except OSError:
                return
            server = socket.create_connection(("127.0.0.1", self.target))
            self.conversations.append(implicit(self.number + len(self.conversations)))
            self.conversations[-1].time += 60 * len(self.conversations)
            ways = [threading.Thread(target=self.carry, args=way) for way in ((client, server, made.CLIENT), (server, client, made.SERVER))]
            for way in ways:
                way.start()
            for way in ways:
                way.join()
            client.close()
            server.close()

    def end(self):
        self.listening.shutdown(socket.SHUT_RDWR)
        self.thread.join(PATIENCE)
        self.listening.close()
        return [c.close() for c in self.conversations]

    def carry(self, source, into, side):
        try:
            while data := source.recv(65536):
                with self.lock:
                    self.moved = time.monotonic()
                    for i in range(0, len(data), 1400):
                        self.conversations[-1].says(side, data[i:i + 1400])
                    into.sendall(data)
            into.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def settle(self, since):
        """Waits until something moved since then, and nothing more does."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end and (self.moved < since or time.monotonic() - self.moved < QUIET):
            time.sleep(0.02)


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as s:
        return s.getsockname()[1]


def listens(port):
    for _ in range(100):
        with socket.socket() as s:
            if s.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the server does not listen")


@unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
@unittest.skipUnless(shutil.which("openssl"), "openssl is not installed")
@unittest.skipUnless(os.path.exists(DECRYPTED), "build/decrypted is not built (make unit-tests)")
class Peers(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="imapwhy-peers.")
        cls.addClassCleanup(shutil.rmtree, cls.folder, ignore_errors=True)
        cls.identity = Identity(cls.folder)

    def setUp(self):
        self.keylog, self.path = os.path.join(self.folder, self.id() + ".keys"), os.path.join(self.folder, self.id() + ".pcap")
        self.conversations, self.programs = [], []

    def tearDown(self):
        for program in self.programs:
            if program.poll() is None:
                program.send_signal(signal.SIGKILL)
            program.wait()
            program.stdin.close()

    def program(self, command, log):
        env = dict(os.environ, SSLKEYLOGFILE=self.keylog) if log else {k: v for k, v in os.environ.items() if k != "SSLKEYLOGFILE"}
        self.programs.append(subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=env))
        return self.programs[-1]

    def server(self, *options):
        """OpenSSL's, which sends what it is given by hand."""
        port = free_port()
        server = self.program(["openssl", "s_server", "-accept", "127.0.0.1:%d" % port, "-cert", self.identity.certificate, "-key",
                               self.identity.key, "-crlf", *options], False)
        listens(port)
        return server, port

    def gnutls_server(self, *options):
        """It sends back what it gets."""
        port = free_port()
        self.program(["gnutls-serv", "--echo", "--crlf", "-p", str(port), "--x509certfile", self.identity.certificate, "--x509keyfile",
                      self.identity.key, *options], False)
        listens(port)
        return port

    def openssl(self, *options):
        return lambda port: ["openssl", "s_client", "-connect", "127.0.0.1:%d" % port, "-servername", "imap.example.org", "-crlf", "-keylogfile",
                             self.keylog, *options]

    def gnutls(self, *options):
        return lambda port: ["gnutls-cli", "--insecure", "--crlf", "-p", str(port), *options, "127.0.0.1"]

    def talk(self, server, port, client, script):
        """What each says in its turn; a lone letter is one of OpenSSL's commands."""
        relay = Relay(port, len(self.conversations))
        at = time.monotonic()
        ends = {"S": server, "C": self.program(client(relay.port), True)}
        relay.settle(at)
        for side, line in script:
            at = time.monotonic()
            ends[side].stdin.write(line.encode() + b"\n")
            ends[side].stdin.flush()
            relay.settle(at)
        self.programs[-1].stdin.close()
        try:
            self.programs[-1].wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.programs[-1].kill()
        self.conversations += relay.end()
        made.write_pcap(self.path, *self.conversations)

    LOGIN = [("S", "* OK [CAPABILITY IMAP4rev1] ready"), ("C", "a1 LOGIN anna@example.org pa55word"), ("S", "a1 OK in")]
    MORE = [("C", "a2 SELECT INBOX"), ("S", "a2 OK done"), ("C", "a3 LOGOUT"), ("S", "* BYE")]

    def expect(self, records, sessions=None):
        """So many records at least of each session, the same ones as tshark's."""
        mine = ours(self.path, self.keylog)
        self.assertEqual(len(mine), sessions or len(self.conversations))
        self.assertEqual(mine, by_tshark(self.path, self.keylog))
        for session in mine:
            self.assertGreaterEqual(len(session), records)

    def twice(self, server, port, how, *options, early=None):
        session = os.path.join(self.folder, self.id() + ".session")
        self.talk(server, port, self.openssl("-sess_out", session, *options), self.LOGIN + self.MORE)
        self.talk(server, port, self.openssl("-sess_in", session, *options, *(["-early_data", early] if early else [])), self.LOGIN + self.MORE)
        resumed = [d["tls"].get("resumed", False) for d in common.sessions(common.documents("--keylog", self.keylog, self.path))]
        self.assertEqual(sorted(resumed), [False, True], how)

    def test_renegotiation(self):
        for suite in ("ECDHE-RSA-AES256-GCM-SHA384", "AES128-SHA256"):
            server, port = self.server("-tls1_2", "-client_renegotiation", "-cipher", suite)
            self.talk(server, port, self.openssl(), self.LOGIN + [("C", "R")] + self.MORE)
            self.talk(server, port, self.openssl(), self.LOGIN + [("S", "r")] + self.MORE)
        self.expect(7)
        with open(self.keylog) as f:
            self.assertEqual(len({line.split()[1] for line in f if line.startswith("CLIENT_RANDOM")}), 2 * len(self.conversations))

    def test_sessions_taken_up_again(self):
        self.twice(*self.server("-tls1_2"), "tickets")
        self.expect(7)

    def test_sessions_taken_up_again_by_id(self):
        self.twice(*self.server("-tls1_2", "-no_ticket"), "ids")
        self.expect(7)

    def test_sessions_taken_up_again_by_pre_shared_key(self):
        self.twice(*self.server("-tls1_3"), "PSK")
        self.expect(7)

    def test_early_data(self):
        early = os.path.join(self.folder, "early")
        with open(early, "w") as f:
            f.write("a0 CAPABILITY\r\n")
        self.twice(*self.server("-tls1_3", "-early_data"), "early data", early=early)
        self.expect(7)
        self.assertEqual(sorted(map(len, ours(self.path, self.keylog))), [7, 8])

    def test_key_updates(self):
        server, port = self.server("-tls1_3")
        self.talk(server, port, self.openssl(), self.LOGIN + [("C", "K"), ("S", "k")] + self.MORE[:2] + [("C", "k"), ("S", "K")] + self.MORE[2:])
        self.expect(7)

    def test_pre_master_secrets(self):
        server, port = self.server("-tls1_2", "-cipher", "AES256-GCM-SHA384:AES128-SHA")
        for suite in ("AES256-GCM-SHA384", "AES128-SHA"):
            self.talk(server, port, self.openssl("-cipher", suite), self.LOGIN + self.MORE)
        with open(self.keylog) as f:
            lines = [line for line in f if line.startswith("RSA ")]
        self.assertEqual(len(lines), 2)
        with open(self.keylog, "w") as f:
            f.writelines(lines)
        self.expect(7)

    @unittest.skipUnless(shutil.which("gnutls-cli"), "gnutls-bin is not installed")
    def test_gnutls(self):
        server, port = self.server("-client_renegotiation")
        for priority in ("NORMAL:-VERS-ALL:+VERS-TLS1.3", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-CIPHER-ALL:+AES-128-CBC"):
            self.talk(server, port, self.gnutls("--priority", priority), self.LOGIN + self.MORE)
        self.talk(server, port, self.gnutls("--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2", "--rehandshake"), self.LOGIN + self.MORE)
        self.talk(server, port, self.gnutls("--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3", "--inline-commands"),
                  self.LOGIN + [("C", "^rekey^")] + self.MORE)
        self.expect(7)

    @unittest.skipUnless(shutil.which("gnutls-cli"), "gnutls-bin is not installed")
    def test_gnutls_on_both_sides(self):
        early = os.path.join(self.folder, "early")
        with open(early, "w") as f:
            f.write("a0 CAPABILITY\r\n")
        port = self.gnutls_server("--earlydata")
        for options in (["--resume", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2"], ["--resume", "--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"],
                        ["--resume", "--earlydata", early]):
            self.talk(None, port, self.gnutls(*options), [("C", "* OK ready"), ("C", "a2 NOOP"), ("C", "a3 NOOP")])
        resumed = [d["tls"].get("resumed", False) for d in common.sessions(common.documents("--keylog", self.keylog, self.path))]
        self.assertEqual(sorted(resumed), [False] * 3 + [True] * 3)
        self.expect(6, 3)


if __name__ == "__main__":
    unittest.main()
