"""The box on the way: carries frames with delay and hops, takes the capture, and forges resets at a place before or behind that."""
import heapq
import random
import select
import socket
import struct
import threading
import time

import stacks
from reset_net import enter
from stacks import checksum

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


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
            common = {"flags": f["flags"][n % len(f["flags"])], "window": f["window"], "ahead": n * f["step"]}
            if to_client:
                at = reached + half + n * 1e-5
                r = self.reset(p, 1, p.ack if p.flags & ACK else 0, self.acked(f, n, end), **common)
                if c["place"] == "far":
                    self.record(at, r)
                self.deliver(at, 1, back, r)
            if to_server:
                r = self.reset(p, 0, p.seq if f["swallow"] else end, self.acked(f, n, p.ack), **common)
                # Forged in the client's name it follows the packet that called for it.
                if c["place"] == "near":
                    self.record(now + c["delay"] * c["near"] + 5e-5 + n * 1e-5, r)
                self.deliver(now + c["delay"] + 1e-4 + n * 1e-5, 0, ethernet, r)
        return f["swallow"]

    def reset(self, p, way, seq, ack, flags, window, ahead):
        """Forged beside the client's packet p; way 1: in the server's name."""
        f = self.case["forge"]
        ends = (p.source, p.destination), (p.sport, p.dport)
        addresses, ports = (e[::-1] if way else e for e in ends)
        return forged(*addresses, *ports, seq + ahead, ack, flags, self.ttl(f, way), window, self.ident(f))

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
