"""Shapes of TCP stacks that the lab does not have: frames of real Linux ends are given the lifetime, numbers, windows, options and form of
resets that other systems are known for. When an end resets, and why, stays its own: what is made is the look alone."""
import struct

RST, SYN, ACK = 4, 2, 16

# ids: how frames are numbered; reset_ids: how resets are, if otherwise. abort, answer: the window of a reset that ends a connection and of one
# that answers an unknown one (None: as Linux has it). options: whether aborts keep them. form: "rfc" (aborts acknowledge, answers are bare),
# "acknowledging" (answers acknowledge too, lwIP), "literal" (RFC 9293 3.10.5: an abort is <SEQ=SND.NXT><CTL=RST>).
STACKS = {
    "linux": None,
    "windows": dict(ttl=128, ids="counter", timestamps=False, abort=0, answer=0, options=False, form="rfc"),
    "windows_busy": dict(ttl=128, ids="busy", timestamps=False, abort=0, answer=0, options=False, form="rfc"),
    "windows_old": dict(ttl=128, ids="swapped", timestamps=False, abort=0, answer=0, options=False, form="rfc"),
    "windows_timestamps": dict(ttl=128, ids="counter", timestamps=True, abort=0, answer=0, options=False, form="rfc"),
    "freebsd": dict(ttl=64, ids="zero", timestamps=True, abort=None, answer=0, options=True, form="rfc"),
    "openbsd": dict(ttl=64, ids="random", timestamps=True, abort=None, answer=0, options=False, form="rfc"),
    "netbsd": dict(ttl=64, ids="counter", timestamps=True, abort=None, answer=0, options=False, form="rfc"),
    "macos": dict(ttl=64, ids="zero", timestamps=True, abort=None, answer=0, options=False, form="rfc"),
    "macos_old": dict(ttl=64, ids="random", timestamps=True, abort=None, answer=0, options=False, form="rfc"),
    "solaris": dict(ttl=64, ids="counter", timestamps=True, abort=0, answer=0, options=False, form="rfc"),
    "aix": dict(ttl=60, ids="busy", timestamps=False, abort=None, answer=0, options=False, form="rfc"),
    "linux_old": dict(ttl=64, ids="counter", answer_ids="random", timestamps=True, abort=None, answer=0, options=True, form="rfc"),
    "lwip": dict(ttl=255, ids="counter", timestamps=False, abort=5840, answer=5840, options=False, form="acknowledging"),
    "uip": dict(ttl=64, ids="counter", timestamps=False, abort=1460, answer=1460, options=False, form="acknowledging"),
    "embedded": dict(ttl=255, ids="zero", timestamps=False, abort=4128, answer=0, options=False, form="literal"),
    "printer": dict(ttl=30, ids="counter", timestamps=False, abort=0, answer=0, options=False, form="rfc"),
    # Balancers that end connections themselves (full proxies), as their makers describe their resets.
    "proxy_large": dict(ttl=255, ids="counter", timestamps=True, abort=0, answer=0, options=False, form="rfc"),
    "proxy_coded": dict(ttl=255, ids="random", timestamps=False, abort=9811, answer=9811, options=False, form="rfc"),
    "proxy_zero": dict(ttl=64, ids="zero", timestamps=True, abort=8190, answer=8190, options=False, form="rfc"),
}
CLIENTS = ["windows", "windows_busy", "windows_old", "windows_timestamps", "macos", "macos_old", "freebsd", "openbsd", "linux_old", "lwip", "embedded"]
SERVERS = sorted(set(STACKS) - {"linux", "windows_old"})


def checksum(data):
    data = bytes(data) + b"\0" * (len(data) % 2)
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


class Shape:
    """One end of one case."""

    def __init__(self, name, own_ttl, rng):
        self.stack, self.own_ttl, self.rng = STACKS[name], own_ttl, rng
        self.number = rng.randrange(1, 65536)

    def identification(self, kind):
        step = {"counter": 1, "busy": self.rng.randrange(1, 300), "swapped": 256, "zero": 0, "random": self.rng.randrange(65536)}[kind]
        if kind == "zero":
            return 0
        self.number = (self.number + step) & 0xFFFF
        return self.number

    def applied(self, ip, peer_next):
        """The frame as that stack would have sent it. peer_next: what a reset that acknowledges all would say."""
        s, ip = self.stack, bytearray(ip)
        if not s:
            return bytes(ip)
        head = (ip[0] & 15) * 4
        tcp = ip[head:struct.unpack("!H", ip[2:4])[0]]
        bare = tcp[13] & RST and not tcp[13] & ACK
        if not s["timestamps"]:
            without_timestamps(tcp)
        if tcp[13] & RST:
            tcp = self.reset(tcp, bare, peer_next)
        ip = ip[:head]
        ip[8] = max(1, s["ttl"] - (self.own_ttl - ip[8]))
        ip[4:6] = struct.pack("!H", self.identification(s.get("answer_ids", s["ids"]) if bare else s["ids"]))
        ip[2:4] = struct.pack("!H", head + len(tcp))
        ip[10:12] = b"\0\0"
        ip[10:12] = struct.pack("!H", checksum(ip))
        tcp[16:18] = b"\0\0"
        tcp[16:18] = struct.pack("!H", checksum(bytes(ip[12:20]) + struct.pack("!BBH", 0, 6, len(tcp)) + bytes(tcp)))
        return bytes(ip + tcp)

    def reset(self, tcp, bare, peer_next):
        s = self.stack
        window = s["answer" if bare else "abort"]
        if window is not None:
            tcp[14:16] = struct.pack("!H", window)
        if not s["options"]:
            tcp = tcp[:20]
            tcp[12] = 5 << 4
        if bare and s["form"] == "acknowledging" and peer_next is not None:
            tcp[13] |= ACK
            tcp[8:12] = struct.pack("!I", peer_next)
        if not bare and s["form"] == "literal" and not tcp[13] & SYN:
            tcp[13] &= ~ACK
            tcp[8:12] = b"\0\0\0\0"
        return tcp


def without_timestamps(tcp):
    """What never offers them: NOPs in their place."""
    at, end = 20, (tcp[12] >> 4) * 4
    while at < end and tcp[at]:
        size = 1 if tcp[at] == 1 else max(tcp[at + 1], 2)
        if tcp[at] == 8:
            tcp[at:at + size] = b"\1" * size
        at += size
