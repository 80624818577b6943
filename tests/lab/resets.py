#!/usr/bin/env python3
"""Stages resets, forged and genuine, and labels them: 300 sessions in network namespaces. The ends are real Linux stacks; more than half
of them are given the look of others on their way (stacks.py), which their labels say.

    resets.py make FOLDER [--count N] [--seed N]      captures, one a session, and labels.json for score.py
    resets.py score FOLDER [--tool ./imapwhy]         how many forged ones are found, how many genuine ones are wronged

    client ── box ── edge ── inner

The box is a program: it carries frames with delay and hops, takes the capture somewhere on the way, and forges resets at a
place before or behind that. Servers stand on the edge, behind its NAT, behind its SYN proxy or behind HAProxy on it.
"""
import argparse
import contextlib
import ctypes
import fcntl
import heapq
import json
import os
import random
import select
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stacks  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
NAMES = {"client": "irstc", "box": "irstb", "edge": "irste", "inner": "irsti"}
CLIENT, PLAIN, NAT, PROXY, SYNPROXY, HIDDEN = "192.0.2.10", "198.51.100.7", "198.51.100.8", "198.51.100.9", "203.0.113.7", "203.0.113.8"
BEHIND = {"plain": PLAIN, "balancer": PLAIN, "nat": NAT, "haproxy": PROXY, "synproxy": SYNPROXY}
HAPROXY = """global
 maxconn 100
defaults
 mode tcp
 timeout connect 2s
 timeout client 5s
 timeout server 5s
frontend f
 bind %s:143
 default_backend b
backend b
 server s %s:144
""" % (
    PROXY,
    HIDDEN,
)
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(role):
    """This thread alone goes into that namespace."""
    with open("/run/netns/" + NAMES[role]) as handle:
        if LIBC.setns(handle.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


def sh(*lines):
    for line in lines:
        subprocess.run(line, shell=True, check=True, stdout=subprocess.DEVNULL)


def inside(role, line):
    return "ip netns exec %s %s" % (NAMES[role], line)


def raise_net():
    c, b, e, i = (NAMES[r] for r in ("client", "box", "edge", "inner"))
    sh(*("ip netns add " + n for n in (c, b, e, i)))
    sh(
        "ip link add eth0 netns %s type veth peer name left netns %s" % (c, b),
        "ip link add right netns %s type veth peer name eth0 netns %s" % (b, e),
        "ip link add in0 netns %s type veth peer name eth0 netns %s" % (e, i),
    )
    for n, device in ((c, "eth0"), (b, "left"), (b, "right"), (e, "eth0"), (e, "in0"), (i, "eth0")):
        sh(
            "ip -n %s link set lo up" % n,
            "ip -n %s link set %s up" % (n, device),
            inside({v: k for k, v in NAMES.items()}[n], "ethtool -K %s tx off tso off gso off gro off" % device),
        )
    sh(
        "ip -n %s addr add %s/24 dev eth0" % (c, CLIENT),
        "ip -n %s route add default via 192.0.2.1 dev eth0" % c,
        *("ip -n %s addr add %s/24 dev eth0" % (e, a) for a in (PLAIN, NAT, PROXY)),
        "ip -n %s addr add 203.0.113.1/24 dev in0" % e,
        "ip -n %s route add default via 198.51.100.1 dev eth0" % e,
        *("ip -n %s addr add %s/24 dev eth0" % (i, a) for a in (SYNPROXY, HIDDEN)),
        "ip -n %s route add default via 203.0.113.1" % i
    )
    mac = {
        r: subprocess.run(inside(r, "cat /sys/class/net/eth0/address"), shell=True, capture_output=True, text=True).stdout.strip()
        for r in ("client", "edge")
    }
    sh(
        "ip -n %s neigh add 192.0.2.1 lladdr %s dev eth0" % (c, mac["edge"]),
        "ip -n %s neigh add 198.51.100.1 lladdr %s dev eth0" % (e, mac["client"]),
        inside("edge", "sysctl -qw net.ipv4.ip_forward=1"),
        inside("edge", "iptables -t nat -A PREROUTING -p tcp -d %s --dport 143 -j DNAT --to %s" % (NAT, HIDDEN)),
        inside("edge", "iptables -t raw -A PREROUTING -p tcp -d %s --syn -j CT --notrack" % SYNPROXY),
        inside(
            "edge",
            "iptables -A FORWARD -p tcp -d %s -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460"
            % SYNPROXY,
        ),
        inside("edge", "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"),
    )


@contextlib.contextmanager
def alone():
    """The namespaces have names: one run at a time on a machine. What a killed run left is cleared away first."""
    with open(os.path.join(tempfile.gettempdir(), "imapwhy-resets.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        drop_net()
        try:
            raise_net()
            yield
        finally:
            drop_net()


def drop_net():
    for name in NAMES.values():
        subprocess.run("ip netns del " + name, shell=True, stderr=subprocess.DEVNULL)


# --- frames ---
def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data)) if len(data) % 2 == 0 else checksum_odd(data)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def checksum_odd(data):
    return sum(struct.unpack("!%dH" % (len(data) // 2 + 1), data + b"\0"))


class Packet:
    """An IPv4 TCP packet, taken apart as far as needed."""

    def __init__(self, ip):
        self.ip = bytearray(ip[: struct.unpack("!H", ip[2:4])[0]])
        self.head = (ip[0] & 15) * 4
        self.source, self.destination = bytes(ip[12:16]), bytes(ip[16:20])
        self.sport, self.dport, self.seq, self.ack, offset, self.flags = struct.unpack("!HHIIBB", ip[self.head : self.head + 14])
        self.payload = bytes(self.ip[self.head + (offset >> 4) * 4 :])

    def hop(self, hops):
        """The same with its lifetime lessened."""
        self.ip[8] = max(1, self.ip[8] - hops)
        self.ip[10:12] = b"\0\0"
        self.ip[10:12] = struct.pack("!H", checksum(bytes(self.ip[: self.head])))
        return self


def forged(source, destination, sport, dport, seq, ack, flags, ttl, window, ip_id):
    tcp = struct.pack("!HHIIBBHHH", sport, dport, seq & 0xFFFFFFFF, ack & 0xFFFFFFFF, 5 << 4, flags, window, 0, 0)
    pseudo = source + destination + struct.pack("!BBH", 0, 6, len(tcp))
    tcp = tcp[:16] + struct.pack("!H", checksum(pseudo + tcp)) + tcp[18:]
    ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), ip_id, 0x4000, ttl, 6, 0, source, destination)
    return Packet(ip[:10] + struct.pack("!H", checksum(ip)) + ip[12:] + tcp)


class Box(threading.Thread):
    """Carries frames both ways and takes the capture; `case` says how long the way is and what is forged."""

    def __init__(self):
        super().__init__(daemon=True)
        self.case, self.frames, self.queue, self.order, self.stop = None, [], [], 0, False

    def begin(self, case):
        self.frames, self.case, self.fired, self.count, self.ttl_seen, self.next_seq = [], case, False, 0, {}, {}
        rng = random.Random(case["shape_seed"])
        self.shapes = [stacks.Shape(case["client_stack"], 64, rng), stacks.Shape(case["server_stack"], case["server_ttl"], rng)]

    def run(self):
        enter("box")
        ends = []
        for device in ("left", "right"):
            s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(0x0800))
            s.bind((device, 0x0800))
            s.setblocking(False)
            ends.append(s)
        while not self.stop:
            wait = max(0, min(0.05, self.queue[0][0] - time.time())) if self.queue else 0.05
            for s in select.select(ends, [], [], wait)[0]:
                try:
                    frame, where = s.recvfrom(65536)
                except OSError:  # nothing there after all, or the devices are gone
                    continue
                if where[2] != socket.PACKET_OUTGOING and len(frame) >= 54 and frame[23] == 6 and self.case:
                    self.take(ends.index(s), frame[:14], frame[14:])
            while self.queue and self.queue[0][0] <= time.time():
                _, _, way, data = heapq.heappop(self.queue)
                try:
                    ends[1 - way].send(data)
                except OSError:
                    pass

    def record(self, at, packet):
        self.frames.append((at, bytes(packet.ip)))

    def deliver(self, at, way, ethernet, packet):
        self.order += 1
        heapq.heappush(self.queue, (at, self.order, way, ethernet + bytes(packet.ip)))

    def take(self, way, ethernet, ip):
        """way 0: from the client. The capture point stands at `near` of the delay and hops from the client."""
        c, now, p = self.case, time.time(), self.shaped(way, ip)
        hops = (c["hops_near"], c["hops_far"])
        first, second = (c["delay"] * c["near"], c["delay"] * (1 - c["near"]))[:: 1 if way == 0 else -1]
        p.hop(hops[way])
        if way == 1 and p.flags & SYN and c["behind"] == "balancer":
            p.ip[8] = c["forge"]["ttl"] - c["forge"]["hops"] + 1
            p.hop(1)
        self.ttl_seen[way] = p.ip[8]
        self.next_seq[way] = (p.seq + len(p.payload) + (1 if p.flags & (SYN | FIN) else 0), p.ack)
        swallowed = self.forge(way, ethernet, p, now)
        if not (swallowed and c["place"] == ("near" if way == 0 else "far")):
            self.record(now + first, p)
        if not swallowed:
            self.deliver(now + first + second, way, ethernet, Packet(bytes(p.ip)).hop(hops[1 - way]))

    def shaped(self, way, ip):
        """What shakes hands in a server's stead has a look of its own."""
        p = Packet(ip)
        peer = self.next_seq.get(1 - way)
        if way == 1 and p.flags & SYN and self.case["behind"] in ("synproxy", "balancer"):
            return p
        return Packet(self.shapes[way].applied(bytes(p.ip), peer[0] if peer else None))

    def due(self, way, p):
        """Is this the packet that the forger waits for?"""
        c = self.case
        if c.get("forge") is None or self.fired or way != 0:
            return False
        if c["trigger"] == "syn":
            return bool(p.flags & SYN)
        if c["trigger"] == "ack":
            return not p.flags & SYN and not p.payload
        self.count += bool(p.payload)
        return self.count == {"first": 1, "later": 3}.get(c["trigger"], 99) and bool(p.payload)

    def forge(self, way, ethernet, p, now):
        if self.fired and self.case["forge"].get("silence"):
            return True
        if not self.due(way, p):
            return False
        c, f = self.case, self.case["forge"]
        self.fired = True
        back = ethernet[6:12] + ethernet[:6] + ethernet[12:]
        half = c["delay"] * (c["near"] if c["place"] == "near" else 1 - c["near"]) * f.get("depth", 0.4)
        # Behind the capture point the packet has come by already, and what goes to the client comes by on its way.
        reached = now + (half if c["place"] == "near" else c["delay"] * c["near"] + half)
        to_client, to_server = f["target"] in ("client", "both"), f["target"] in ("server", "both")
        end = p.seq + len(p.payload) + (1 if p.flags & SYN else 0)
        for n in range(f["count"]):
            ahead = n * f["step"]
            if to_client:
                seq = p.ack if p.flags & ACK else 0
                r = forged(
                    p.destination,
                    p.source,
                    p.dport,
                    p.sport,
                    seq + ahead,
                    self.acked(f, n, end),
                    f["flags"][n % len(f["flags"])],
                    self.ttl(f, 1),
                    f["window"],
                    self.ident(f),
                )
                if c["place"] == "far":
                    self.record(reached + half + n * 1e-5, r)
                self.deliver(reached + half + n * 1e-5, 1, back, r)
            if to_server:
                r = forged(
                    p.source,
                    p.destination,
                    p.sport,
                    p.dport,
                    (p.seq if f["swallow"] else end) + ahead,
                    self.acked(f, n, p.ack),
                    f["flags"][n % len(f["flags"])],
                    self.ttl(f, 0),
                    f["window"],
                    self.ident(f),
                )
                # Forged in the client's name it follows the packet that called for it.
                if c["place"] == "near":
                    self.record(now + c["delay"] * c["near"] + 5e-5 + n * 1e-5, r)
                self.deliver(now + c["delay"] + 1e-4 + n * 1e-5, 0, ethernet, r)
        return f["swallow"]

    def acked(self, f, n, right):
        word = f["ack"] if isinstance(f["ack"], str) else f["ack"][n % len(f["ack"])]
        return {"right": right, "zero": 0, "other": right + 70000}[word]

    def ident(self, f):
        return {"zero": 0, "random": random.randrange(65536), "fixed": 0x4242}[f["ip_id"]]

    def ttl(self, f, way):
        """As it comes by the capture point; `match` is what that side's frames arrive with."""
        if f["ttl"] == "match":
            return self.ttl_seen.get(way, f["hops"] and 64 - (self.case["hops_near"], self.case["hops_far"])[way])
        return f["ttl"] - f["hops"]


# --- ends ---
class Server:
    """One listener of a case: a short dialogue, ended as the case says."""

    def __init__(self, case):
        self.case, self.pid, self.ready = case, None, threading.Event()

    def listen(self):
        behind = self.case["behind"]
        enter("edge" if behind in ("plain", "balancer") else "inner")
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind({"plain": (PLAIN, 143), "balancer": (PLAIN, 143), "nat": (HIDDEN, 143), "haproxy": (HIDDEN, 144), "synproxy": (SYNPROXY, 143)}[behind])
        s.listen(0 if self.case["end"] == "overflow" else 8)
        return s

    def run(self):
        end = self.case["end"]
        listener = self.listen()
        self.ready.set()
        if end in ("overflow", "listener_closed"):
            time.sleep(0.25)
            listener.close()
            return
        listener.settimeout(2)
        try:
            conn, _ = listener.accept()
        except OSError:
            return listener.close()
        listener.close()
        conn.settimeout(1.5)
        try:
            self.talk(conn)
        except OSError:
            conn.close()

    def read(self, conn):
        data = conn.recv(4096)
        if not data:
            raise OSError("closed")
        return data

    def finish(self, conn):
        end = self.case["end"]
        if end == "linger":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
        elif end == "unread":
            select.select([conn], [], [], 1)
            conn.close()
        elif end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif end == "fin":
            conn.close()
        else:
            time.sleep(0.05)
            raise OSError("the other side ends it")

    def talk(self, conn):
        stage, ends = self.case["stage"], self.case["end"] != "normal"
        if ends and stage == "greeting":
            return self.finish(conn)
        conn.sendall(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        if ends and stage == "auth":
            return self.finish(conn)
        self.read(conn)
        conn.sendall(b"a1 OK logged in\r\n")
        if ends and stage == "session":
            return self.finish(conn)
        while True:
            tag = self.read(conn).split(b" ")[0]
            conn.sendall(b"* 1 EXISTS\r\n%s OK done\r\n" % tag)

    def start(self):
        """In a process of its own: it may be killed."""
        self.pid = os.fork()
        if not self.pid:
            try:
                self.run()
            finally:
                os._exit(0)


def client(case, port):
    enter("client")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(case.get("patience", 0.6))
    s.bind((CLIENT, port))
    try:
        s.connect((BEHIND[case["behind"]], 143))
        if case["end"] in ("overflow", "listener_closed"):
            s.recv(100)
        s.recv(4096)
        lines = [b"a1 LOGIN user secret\r\n", b"a2 SELECT INBOX\r\n", b"a3 FETCH 1 FLAGS\r\n", b"a4 NOOP\r\n", b"a5 LOGOUT\r\n"]
        for n, line in enumerate(lines):
            s.sendall(line)
            if case["end"] == "client_linger" and n == 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            if case["end"] == "client_unread" and n == 2:
                select.select([s], [], [], 0.5)
                break
            s.recv(4096)
            if case["end"] == "fin":
                s.sendall(b"a9 NOOP\r\n")
    except OSError:
        pass
    s.close()


# --- cases ---
def genuine(rng):
    end = rng.choice(
        ["linger", "unread", "kill", "unread", "linger", "client_linger", "client_unread", "closed_port", "listener_closed", "overflow", "fin"]
    )
    case = {"end": end, "stage": rng.choice(["greeting", "auth", "session"]), "behind": rng.choice(["plain", "plain", "nat", "haproxy", "synproxy"])}
    if end in ("overflow", "listener_closed", "closed_port"):
        case["behind"] = rng.choice(["plain", "nat"])
    wrong = {"closed_port": "connection_refused", "client_linger": "reset_by_client", "client_unread": "reset_by_client", "fin": "closed_by_server"}
    case["truth"] = wrong.get(end, "reset_by_server")
    return case


def injected(rng):
    flags = rng.choice([[RST], [RST | ACK], [RST, RST | ACK], [RST | ACK]])
    forge = {
        "target": rng.choice(["client", "client", "both"]),
        "flags": flags,
        "count": max(len(flags), rng.choice([1, 1, 2, 3])),
        "step": rng.choice([0, 1460]),
        "ack": rng.choice(["right", "right", "zero", "other"]),
        "ip_id": rng.choice(["zero", "random", "fixed"]),
        "window": rng.choice([0, 0, 8192, 65535]),
        "ttl": rng.choice([64, 64, 128, 255, "match"]),
        "swallow": rng.random() < 0.3,
    }
    case = {
        "end": "normal",
        "stage": "session",
        "behind": rng.choice(["plain", "plain", "nat", "haproxy"]),
        "trigger": rng.choice(["ack", "first", "first", "later"]),
        "place": rng.choice(["far", "far", "far", "near"]),
        "forge": forge,
        "truth": "reset_injected",
    }
    if case["place"] == "near":
        forge["target"] = "both"
    if case["trigger"] == "ack":
        forge["swallow"] = False
    return case


def dress(seed, n):
    """By a random sequence of its own, so that the cases themselves stay those of their seed."""
    rng = random.Random("%d stacks %d" % (seed, n))
    return {
        "client_stack": rng.choice(["linux"] * 8 + stacks.CLIENTS),
        "server_stack": rng.choice(["linux"] * 10 + stacks.SERVERS),
        "shape_seed": rng.randrange(1 << 30),
    }


def balanced(case, seed, n):
    """A balancer that shakes hands in the server's stead, as far away, and resets by itself when that one fails: what the service says."""
    rng = random.Random("%d balancer %d" % (seed, n))
    if case["behind"] != "plain" or case["end"] not in ("linger", "kill") or rng.random() < 0.6:
        return
    forge = {"target": "both", "flags": [RST | ACK], "count": 1, "step": 0, "ack": "right", "ip_id": rng.choice(["zero", "random"]), "depth": 1.0}
    forge.update(window=rng.choice([0, 4128, 8190]), ttl=rng.choice([64, 128, 255]), swallow=True, hops=case["hops_far"] - rng.randrange(3))
    case.update(behind="balancer", end="normal", stage="session", trigger="later", forge=forge)


def make_case(rng, n, seed):
    case = injected(rng) if n % 2 else genuine(rng)
    case.update(
        delay=rng.choice([0.004, 0.012, 0.03]),
        near=rng.choice([0.1, 0.3, 0.5]),
        hops_near=rng.randrange(1, 4),
        hops_far=rng.randrange(4, 14),
        timestamps=rng.random() < 0.7,
        server_ttl=rng.choice([64, 64, 128, 255]),
    )
    case.setdefault("place", "far")
    case.update(dress(seed, n))
    if case.get("forge"):
        case["forge"]["hops"] = rng.randrange(1, case["hops_far"] - 1) if case["place"] == "far" else rng.randrange(1, case["hops_near"] + 1)
    if case["truth"] == "reset_by_server":
        balanced(case, seed, n)
    return case


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for at, data in sorted(frames):
            out.write(struct.pack("<IIII", int(at), int(at % 1 * 1e9), len(data), len(data)) + data)


def run_case(box, case, port):
    for role in ("edge", "inner"):
        sh(
            inside(
                role,
                "sysctl -qw net.ipv4.ip_default_ttl=%d net.ipv4.tcp_timestamps=%d net.ipv4.tcp_abort_on_overflow=%d"
                % (case["server_ttl"], case["timestamps"], case["end"] == "overflow"),
            )
        )
    server = None
    box.begin(case)
    if case["end"] != "closed_port":
        server = Server(case)
        server.start()
        time.sleep(0.06)
    fillers = []
    if case["end"] == "overflow":
        fillers = [threading.Thread(target=client, args=(case, port + 20000 + i)) for i in range(3)]
        for f in fillers:
            f.start()
        time.sleep(0.05)
    t = threading.Thread(target=client, args=(case, port))
    t.start()
    t.join(6 + case.get("patience", 0))
    for f in fillers:
        f.join(6)
    time.sleep(0.08)
    if server:
        try:
            os.kill(server.pid, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(server.pid, 0)
    time.sleep(0.03)
    number = struct.pack("!H", port)
    return [f for f in box.frames if number in (f[1][20:22], f[1][22:24])]


def label(case, name, port):
    truth = case["truth"]
    return {
        "file": name,
        "scenario": case["end"] if truth != "reset_injected" else "injected",
        "keylog": None,
        "case": case,
        "sessions": [
            {
                "client_ip": CLIENT,
                "server_ip": BEHIND[case["behind"]],
                "server_port": 143,
                "client_ports": [port],
                "count": 1,
                "outcome": "failed",
                "mechanism": truth,
                "class": {"reset_injected": "firewall_block", "closed_by_server": "server_refusal"}.get(truth, "reset"),
            }
        ],
    }


def stage(folder, cases):
    """Writes a capture for each case that came about; their labels."""
    box, labels, config = Box(), [], os.path.join(folder, "haproxy.cfg")
    with open(config, "w") as out:
        out.write(HAPROXY)
    proxy = subprocess.Popen(inside("edge", "haproxy -f " + config).split(), stderr=subprocess.DEVNULL)
    try:
        box.start()
        time.sleep(0.3)
        for n, case in enumerate(cases):
            port, name = 30000 + n, "%03d.pcap" % n
            frames = run_case(box, case, port)
            if not any(f[1][33] & RST for f in frames) or (case.get("forge") and not box.fired):
                continue  # nothing to judge: what was forged did not come by, or the end came otherwise
            write_pcap(os.path.join(folder, name), frames)
            labels.append(label(case, name, port))
    finally:
        box.stop = True
        proxy.kill()
        proxy.wait()
    return labels


def make(folder, count, seed):
    rng = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    with alone():
        labels = stage(folder, [make_case(rng, n, seed) for n in range(count)])
    with open(os.path.join(folder, "labels.json"), "w") as out:
        json.dump(labels, out, indent=1)
    print("%d captures with a reset, of %d cases" % (len(labels), count))


def verdict(tool, path):
    done = subprocess.run([tool, "-o", "json", path], capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s failed on %s: %s" % (tool, path, done.stderr.strip()))
    docs = [d for d in map(json.loads, done.stdout.splitlines()) if d["event"]["dataset"] == "imapwhy.session"]
    return docs[-1]["imapwhy"]["verdict"]["mechanism"] if docs else "none"


def counts(folder, tool, show=False):
    """(injected found, injected, genuine called injected, genuine)"""
    with open(os.path.join(folder, "labels.json")) as text:
        labels = json.load(text)
    called = {True: [], False: []}
    for entry in labels:
        got, truth = verdict(tool, os.path.join(folder, entry["file"])), entry["sessions"][0]["mechanism"]
        called[truth == "reset_injected"].append(got == "reset_injected")
        if show and (got == "reset_injected") != (truth == "reset_injected"):
            print(entry["file"], truth, "got", got, json.dumps(entry["case"]))
    return sum(called[True]), len(called[True]), sum(called[False]), len(called[False])


def score(folder, tool, show):
    found, injected, wronged, genuine = counts(folder, tool, show)
    print("injected: %d of %d found; genuine: %d of %d called injected" % (found, injected, wronged, genuine))
    return 0 if not wronged and found >= 0.95 * injected else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("make", "score"))
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", default=os.path.join(TOP, "imapwhy"))
    parser.add_argument("--show", action="store_true")
    o = parser.parse_args()
    return make(o.folder, o.count, o.seed) if o.task == "make" else score(o.folder, o.tool, o.show)


if __name__ == "__main__":
    sys.exit(main())
