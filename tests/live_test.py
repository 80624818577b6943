#!/usr/bin/env python3
"""Live capture in network namespaces of its own: verdicts in time, signals, rotation, flapping interfaces, duplicates, privileges, refusals."""
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PROGRAM = os.path.join(TOP, "imapwhy")
NOBODY = 65534
SERVE = r"""
import socket, sys
listener = socket.create_server((sys.argv[1], 143))
print("ready", flush=True)
while True:
    c, _ = listener.accept()
    c.sendall(b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
    for line in c.makefile("rb"):
        tag = line.split()[0]
        if b"LOGOUT" in line:
            c.sendall(b"* BYE\r\n" + tag + b" OK bye\r\n")
            break
        c.sendall(tag + b" NO [AUTHENTICATIONFAILED] no\r\n")
    c.close()
"""
LOG_IN = r"""
import socket, sys
c = socket.create_connection((sys.argv[1], 143), 5)
f = c.makefile("rb")
f.readline()
for line in (b"a1 LOGIN anna@example.org wrong\r\n", b"a2 LOGOUT\r\n"):
    c.sendall(line)
    f.readline()
while f.readline():
    pass
c.close()
"""

KNOCK = r"""
import socket, sys
for own in sys.argv[2:]:
    for _ in range(2):
        try:
            socket.create_connection((sys.argv[1], 993), 5, (own, 0))
        except ConnectionRefusedError:
            pass
"""


