"""For tests: capture files read and written without any library: packets, their TCP segments, and the streams they make."""
import collections
import struct

Packet = collections.namedtuple("Packet", "time link data wire")  # time in nanoseconds
Segment = collections.namedtuple("Segment", "source source_port destination destination_port sequence acknowledgement flags payload at")

FIN, SYN, RST, PSH, ACK = 1, 2, 4, 8, 16
ETHERNET = 1


def read(path):
    with open(path, "rb") as file:
        data = file.read()
    return read_pcapng(data) if data[:4] == b"\x0a\x0d\x0d\x0a" else read_pcap(data)


def secrets(path):
    """The key log that a pcapng file holds in its decryption secrets blocks."""
    with open(path, "rb") as file:
        data = file.read()
    found, order, at = b"", "<", 0
    while data[:4] == b"\x0a\x0d\x0d\x0a" and at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order = "<" if data[at + 8] == 0x4d else ">"
        kind, length = struct.unpack_from(order + "II", data, at)
        if kind == 10:
            found += data[at + 16:at + 16 + struct.unpack_from(order + "I", data, at + 12)[0]]
        at += length
    return found


def read_pcap(data):
    order = "<" if data[0] in (0xd4, 0x4d) else ">"
    unit = 1 if struct.unpack(order + "I", data[:4])[0] == 0xa1b23c4d else 1000
    link, at, packets = struct.unpack_from(order + "I", data, 20)[0] & 0xffff, 24, []
    while at + 16 <= len(data):
        seconds, fraction, captured, wire = struct.unpack_from(order + "IIII", data, at)
        packets.append(Packet(seconds * 10**9 + fraction * unit, link, data[at + 16:at + 16 + captured], wire))
        at += 16 + captured
    return packets


def interface_of(body, order):
    """Link type and nanoseconds in a unit of its times."""
    link, at, unit = struct.unpack_from(order + "H", body)[0], 8, 1000
    while at + 4 <= len(body):
        code, length = struct.unpack_from(order + "HH", body, at)
        if code == 9:
            unit = 10 ** (9 - body[at + 4])
        at += 4 + (length + 3) // 4 * 4
    return link, unit


def read_pcapng(data):
    order, interfaces, packets, at = "<", [], [], 0
    while at + 12 <= len(data):
        if data[at:at + 4] == b"\x0a\x0d\x0d\x0a":
            order, interfaces = ("<" if data[at + 8] == 0x4d else ">"), []
        kind, length = struct.unpack_from(order + "II", data, at)
        body = data[at + 8:at + length - 4]
        if kind == 1:
            interfaces.append(interface_of(body, order))
        elif kind == 6:
            interface, high, low, captured, wire = struct.unpack_from(order + "IIIII", body)
            link, unit = interfaces[interface]
            packets.append(Packet(((high << 32) | low) * unit, link, body[20:20 + captured], wire))
        at += length
    return packets


def write_pcap(path, packets, order="<", nano=True):
    unit = 1 if nano else 1000
    with open(path, "wb") as file:
        file.write(struct.pack(order + "IHHiIII", 0xa1b23c4d if nano else 0xa1b2c3d4, 2, 4, 0, 0, 262144, packets[0].link if packets else 1))
        for p in packets:
            file.write(struct.pack(order + "IIII", p.time // 10**9, p.time % 10**9 // unit, len(p.data), p.wire) + p.data)


def block(order, kind, body):
    body += bytes(-len(body) % 4)
    size = struct.pack(order + "I", len(body) + 12)
    return struct.pack(order + "I", kind) + size + body + size


def write_pcapng(path, packets, order="<"):
    links = []
    with open(path, "wb") as file:
        file.write(block(order, 0x0a0d0d0a, struct.pack(order + "IHHq", 0x1a2b3c4d, 1, 0, -1)))
        for p in packets:
            if p.link not in links:
                links.append(p.link)
                options = struct.pack(order + "HHB3xHH", 9, 1, 9, 0, 0)
                file.write(block(order, 1, struct.pack(order + "HHI", p.link, 0, 262144) + options))
            head = struct.pack(order + "IIIII", links.index(p.link), p.time >> 32, p.time & 0xffffffff, len(p.data), p.wire)
            file.write(block(order, 6, head + p.data))


def network_of(packet):
    """Offset of the network header, its EtherType."""
    data, link = packet.data, packet.link
    if link in (101, 12, 14, 228, 229):
        return 0, 0x86dd if data[0] >> 4 == 6 else 0x0800
    at = {ETHERNET: 12, 113: 14, 276: 0}[link]
    kind = struct.unpack_from(">H", data, at)[0]
    at = 20 if link == 276 else at + 2
    while kind in (0x8100, 0x88a8):
        kind = struct.unpack_from(">H", data, at + 2)[0]
        at += 4
    return at, kind


def transport_of(packet):
    """(protocol, source, destination, bytes of the transport) of an IP packet without fragments; None for others."""
    try:
        at, kind = network_of(packet)
        data = packet.data
        if kind == 0x0800:
            total = struct.unpack_from(">H", data, at + 2)[0]
            head = (data[at] & 15) * 4
            end = at + total if total else len(data)
            return data[at + 9], data[at + 12:at + 16], data[at + 16:at + 20], data[at + head:end]
        if kind == 0x86dd:
            length = struct.unpack_from(">H", data, at + 4)[0]
            return data[at + 6], data[at + 8:at + 24], data[at + 24:at + 40], data[at + 40:at + 40 + length]
    except (IndexError, KeyError, struct.error):
        pass
    return None


def segment_of(packet, number=0):
    found = transport_of(packet)
    if not found or found[0] != 6 or len(found[3]) < 20:
        return None
    _, source, destination, tcp = found
    sport, dport, sequence, acknowledgement, head, flags = struct.unpack_from(">HHIIBB", tcp)
    return Segment(source, sport, destination, dport, sequence, acknowledgement, flags & 63, tcp[(head >> 4) * 4:], number)


def pieces(packets):
    """For each connection that begins with a SYN, the new payloads in their order: [(from_server, bytes, packet index)]."""
    streams, known = [], {}
    for number, packet in enumerate(packets):
        s = segment_of(packet, number)
        if not s:
            continue
        key, back = (s.source, s.source_port, s.destination, s.destination_port), (s.destination, s.destination_port, s.source, s.source_port)
        if s.flags & (SYN | ACK) == SYN and (key not in known or known[key]["next"][False] != s.sequence + 1):
            known[key] = {"pieces": [], "next": {False: s.sequence + 1, True: None}}
            streams.append(known[key]["pieces"])
        server = key not in known
        stream = known.get(back if server else key)
        if stream is None:
            continue
        if server and s.flags & SYN:
            stream["next"][True] = s.sequence + 1
        due = stream["next"][server]
        if s.payload and due is not None:
            old = (due - s.sequence) & 0xffffffff
            if old < len(s.payload):
                stream["pieces"].append((server, s.payload[old:], number))
                stream["next"][server] = (s.sequence + len(s.payload)) & 0xffffffff
    return streams
