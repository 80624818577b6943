"""Made-up captures for tests: TCP connections, look-ups and ICMP errors, packet by packet, written as pcap of raw IP."""
import ipaddress
import struct

EPOCH = 1795510800  # 2026-11-24T09:00:00Z
FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16


class Capture:
    """Frames at seconds after EPOCH; save() sorts them by time."""

    def __init__(self):
        self.frames = []

    def add(self, at, source, destination, transport, payload, ttl=64, ip_id=1):
        a, b = ipaddress.ip_address(source), ipaddress.ip_address(destination)
        if a.version == 4:
            head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), ip_id & 0xffff, 0x4000, ttl, transport, 0, a.packed, b.packed)
        else:
            head = struct.pack("!IHBB16s16s", 6 << 28, len(payload), transport, ttl, a.packed, b.packed)
        self.frames.append((at, len(self.frames), head + payload))

    def query(self, at, client, resolver, name, qtype=1, number=7, port=40000):
        self.add(at, client, resolver, 17, udp(port, 53, dns(name, qtype, number)))

    def answer(self, at, client, resolver, name, address=None, qtype=1, number=7, rcode=0, port=40000):
        self.add(at, resolver, client, 17, udp(53, port, dns(name, qtype, number, address, rcode)))

    def save(self, path):
        with open(path, "wb") as out:
            out.write(struct.pack("<IHHiIII", 0xa1b23c4d, 2, 4, 0, 0, 65535, 101))
            for at, _, data in sorted(self.frames):
                whole = int(round((EPOCH + at) * 1e6)) * 1000
                out.write(struct.pack("<IIII", whole // 10**9, whole % 10**9, len(data), len(data)) + data)


def udp(source, destination, payload):
    return struct.pack("!HHHH", source, destination, 8 + len(payload), 0) + payload


def dns(name, qtype, number, address=None, rcode=None):
    question = b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0" + struct.pack("!HH", qtype, 1)
    if rcode is None or (address is None and rcode == 0 and False):
        return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + question
    answer = b""
    if address:
        packed = ipaddress.ip_address(address).packed
        answer = b"\xc0\x0c" + struct.pack("!HHIH", qtype, 1, 300, len(packed)) + packed
    return struct.pack("!HHHHHH", number, 0x8180 | rcode, 1, 1 if answer else 0, 0, 0) + question + answer


class Tcp:
    """One connection. Every method takes the time of its frame and returns self."""

    def __init__(self, capture, client, server, port=143, client_port=40000, ttl=(64, 57), timestamps=False):
        self.capture, self.ends, self.ports = capture, (client, server), (client_port, port)
        self.ttl, self.timestamps, self.clock = list(ttl), timestamps, None
        self.seq, self.ip_id = [1000, 500000], [100, 7000]

    def send(self, at, side, flags, data=b"", seq=None, ack=None, ttl=None, ip_id=None, window=501, options=b"", timestamps=None):
        """A frame of side 0 (client) or 1 (server); seq and ack default to what is due."""
        if (self.timestamps if timestamps is None else timestamps) and not options:
            options = b"\1\1\x08\x0a" + struct.pack("!II", int(at * 1000) & 0xffffffff, 0)
        options += b"\0" * (-len(options) % 4)
        number = self.seq[side] if seq is None else seq
        acknowledged = (self.seq[1 - side] if ack is None else ack) if flags & ACK else 0
        tcp = struct.pack("!HHIIBBHHH", self.ports[side], self.ports[1 - side], number & 0xffffffff, acknowledged & 0xffffffff,
                          (5 + len(options) // 4) << 4, flags, window, 0, 0) + options + data
        self.capture.add(at, self.ends[side], self.ends[1 - side], 6, tcp, self.ttl[side] if ttl is None else ttl,
                         self.ip_id[side] if ip_id is None else ip_id)
        self.ip_id[side] += 1
        if seq is None and not flags & RST:
            self.seq[side] += len(data) + (1 if flags & (SYN | FIN) else 0)
        return self

    def syn(self, at, again=False):
        if again:
            self.seq[0] -= 1
        return self.send(at, 0, SYN, options=b"\2\4\5\xb4" + (b"\x08\x0a" + struct.pack("!II", self.now(at), 0) if self.timestamps else b""))

    def now(self, at):
        """The client's clock in its SYN, where it has one of its own."""
        return 1 if self.clock is None else (self.clock + int(at * 1000)) & 0xffffffff

    def syns(self, at, offsets=(0, 1, 3, 7)):
        """SYNs that nobody answers."""
        for i, offset in enumerate(offsets):
            self.syn(at + offset, again=i > 0)
        return self

    def synack(self, at, **more):
        return self.send(at, 1, SYN | ACK, options=b"\2\4\5\xb4" + (b"\x08\x0a" + struct.pack("!II", 1, 1) if self.timestamps else b""), **more)

    def open(self, at, rtt=0.02):
        return self.syn(at).synack(at + rtt).send(at + rtt + 0.001, 0, ACK)

    def client(self, at, text, acked=True):
        self.send(at, 0, PSH | ACK, text.encode() if isinstance(text, str) else text)
        return self.send(at + 0.01, 1, ACK) if acked else self

    def server(self, at, text, acked=True):
        self.send(at, 1, PSH | ACK, text.encode() if isinstance(text, str) else text)
        return self.send(at + 0.001, 0, ACK) if acked else self

    def again(self, at, side, text):
        """The last data of that side once more."""
        data = text.encode() if isinstance(text, str) else text
        return self.send(at, side, PSH | ACK, data, seq=self.seq[side] - len(data))

    def vain(self, at, text, offsets=(0, 0.3, 0.9, 2.1, 4.5, 9.3)):
        """Data of the client that is never acknowledged."""
        self.client(at, text, acked=False)
        for offset in offsets[1:]:
            self.again(at + offset, 0, text)
        return self

    def close(self, at):
        return self.send(at, 0, FIN | ACK).send(at + 0.01, 1, FIN | ACK).send(at + 0.011, 0, ACK)

    def icmp(self, at, kind, code, source=None, ttl=64):
        """An ICMP error about the client's last frame, to the client."""
        quoted = self.capture.frames[-1][2][:48 if ":" in self.ends[0] else 28]
        version6 = ":" in self.ends[0]
        self.capture.add(at, source or self.ends[1], self.ends[0], 58 if version6 else 1, struct.pack("!BBHI", kind, code, 0, 0) + quoted, ttl=ttl)
        return self

    # --- whole sessions ---
    def greeted(self, at, capabilities="IMAP4rev1 STARTTLS"):
        return self.open(at).server(at + 0.05, "* OK [CAPABILITY %s] ready\r\n" % capabilities)

    def refused(self, at):
        """A wrong password."""
        self.greeted(at).client(at + 0.1, "a1 LOGIN user wrong\r\n").server(at + 0.3, "a1 NO [AUTHENTICATIONFAILED] no\r\n")
        return self.close(at + 0.4)

    def works(self, at):
        """Logs in, looks and leaves, all within a second."""
        self.greeted(at).client(at + 0.1, "a1 LOGIN user right\r\n").server(at + 0.2, "a1 OK logged in\r\n")
        self.client(at + 0.3, "a2 SELECT INBOX\r\n").server(at + 0.4, "* 3 EXISTS\r\na2 OK done\r\n")
        self.client(at + 0.5, "a3 LOGOUT\r\n").server(at + 0.6, "* BYE bye\r\na3 OK out\r\n")
        return self.close(at + 0.7)
