#!/usr/bin/env python3
"""Makes a sample of each tampering pattern that the field's papers tell (Weaver, Sommer, Paxson, NDSS 2009; the signatures of SIGCOMM 2023), in the reset lab.

reset_samples.py [NAME...] writes samples/NAME/capture.pcap and README.md; `make samples-accept CASES=NAME` then writes what is reported, to be read."""
import os
import random
import socket
import struct
import sys

from reset_box import ACK, RST, Box, Packet
from reset_net import CLIENT, alone
from resets import run_case, write_pcap
from stacks import checksum

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BOTH = RST | ACK
# The box stands nearer than the server and has a lifetime of its own, as all boxes of those papers.
BOX = dict(target="both", flags=[RST], count=1, step=0, ack="right", ip_id="random", window=0, ttl=64, swallow=False, hops=3)


def pattern(trigger, says, beside=False, **forge):
    return {"trigger": trigger, "says": says, "beside": beside, "forge": dict(BOX, **forge)}


PATTERNS = {
    "reset-injected-after-syn": pattern("syn", "a RST+ACK answers the SYN before the server's SYN-ACK; another client was served just before", True, flags=[BOTH]),
    "reset-injected-after-ack-rst": pattern("ack", "a RST right after the handshake"),
    "reset-injected-after-ack-two-rsts": pattern("ack", "two RSTs right after the handshake", count=2, step=1460),
    "reset-injected-after-ack-rst-ack": pattern("ack", "a RST+ACK right after the handshake", flags=[BOTH]),
    "reset-injected-after-ack-two-rst-acks": pattern("ack", "two RST+ACKs right after the handshake", flags=[BOTH], count=2),
    "reset-injected-after-data-rst": pattern("first", "a RST right after the first payload"),
    "reset-injected-after-data-rst-ack": pattern("first", "a RST+ACK right after the first payload", flags=[BOTH]),
    "reset-injected-after-data-mixed": pattern("first", "a RST, then a RST+ACK right after the first payload", flags=[RST, BOTH], count=2),
    "reset-injected-after-data-two-rst-acks": pattern("first", "two RST+ACKs right after the first payload, the second one guessing ahead", flags=[BOTH], count=2, step=1460),
    "reset-injected-after-data-zero-ack": pattern("first", "two RST+ACKs right after the first payload, one of which acknowledges 0", flags=[BOTH], count=2, ack=["right", "zero"]),
    "reset-injected-after-data-differing-acks": pattern("first", "two RST+ACKs right after the first payload that acknowledge different bytes", flags=[BOTH], count=2, ack=["right", "other"]),
    "reset-injected-later-rst": pattern("later", "a RST after more payload"),
    "reset-injected-later-rst-ack": pattern("later", "a RST+ACK after more payload", flags=[BOTH]),
    "content-dropped-data-then-silence": pattern("first", "no reset at all: from the first payload on everything of the client is swallowed, while another client is served", True, target="nobody", swallow=True, silence=True),
}


def case_of(p, tampered):
    case = dict(end="normal", stage="session", behind="plain", place="far", delay=0.012, near=0.3, hops_near=2, hops_far=8, timestamps=True, server_ttl=64)
    case.update(client_stack="linux", server_stack="linux", shape_seed=1)
    if tampered:
        case.update(trigger=p["trigger"], forge=p["forge"], patience=8 if p["forge"].get("silence") else 0.6)
    return case


def stage(box, p):
    """The tampered session; where another one must be served beside it, that one comes first, or follows where silence needs it later."""
    random.seed(1)
    frames = run_case(box, case_of(p, True), 41000) if not p["beside"] or p["forge"].get("silence") else []
    if p["beside"]:
        served = run_case(box, case_of(p, False), 41002)
        frames += [(at, moved(data)) for at, data in served]
        if not p["forge"].get("silence"):
            frames += run_case(box, case_of(p, True), 41000)
    return frames


def moved(data):
    """The same packet of a neighbour's address: the lab has one client."""
    packet = Packet(data)
    for place in (12, 16):
        if bytes(packet.ip[place:place + 4]) == socket.inet_aton(CLIENT):
            packet.ip[place + 3] += 1
    tcp = packet.ip[packet.head:]
    tcp[16:18] = b"\0\0"
    tcp[16:18] = struct.pack("!H", checksum(bytes(packet.ip[12:20]) + struct.pack("!BBH", 0, 6, len(tcp)) + bytes(tcp)))
    packet.ip[packet.head:] = tcp
    return bytes(packet.hop(0).ip)


def main(names):
    box = Box()
    with alone():
        box.start()
        for name in names or PATTERNS:
            folder = os.path.join(TOP, "samples", name)
            os.makedirs(folder, exist_ok=True)
            write_pcap(os.path.join(folder, "capture.pcap"), stage(box, PATTERNS[name]))
            with open(os.path.join(folder, "README.md"), "w", encoding="utf-8") as file:
                file.write("# %s\n\nStaged by tests/lab/reset_samples.py between real Linux stacks in network namespaces; a box on the way, five hops nearer than the server, tampers: %s.\n" % (name, PATTERNS[name]["says"]))
        box.stop = True


if __name__ == "__main__":
    main(sys.argv[1:])
