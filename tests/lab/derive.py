"""Makes a lesser capture out of a made one: its start or its end missing, one direction, frames lost, frames cut.

A derivation is (name, (act, value), labels): labels is [(expression, label)] over what the whole capture shows of a connection, or
None where what is left still decides the same. Acts: `from` N (from the Nth payload on; negative: counted from the end) · `until` N
(to the Nth payload) · `seconds` S (so long, from the first frame) · `syns` N (to the Nth SYN) · `only` "client" or "server" ·
`lose` TEXT (frames of servers that hold it) · `lose_share` P (any frame, by chance) · `snap` N (so many bytes of each frame) ·
`twice` (every frame two times, as a mirror port shows it) · `swap` N (every Nth pair of neighbours in the wrong order) ·
`link` KIND: the same frames as another link shows them (vlan, qinq, pppoe, cooked, raw).
"""
import random
import struct


def read(path):
    """[(seconds, frame, original length)] of a pcap file in this machine's order, and its header."""
    with open(path, "rb") as source:
        data = source.read()
    head, at, frames = data[:24], 24, []
    unit = 1e-9 if struct.unpack("<I", head[:4])[0] == 0xA1B23C4D else 1e-6
    while at + 16 <= len(data):
        seconds, fraction, kept, length = struct.unpack("<IIII", data[at : at + 16])
        frames.append((seconds + fraction * unit, data[at + 16 : at + 16 + kept], length, data[at : at + 8]))
        at += 16 + kept
    return head, frames


def write(path, head, frames):
    with open(path, "wb") as out:
        out.write(head)
        for _, frame, length, stamp in frames:
            out.write(stamp + struct.pack("<II", len(frame), length) + frame)


class Seen:
    """What a derivation needs to know of a frame: which side sent it, flags, payload."""

    def __init__(self, frame, ports):
        self.side, self.payload, self.syn, self.ports = None, b"", False, ()
        at = (
            14 + (frame[14] & 15) * 4
            if frame[12:14] == b"\x08\x00" and frame[23] == 6
            else 54
            if frame[12:14] == b"\x86\xdd" and frame[20] == 6
            else 0
        )
        if not at or len(frame) < at + 20:
            return
        source, target = struct.unpack("!HH", frame[at : at + 4])
        end = 14 + struct.unpack("!H", frame[16:18])[0] if frame[12:14] == b"\x08\x00" else 54 + struct.unpack("!H", frame[18:20])[0]
        self.side, self.syn = "server" if source in ports and target not in ports else "client", frame[at + 13] & 18 == 2
        self.payload, self.ports = frame[at + (frame[at + 12] >> 4) * 4 : end], (source, target)


def from_payload(frames, seen, n, _):
    hits = [i for i, s in enumerate(seen) if s.payload]
    return frames[hits[n] :]


def until_payload(frames, seen, n, _):
    hits = [i for i, s in enumerate(seen) if s.payload]
    return frames[: hits[n] + 1]


def for_seconds(frames, seen, seconds, _):
    first = next(f[0] for f, s in zip(frames, seen) if s.side)
    return [f for f in frames if f[0] <= first + seconds]


def until_syn(frames, seen, n, _):
    hits = [i for i, s in enumerate(seen) if s.syn]
    return frames[: hits[n - 1] + 1]


def one_side(frames, seen, side, _):
    return [f for f, s in zip(frames, seen) if s.side in (None, side)]


def without(frames, seen, text, _):
    return [f for f, s in zip(frames, seen) if s.side != "server" or text.encode() not in s.payload]


def thinned(frames, seen, share, seed):
    rng = random.Random(seed)
    return [f for f in frames if rng.random() >= share]


def cut(frames, seen, size, _):
    return [(at, frame[:size], length, stamp) for at, frame, length, stamp in frames]


def doubled(frames, seen, _, __):
    return [one for frame in frames for one in (frame, frame)]


def swapped(frames, seen, every, _):
    """Neighbours change places, their times stay in order."""
    order = list(range(len(frames)))
    for i in range(every, len(frames) - 1, every):
        order[i], order[i + 1] = order[i + 1], order[i]
    return [(frames[place][0], *frames[i][1:3], frames[place][3]) for place, i in enumerate(order)]


IP_OF = {b"\x08\x00": b"\x00\x21", b"\x86\xdd": b"\x00\x57"}  # the types of Ethernet and of PPP
LINKS = {  # number of the link type, and how a frame begins on it
    "vlan": (1, lambda f: f[:12] + b"\x81\x00\x00\x2a" + f[12:]),
    "qinq": (1, lambda f: f[:12] + b"\x88\xa8\x00\x07\x81\x00\x00\x2a" + f[12:]),
    "pppoe": (1, lambda f: f[:12] + b"\x88\x64\x11\x00\x00\x05" + struct.pack("!H", len(f) - 12) + IP_OF.get(f[12:14], b"\xc0\x21") + f[14:]),
    "cooked": (113, lambda f: b"\x00\x00\x00\x01\x00\x06" + f[6:12] + b"\x00\x00" + f[12:]),
    "raw": (101, lambda f: f[14:]),
}


def relinked(source, target, kind):
    head, frames = read(source)
    number, begin = LINKS[kind]
    made_ = [(at, begin(f), length + len(begin(f)) - len(f), stamp) for at, f, length, stamp in frames if f[12:14] in IP_OF]
    write(target, head[:20] + struct.pack("<I", number), made_)


ACTS = {
    "twice": doubled,
    "swap": swapped,
    "from": from_payload,
    "until": until_payload,
    "seconds": for_seconds,
    "syns": until_syn,
    "only": one_side,
    "lose": without,
    "lose_share": thinned,
    "snap": cut,
}


def made(source, target, act, ports, seed):
    """Writes the lesser capture; the local ports of the connections that are still in it."""
    if act[0] == "link":
        relinked(source, target, act[1])
        return {p for f in read(source)[1] for p in Seen(f[1] + bytes(54), ports).ports}
    head, frames = read(source)
    frames = ACTS[act[0]](frames, [Seen(f[1], ports) for f in frames], act[1], seed)
    if act[0] == "snap":
        head = head[:16] + struct.pack("<I", act[1]) + head[20:]
    write(target, head, frames)
    return {p for f in frames for p in Seen(f[1] + bytes(54), ports).ports}
