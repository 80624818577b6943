"""The resolver of a set: answers A and AAAA from a file that is read again at every question, over UDP and TCP.

    resolver.py ADDRESS ZONE.json

ZONE is {"names": {NAME: [ADDRESS]}, "fault": null | "nxdomain" | "servfail" | "refused" | "empty" | "silent" | "truncated" (over UDP) |
"loop" (aliases in a ring) | "dangling" (an alias of a name that there is not), "fault_type": "A" or "AAAA" to meet one record type only,
"fault_net": how the addresses of those begin that it meets, "fault_first": so many questions meet it, "delay": seconds}.
"""
import ipaddress
import json
import socket
import struct
import sys
import threading
import time

TYPES = {1: 4, 28: 6}
CODES = {"servfail": 2, "nxdomain": 3, "refused": 5, "empty": 0, "dangling": 3, "truncated": 0, "loop": 0}
ALIAS = 5
TRUNCATED = 0x0200
met = [0]    # how many questions met the fault


def question(packet):
    """(name, type, end of the question) of a query."""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0], at + 5


def fault_of(zone, kind, peer, stream):
    fault = zone.get("fault") if peer.startswith(zone.get("fault_net", "")) else None
    if fault and zone.get("fault_type") and {1: "A", 28: "AAAA"}.get(kind) != zone["fault_type"]:
        return None
    if fault == "truncated" and stream:
        return None
    if fault and "fault_first" in zone:
        met[0] += 1
        return fault if met[0] <= zone["fault_first"] else None
    return fault


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode() for label in name.split(".")) + b"\0"


def record(owner, kind, data):
    return owner + struct.pack("!HHIH", kind, 1, 300, len(data)) + data


def aliases(name, fault):
    """A ring of two names, or one alias that leads nowhere."""
    asked, other = b"\xc0\x0c", wire_name("cluster." + name)
    return [record(asked, ALIAS, other)] + ([record(other, ALIAS, wire_name(name))] if fault == "loop" else [])


def answer(packet, zone, peer, stream=False):
    name, kind, end = question(packet)
    fault = fault_of(zone, kind, peer, stream)
    if fault == "silent":
        return None
    records, code, flags = [], CODES.get(fault, 0), 0x8180
    if fault in ("loop", "dangling"):
        records = aliases(name, fault)
    elif fault == "truncated":
        flags |= TRUNCATED
    elif not fault:
        code = 0 if name in zone["names"] else 3
        found = [ipaddress.ip_address(a) for a in zone["names"].get(name, ()) if ipaddress.ip_address(a).version == TYPES.get(kind)]
        records = [record(b"\xc0\x0c", kind, one.packed) for one in found]
    head = packet[:2] + struct.pack("!HHHHH", flags | code, 1, len(records), 0, 0)
    return head + packet[12:end] + b"".join(records)


def zone_now():
    with open(sys.argv[2]) as text:
        return json.load(text)


def over_tcp():
    listener = socket.create_server((sys.argv[1], 53))
    while True:
        conn, peer = listener.accept()
        with conn, conn.makefile("rb") as questions:
            while head := questions.read(2):
                reply = answer(questions.read(struct.unpack("!H", head)[0]), zone_now(), peer[0], stream=True)
                if reply:
                    conn.sendall(struct.pack("!H", len(reply)) + reply)


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    threading.Thread(target=over_tcp, daemon=True).start()
    while True:
        packet, peer = s.recvfrom(4096)
        zone = zone_now()
        try:
            reply = answer(packet, zone, peer[0])
        except (IndexError, struct.error):
            continue
        if reply:
            time.sleep(zone.get("delay", 0))
            s.sendto(reply, peer)


if __name__ == "__main__":
    main()