def ip(*words):
    subprocess.run(["ip", *words], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def may_make_namespaces():
    if os.geteuid() != 0 or not shutil.which("ip"):
        return False
    name = "iw%d-try" % os.getpid()
    made = subprocess.run(["ip", "netns", "add", name], stdout=subprocess.PIPE, stderr=subprocess.PIPE).returncode == 0
    if made:
        ip("netns", "del", name)
    return made


class Watcher:
    """imapwhy in a namespace; its documents as they come."""

    def __init__(self, space, *arguments):
        self.process = subprocess.Popen(["ip", "netns", "exec", space, PROGRAM, "-o", "json", *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.docs, self.errors = [], []
        self.threads = [threading.Thread(target=self.read), threading.Thread(target=self.read_errors)]
        for t in self.threads:
            t.start()
        self.ready()

    def ready(self):
        """Once it has given up root, the interface is open."""
        end = time.time() + 10
        while time.time() < end and self.process.poll() is None:
            with open("/proc/%d/status" % self.process.pid) as f:
                status = dict(line.split(":", 1) for line in f if ":" in line)
            if status["Uid"].split()[0] == str(NOBODY):
                self.status = status
                return
            time.sleep(0.02)

    def read(self):
        for line in self.process.stdout:
            self.docs.append((time.time(), json.loads(line)))

    def read_errors(self):
        for line in self.process.stderr:
            self.errors.append(line.decode())

    def wait_for(self, what, seconds=10):
        end = time.time() + seconds
        while time.time() < end:
            if what():
                return True
            time.sleep(0.02)
        return False

    def sessions(self):
        return [d for _, d in list(self.docs) if d["event"]["dataset"] == "imapwhy.session"]

    def of(self, dataset):
        return [d for _, d in list(self.docs) if d["event"]["dataset"] == "imapwhy." + dataset]

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        status = self.process.wait(10)
        for t in self.threads:
            t.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return status


@unittest.skipUnless(may_make_namespaces(), "network namespaces may not be made here")
class Live(unittest.TestCase):
    """A client, a router and a server, each in a namespace."""

    @classmethod
    def setUpClass(cls):
        cls.names = {k: "iw%d-%s" % (os.getpid(), k) for k in ("client", "router", "server")}
        for name in cls.names.values():
            ip("netns", "add", name)
            ip("-n", name, "link", "set", "lo", "up")
        for side, net in (("client", "10.77.1"), ("server", "10.77.2")):
            name = cls.names[side]
            ip("-n", name, "link", "add", "eth0", "type", "veth", "peer", "name", "to-" + side, "netns", cls.names["router"])
            ip("-n", name, "addr", "add", net + ".2/24", "dev", "eth0")
            ip("-n", name, "link", "set", "eth0", "up")
            ip("-n", name, "route", "add", "default", "via", net + ".1")
            ip("-n", cls.names["router"], "addr", "add", net + ".1/24", "dev", "to-" + side)
            ip("-n", cls.names["router"], "link", "set", "to-" + side, "up")
        cls.inside("router", ["sh", "-c", "echo 1 > /proc/sys/net/ipv4/ip_forward"])
        cls.server = subprocess.Popen(["ip", "netns", "exec", cls.names["server"], sys.executable, "-c", SERVE, "10.77.2.2"], stdout=subprocess.PIPE)
        cls.server.stdout.readline()

    @classmethod
    def tearDownClass(cls):
        cls.server.terminate()
        cls.server.wait()
        cls.server.stdout.close()
        for name in cls.names.values():
            subprocess.run(["ip", "netns", "del", name], stderr=subprocess.DEVNULL)

    @classmethod
    def inside(cls, side, command):
        return subprocess.run(["ip", "netns", "exec", cls.names[side], *command], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=30)

    def log_in(self):
        done = self.inside("client", [sys.executable, "-c", LOG_IN, "10.77.2.2"])
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        return time.time()

    def watch(self, *arguments, side="router"):
        watcher = Watcher(self.names[side], *arguments)
        self.addCleanup(watcher.stop, signal.SIGKILL)
        return watcher

    def setUp(self):
        room = tempfile.TemporaryDirectory()
        self.addCleanup(room.cleanup)
        self.room = room.name
        os.chmod(self.room, 0o755)

    def test_a_verdict_comes_within_a_second(self):
        watcher = self.watch("-i", "to-client")
        closed = self.log_in()
        self.assertTrue(watcher.wait_for(watcher.sessions), watcher.errors)
        came, doc = watcher.docs[0]
        self.assertLess(came - closed, 1.2)
        self.assertEqual(doc["imapwhy"]["verdict"]["mechanism"], "invalid_credentials")
        self.assertEqual(doc["imapwhy"]["capture"]["interface"], "to-client")
        self.assertNotIn("frame", json.dumps(doc["imapwhy"]["evidence"]))
        self.assertEqual(watcher.stop(), 0)
        stats = watcher.of("stats")[-1]["imapwhy"]["stats"]
        self.assertEqual(stats["capture"]["dropped_by_kernel"], 0)
        self.assertGreaterEqual(stats["packets"]["read"], 12)

    def test_only_the_right_to_capture_is_kept(self):
        watcher = self.watch("-i", "to-client")
        self.assertEqual(int(watcher.status["CapEff"], 16), 1 << 13)
        self.assertEqual(int(watcher.status["CapPrm"], 16), 1 << 13)
        self.assertEqual(watcher.status["Groups"].split(), [])
        self.assertEqual(watcher.status["NoNewPrivs"].strip(), "1")

    def test_a_signal_ends_it_with_all_verdicts(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            watcher = self.watch("-i", "to-client")
            self.log_in()
            self.assertEqual(watcher.stop(number), 0)
            self.assertEqual([d["imapwhy"]["verdict"]["mechanism"] for d in watcher.sessions()], ["invalid_credentials"])
            self.assertEqual(len(watcher.of("stats")), 1)

    def test_what_a_crowd_shares_is_a_line(self):
        crowd = ["10.77.1.%d" % n for n in range(20, 44)]
        for own in crowd:
            ip("-n", self.names["client"], "addr", "add", own + "/24", "dev", "eth0")
        path = os.path.join(self.room, "out.txt")
        watcher = self.watch("-i", "to-client", "-o", "text", "-w", path)
        self.assertEqual(self.inside("client", [sys.executable, "-c", KNOCK, "10.77.2.2", *crowd]).returncode, 0)
        self.assertEqual(watcher.stop(), 0)
        with open(path) as text:
            said = " ".join(text.read().split())
        self.assertIn("server 10.77.2.2:993 · RESET connection_refused", said)
        self.assertIn("24/24 devices", said)
        # the two devices that were hit before it was recognised (and how often, at the end), and all others at once
        self.assertEqual(said.count("✗"), 5, said)

    def test_counters_on_demand_and_at_intervals(self):
        watcher = self.watch("-i", "to-client", "--interval", "1")
        self.log_in()
        self.assertTrue(watcher.wait_for(lambda: len(watcher.of("stats")) >= 2, 6))
        watcher.stop()
        watcher = self.watch("-i", "to-client")
        self.log_in()
        watcher.process.send_signal(signal.SIGUSR1)
        self.assertTrue(watcher.wait_for(lambda: watcher.of("stats"), 5))

    def test_a_rotated_file(self):
        path = os.path.join(self.room, "out.ndjson")
        watcher = self.watch("-i", "to-client", "-w", path)
        self.log_in()
        time.sleep(1.3)
        os.rename(path, path + ".1")
        with open(path, "w"):
            pass
        os.chown(path, NOBODY, NOBODY)
        watcher.process.send_signal(signal.SIGHUP)
        time.sleep(0.3)
        self.log_in()
        self.assertEqual(watcher.stop(), 0)
        self.assertEqual(watcher.errors, [])
        for p in (path, path + ".1"):
            with open(p) as f:
                self.assertEqual([json.loads(x)["event"]["dataset"] for x in f][0], "imapwhy.session")

    def test_evidence_is_numbered_by_its_file(self):
        path = os.path.join(self.room, "evidence.pcapng")
        watcher = self.watch("-i", "to-client", "--save-evidence", path)
        self.log_in()
        self.assertTrue(watcher.wait_for(watcher.sessions))
        watcher.stop()
        claims = watcher.sessions()[0]["imapwhy"]["evidence"]
        self.assertTrue(claims)
        self.assertEqual({c["file"] for c in claims}, {path})
        if shutil.which("tshark"):
            texts = subprocess.run(["tshark", "-r", path, "-T", "fields", "-e", "frame.comment"], stdout=subprocess.PIPE,
                                   stderr=subprocess.DEVNULL).stdout.decode().splitlines()
            for c in claims:
                self.assertIn(c["says"], texts[c["frame"] - 1])

    def test_any_shows_packets_twice(self):
        watcher = self.watch("-i", "any")
        self.log_in()
        self.assertEqual(watcher.stop(), 0)
        (doc,) = watcher.sessions()
        self.assertEqual(doc["imapwhy"]["verdict"]["mechanism"], "invalid_credentials")
        self.assertNotIn("retransmissions", json.dumps(doc["imapwhy"]["tcp"]))
        self.assertGreaterEqual(watcher.of("stats")[-1]["imapwhy"]["stats"]["packets"]["duplicate"], 10)

    def test_an_interface_that_goes_and_comes(self):
        name = self.names["router"]
        ip("-n", name, "link", "add", "flap0", "type", "veth", "peer", "name", "flap1")
        ip("-n", name, "link", "set", "flap0", "up")
        ip("-n", name, "link", "set", "flap1", "up")
        watcher = self.watch("-i", "flap0")
        ip("-n", name, "link", "set", "flap0", "down")
        before = self.cpu(watcher)
        time.sleep(1)
        self.assertLess(self.cpu(watcher) - before, 0.2, "spins while the link is down")
        self.assertTrue(watcher.wait_for(lambda: any("link is down" in e for e in watcher.errors)), watcher.errors)
        ip("-n", name, "link", "set", "flap0", "up")
        self.assertTrue(watcher.wait_for(lambda: any("is up again" in e for e in watcher.errors)), watcher.errors)
        ip("-n", name, "link", "del", "flap0")
        self.assertTrue(watcher.wait_for(lambda: any("gone" in e for e in watcher.errors)), watcher.errors)
        ip("-n", name, "link", "add", "flap0", "type", "veth", "peer", "name", "flap1")
        ip("-n", name, "link", "set", "flap0", "up")
        ip("-n", name, "link", "set", "flap1", "up")
        self.assertTrue(watcher.wait_for(lambda: any("is back" in e for e in watcher.errors)), watcher.errors)
        self.assertEqual(watcher.stop(), 0)
        self.assertLessEqual(len(watcher.errors), 5, watcher.errors)
        self.assertEqual(watcher.of("stats")[-1]["imapwhy"]["stats"]["capture"]["interface_lost"], 1)
        ip("-n", name, "link", "del", "flap0")

    def cpu(self, watcher):
        with open("/proc/%d/stat" % watcher.process.pid) as f:
            fields = f.read().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def refused(self, *arguments, side="router", status=1, **more):
        done = subprocess.run(["ip", "netns", "exec", self.names[side], PROGRAM, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=20, **more)
        self.assertEqual(done.returncode, status)
        return done.stderr.decode()

    def test_what_can_not_be_is_said_with_what_to_do(self):
        self.assertIn("there are: ", self.refused("-i", "nowhere0"))
        self.assertIn("to-client", self.refused("-i", "nowhere0"))
        self.assertIn("man pcap-filter", self.refused("-i", "to-client", "-f", "port mail and"))
        ip("-n", self.names["router"], "link", "add", "off0", "type", "veth", "peer", "name", "off1")
        self.assertIn("ip link set off0 up", self.refused("-i", "off0"))
        ip("-n", self.names["router"], "link", "del", "off0")
        self.assertIn("useradd", self.refused("-i", "to-client", "--run-as", "no-such-user"))

    def test_without_the_right_to_capture(self):
        def become_nobody():
            os.setgroups([])
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        done = subprocess.run([PROGRAM, "-i", "lo"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, preexec_fn=become_nobody, timeout=20)
        self.assertEqual(done.returncode, 1)
        self.assertIn("setcap cap_net_raw", done.stderr.decode())

    def test_a_burst_that_the_buffer_can_not_hold(self):
        """Packets that the kernel drops stand in the counters and in the verdicts of the sessions they touch."""
        watcher = self.watch("-i", "to-client", "--buffer", "64K", "--interval", "1")
        c = subprocess.Popen(["ip", "netns", "exec", self.names["client"], sys.executable, "-c",
                              "import socket,time\nc=socket.create_connection(('10.77.2.2',143),5);c.recv(99);c.sendall(b'a1 NOOP\\r\\n');c.recv(99);time.sleep(6)"])
        time.sleep(0.5)
        watcher.process.send_signal(signal.SIGSTOP)
        flood = "import socket\ns=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)\nfor i in range(4000): s.sendto(b'x'*1400,('10.77.2.2',9))"
        self.inside("client", [sys.executable, "-c", flood])
        watcher.process.send_signal(signal.SIGCONT)
        c.wait()
        time.sleep(0.2)
        self.assertEqual(watcher.stop(), 0)
        self.assertGreater(watcher.of("stats")[-1]["imapwhy"]["stats"]["capture"]["dropped_by_kernel"], 100)
        self.assertGreater(watcher.sessions()[-1]["imapwhy"]["capture"]["drops"], 100)


if __name__ == "__main__":
    unittest.main()
