#!/usr/bin/env python3
"""Writes the fuzz targets' seeds: make_seeds.py SAMPLES RULES FOLDER makes FOLDER/TARGET/*, each as its target reads it."""
import glob
import os
import re
import struct
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
import capture_files  # noqa: E402

MOST = 24000
LINKS = [1, 0, 9, 12, 14, 50, 101, 108, 113, 228, 229, 276, 147]  # as decode_fuzz.c has them


def frames_for_decode(packets):
    out = struct.pack(">H", LINKS.index(packets[0].link))
    for p in packets:
        out += struct.pack(">HB", len(p.data), 0) + p.data
        if len(out) > MOST:
            break
    return out


def pieces_for_dissector(pieces):
    """A byte says whose (odd: the server's), two its length; the first byte is no mid-stream."""
    out = b"\0"
    for server, payload, _ in pieces:
        out += struct.pack(">BH", 1 if server else 0, len(payload)) + payload
        if len(out) > MOST:
            break
    return out


def script_for_tcp(packets):
    """The tracker's own short form: kind, more, flags, low bytes of the sequence numbers, length."""
    out, client = b"", None
    for p in packets[:60]:
        s = capture_files.segment_of(p)
        if s:
            client = client or s.source
            out += bytes([0, 1 + (s.source == client), s.flags, s.sequence & 0xff, s.acknowledgement & 0xff, len(s.payload) % 40])
    return out


def seeds_of(path):
    packets = capture_files.read(path)
    with open(path, "rb") as file:
        whole = file.read()
    if len(whole) <= 4 * MOST:
        yield "file", whole
        yield "pipeline", whole
    yield "decode", frames_for_decode(packets)
    yield "tcp", script_for_tcp(packets)
    for stream in capture_files.pieces(packets):
        if stream:
            tls = any(payload[0] == 22 for _, payload, _ in stream[:2])
            yield "tls" if tls else "imap", pieces_for_dissector(stream)
    for p in packets:
        found = capture_files.transport_of(p)
        if found and found[0] == 17 and b"\x00\x35" in (found[3][:2], found[3][2:4]):
            yield "dns", found[3][8:]


def scripts_for_decryption():
    """As decrypt_fuzz.c reads them: a byte of what (bit 0: the server), two of a length, a content."""
    def act(what, server, content=b""):
        return struct.pack(">BH", what << 1 | server, len(content)) + content
    data, handshake, gap, flip, epoch = 0, 2 | 16, 4, 5, 6
    finished = b"\x14\0\0\x20" + bytes(32)
    flight = act(handshake, 1, b"\x08\0\0\x02\0\0") + act(handshake, 1, finished) + act(epoch, 1)
    flight += act(handshake, 0, finished) + act(epoch, 0)
    talk = act(data, 1, b"* OK ready\r\n") + act(data, 0, b"a1 LOGIN a b\r\n") + act(data, 1, b"a1 NO\r\n" * 50)
    update = act(handshake, 1, b"\x18\0\0\1\0") + act(epoch, 1)
    for how in range(4):
        begin = bytes([how]) + (flight if how & 1 else b"")
        yield begin + talk
        yield begin + talk + act(gap, 1, b"x" * 30) + talk
        yield begin + talk + act(flip, 0) + talk
        yield begin + talk + update + talk + update + talk


def conditions(text):
    for match in re.finditer(r"^  when: >-\n((?:    .*\n?)+)", text, re.M):
        yield " ".join(match.group(1).split()).encode() + b"\0" + bytes(range(0, 250, 7))


def main(samples, rules, folder):
    counts = {}

    def put(target, seed):
        counts[target] = counts.get(target, 0) + 1
        os.makedirs(os.path.join(folder, target), exist_ok=True)
        with open(os.path.join(folder, target, "%04d" % counts[target]), "wb") as file:
            file.write(seed)
    for path in sorted(glob.glob(os.path.join(samples, "*", "capture.*"))):
        for target, seed in seeds_of(path):
            put(target, seed)
    for seed in scripts_for_decryption():
        put("decrypt", seed)
    for path in sorted(glob.glob(os.path.join(rules, "verdicts", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            text = file.read()
        for seed in conditions(text):
            put("expression", seed)
        put("rules", b"\0" + text.encode())
    for data, name in enumerate(("server-texts", "interception-issuers", "advice", "providers"), 1):
        with open(os.path.join(rules, name + ".yaml"), "rb") as file:
            put("rules", bytes([data]) + file.read()[:MOST])


if __name__ == "__main__":
    main(*sys.argv[1:])
