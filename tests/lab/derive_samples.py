#!/usr/bin/env python3
"""Makes samples out of others, for what a lab can't wait for or stage: cut, filtered, doubled, stretched, or with a few frames written in between.

derive_samples.py [NAME...] writes samples/NAME/capture.pcap and README.md; `make samples-accept CASES=NAME` then writes what is reported, to be read."""
import os
import struct
import sys

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.insert(0, os.path.join(TOP, "tests"))
from capture_files import ACK, FIN, PSH, RST, SYN, Packet, network_of, read, segment_of, write_pcap  # noqa: E402
from stacks import checksum  # noqa: E402

SECOND = 10**9
MILLISECOND = 10**6
MINUTE = 60 * SECOND


def edited(packet, time=None, payload=None, port=None, keep_options=True, **fields):
    """A TCP frame over IPv4 with other header fields (sequence, acknowledgement, flags), ports or payload, its sums put right."""
    at, _ = network_of(packet)
    data = bytearray(packet.data)
    head = (data[at] & 15) * 4
    tcp = at + head
    offset = (data[tcp + 12] >> 4) * 4
    body = payload if payload is not None else bytes(data[tcp + offset:at + struct.unpack_from(">H", data, at + 2)[0]])
    for name, place, form in (("sequence", 4, ">I"), ("acknowledgement", 8, ">I"), ("flags", 13, ">B")):
        if name in fields:
            struct.pack_into(form, data, tcp + place, fields[name] & 0xffffffff)
    if port:
        for place in (0, 2):
            if struct.unpack_from(">H", data, tcp + place)[0] == port[0]:
                struct.pack_into(">H", data, tcp + place, port[1])
    data = data[:tcp + offset] + body
    if time is not None and keep_options:
        later_timestamp(data, tcp, offset, (time - packet.time) // MILLISECOND)
    struct.pack_into(">H", data, at + 2, len(data) - at)
    struct.pack_into(">H", data, at + 10, 0)
    struct.pack_into(">H", data, at + 10, checksum(bytes(data[at:tcp])))
    struct.pack_into(">H", data, tcp + 16, 0)
    pseudo = bytes(data[at + 12:at + 20]) + struct.pack(">BBH", 0, 6, len(data) - tcp)
    struct.pack_into(">H", data, tcp + 16, checksum(pseudo + bytes(data[tcp:])))
    return Packet(packet.time if time is None else time, packet.link, bytes(data), len(data))


def later_timestamp(data, tcp, offset, milliseconds):
    at = tcp + 20
    while at + 1 < tcp + offset and data[at]:
        if data[at] == 8:
            struct.pack_into(">I", data, at + 2, (struct.unpack_from(">I", data, at + 2)[0] + milliseconds) & 0xffffffff)
        at += 1 if data[at] == 1 else max(data[at + 1], 2)


class Talk:
    """Goes on with the first connection of some frames."""
    def __init__(self, packets):
        self.packets, self.client = list(packets), None
        self.next, self.model = [0, 0], [None, None]
        for p in packets:
            s = segment_of(p)
            if not s:
                continue
            self.client = self.client or (s.source, s.source_port)
            side = int((s.source, s.source_port) != self.client)
            self.model[side] = p
            self.next[side] = (s.sequence + len(s.payload) + bool(s.flags & SYN) + bool(s.flags & FIN)) & 0xffffffff
        self.time = packets[-1].time

    def wait(self, span):
        self.time += span
        return self

    def say(self, side, text=b"", flags=ACK):
        self.time += 20 * MILLISECOND
        flags |= PSH if text else 0
        self.packets.append(edited(self.model[side], self.time, text, sequence=self.next[side], acknowledgement=self.next[1 - side], flags=flags))
        self.next[side] += len(text) + bool(flags & FIN)
        return self


CLIENT, SERVER = 0, 1


def of_session(packets):
    return [p for p in packets if segment_of(p)]


def shifted(packets, client, server):
    """Later frames of the connection, after so many bytes more of each side."""
    for p in packets:
        s = segment_of(p)
        more = (client, server) if s.source_port != 143 else (server, client)
        yield edited(p, sequence=s.sequence + more[0], acknowledgement=s.acknowledgement + more[1])


def logout_then_reset(p):
    talk = Talk(p[:75])
    return talk.say(CLIENT, flags=RST | ACK).packets


def password_wrong_then_right(p):
    asked, refused = b"0 LOGIN bob wr0ng\r\n", b"0 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n"
    talk = Talk(p[:9]).say(CLIENT, asked).wait(2 * SECOND).say(SERVER, refused).say(CLIENT).wait(4 * SECOND)
    later = talk.time - p[9].time
    rest = [Packet(q.time + later, q.link, q.data, q.wire) for q in p[9:]]
    return talk.packets + list(shifted(rest, len(asked), len(refused)))


def idle_29_minutes(p):
    talk = Talk(p[:21]).wait(29 * MINUTE - 5 * SECOND)
    talk.say(CLIENT, b"DONE\r\n").say(SERVER, b"a3 OK Idle completed (1740.002 + 1739.998 secs).\r\n").say(CLIENT, b"a4 LOGOUT\r\n")
    talk.say(SERVER, b"* BYE Logging out\r\na4 OK Logout completed (0.001 + 0.000 secs).\r\n").say(SERVER, flags=FIN | ACK).say(CLIENT, flags=FIN | ACK)
    return talk.say(SERVER).packets


def met_in_the_middle(p):
    return p[19:]


def server_alone(p):
    return [q for q in of_session(p) if segment_of(q).source_port in (143, 993)]


def captured_twice(p):
    """As a mirror port that copies what comes in and what goes out: the copy follows at once, one router later."""
    out = []
    for q in p:
        out.append(q)
        at = network_of(q)[0] if segment_of(q) else None
        if at is None:
            continue
        data = bytearray(q.data)
        data[at + 8] -= 1
        struct.pack_into(">H", data, at + 10, 0)
        struct.pack_into(">H", data, at + 10, checksum(bytes(data[at:at + 20])))
        out.append(Packet(q.time + 30000, q.link, bytes(data), q.wire))
    return sorted(out, key=lambda q: q.time)


def left_before_the_answer(p):
    """The client's FIN comes before the answer to its SELECT; what comes then is refused."""
    talk = Talk(p[:23]).say(CLIENT, flags=FIN | ACK)
    answer = p[23]
    talk.packets.append(edited(answer, talk.time + 5 * MILLISECOND))
    talk.time, talk.next[SERVER] = talk.time + 5 * MILLISECOND, segment_of(answer).sequence + len(segment_of(answer).payload)
    talk.packets.append(edited(talk.model[CLIENT], talk.time + 20000, b"", sequence=talk.next[CLIENT], acknowledgement=0, flags=RST))
    return talk.packets


def bye_instead_of_the_answer(p):
    talk = Talk(p[:23]).say(SERVER, b"* BYE Connection is closed. 13\r\n").say(SERVER, flags=FIN | ACK)
    return talk.say(CLIENT, flags=FIN | ACK).say(SERVER).packets


def two_at_once(p):
    """A second connection begun 250 ms before the one that won, whose handshake came too late: given up with a RST."""
    syn, synack = p[4], p[5]
    port, start = segment_of(syn).source_port, syn.time - 250 * MILLISECOND
    other = (port, port - 2)
    late = [edited(syn, start, port=other, keep_options=False), edited(synack, synack.time + 300 * MILLISECOND, port=other, keep_options=False)]
    s = segment_of(late[1])
    late.append(edited(syn, late[1].time + 40000, b"", port=other, keep_options=False, sequence=s.acknowledgement, acknowledgement=0, flags=RST))
    return sorted(p + late, key=lambda q: q.time)


PLAIN, IDLE, TLS = "success-plainok-mbsync-dovecot", "client-vanished-clivanish-idle-plain", "success-implicit-curl-stunnel"
CASES = {
    "success-logout-then-reset": (PLAIN, logout_then_reset, "After LOGOUT and its answer the client ends the connection with a RST (written) in place of the FINs."),
    "success-password-wrong-then-right": (PLAIN, password_wrong_then_right, "A LOGIN refused with NO (written) stands before the accepted one, in the same session."),
    "success-idle-29-minutes": (IDLE, idle_29_minutes, "The session up to IDLE; 29 minutes later, less five seconds, DONE, LOGOUT and FINs (written)."),
    "success-met-in-the-middle": (PLAIN, met_in_the_middle, "The first 19 frames, with look-up, handshake, greeting and login, are cut away."),
    "one-sided-server-alone": (PLAIN, server_alone, "Only the server's frames are left."),
    "one-sided-tls-server-alone": (TLS, server_alone, "Only the server's frames are left."),
    "success-captured-twice": (PLAIN, captured_twice, "Every frame of the session stands there twice, the copy 30 us later with a TTL one less."),
    "success-tls-captured-twice": (TLS, captured_twice, "Every frame of the session stands there twice, the copy 30 us later with a TTL one less."),
    "reset-by-client-before-the-answer": (PLAIN, left_before_the_answer, "A FIN of the client (written) stands before the answer to SELECT, a RST (written) behind it."),
    "temporarily-unavailable-bye-instead-of-answer": (PLAIN, bye_instead_of_the_answer, "In place of the answer to SELECT a BYE and FINs (written)."),
    "superseded-two-at-once": (PLAIN, two_at_once, "A second attempt of the same client (its handshake copied from the first, with another port) comes too late and is given up."),
}


def main(names):
    for name in names or CASES:
        base, derive, how = CASES[name]
        folder = os.path.join(TOP, "samples", name)
        os.makedirs(folder, exist_ok=True)
        write_pcap(os.path.join(folder, "capture.pcap"), derive(read(os.path.join(TOP, "samples", base, "capture.pcap"))))
        with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
            file.write("# %s\n\nMade by tests/lab/derive_samples.py out of the real session of samples/%s. %s\n" % (name, base, how))


if __name__ == "__main__":
    main(sys.argv[1:])
