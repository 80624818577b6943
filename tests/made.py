"""Captures made by hand for tests of the program's edges: one TCP conversation at a time, checksums left out."""
import ipaddress
import struct

CLIENT, SERVER = "client", "server"
MICRO = 1000000


class Conversation:
    """Packets between two ends; every method appends (time in seconds, bytes of an Ethernet frame) to `frames`."""

    def __init__(self, client="10.1.4.23", server="198.51.100.7", port=143, client_port=51812, start=1700000000.0):
        self.ends = {CLIENT: (client, client_port), SERVER: (server, port)}
        self.next = {CLIENT: 1000, SERVER: 9000}
        self.time, self.frames = start, []

    def packet(self, side, flags, payload=b"", wait=0.01):
        other = SERVER if side == CLIENT else CLIENT
        (source, sport), (destination, dport) = self.ends[side], self.ends[other]
        acknowledged = self.next[other] if flags & 0x10 else 0
        tcp = struct.pack(">HHIIBBHHH", sport, dport, self.next[side], acknowledged, 5 << 4, flags, 65535, 0, 0) + payload
        ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(tcp), len(self.frames), 0x4000, 64, 6, 0)
        ip += ipaddress.ip_address(source).packed + ipaddress.ip_address(destination).packed
        self.time += wait
        self.frames.append((self.time, b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + tcp))
        self.next[side] += len(payload) + (1 if flags & 3 else 0)
        return self

    def open(self):
        return self.packet(CLIENT, 2).packet(SERVER, 0x12).packet(CLIENT, 0x10)

    def says(self, side, text, wait=0.01):
        return self.packet(side, 0x18, text if isinstance(text, bytes) else text.encode(), wait)

    def close(self, side=CLIENT, wait=0.01):
        other = SERVER if side == CLIENT else CLIENT
        return self.packet(side, 0x11, wait=wait).packet(other, 0x11).packet(side, 0x10)

    def refused_login(self, user="anna@example.org"):
        """A whole session: greeting, a login that is refused, LOGOUT."""
        self.open().says(SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        self.says(CLIENT, "a1 LOGIN %s wrong\r\n" % user).says(SERVER, "a1 NO [AUTHENTICATIONFAILED] no\r\n", 0.5)
        return self.says(CLIENT, "a2 LOGOUT\r\n").says(SERVER, "* BYE\r\na2 OK bye\r\n").close()

    def healthy(self, user="bert@example.org"):
        self.open().says(SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
        self.says(CLIENT, "a1 LOGIN %s right\r\n" % user).says(SERVER, "a1 OK in\r\n")
        self.says(CLIENT, "a2 SELECT INBOX\r\n").says(SERVER, "* 1 EXISTS\r\na2 OK [READ-WRITE] done\r\n")
        return self.says(CLIENT, "a3 LOGOUT\r\n").says(SERVER, "* BYE\r\na3 OK bye\r\n").close()


def pcap(frames, link=1):
    """The bytes of a pcap file of (time, frame)s."""
    out = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 262144, link)]
    for time, frame in frames:
        micros = int(round(time * MICRO))
        out.append(struct.pack("<IIII", micros // MICRO, micros % MICRO, len(frame), len(frame)) + frame)
    return b"".join(out)


def write_pcap(path, *conversations, link=1):
    frames = sorted((f for c in conversations for f in c.frames), key=lambda f: f[0])
    with open(path, "wb") as f:
        f.write(pcap(frames, link))
    return path
