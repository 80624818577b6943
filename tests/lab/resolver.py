"""The resolver of a set: answers A and AAAA from a file that is read again at every question.

    resolver.py ADDRESS ZONE.json

ZONE is {"names": {NAME: [ADDRESS]}, "fault": null | "nxdomain" | "servfail" | "refused" | "empty" | "silent",
"fault_type": "A" or "AAAA" to meet one record type only, "fault_net": how the addresses of those begin that it meets, "delay": seconds}.
"""
import ipaddress
import json
import socket
import struct
import sys
import time

TYPES = {1: 4, 28: 6}
CODES = {"servfail": 2, "nxdomain": 3, "refused": 5, "empty": 0}


def question(packet):
    """(name, type, end of the question) of a query."""
    at, labels = 12, []
    while packet[at]:
        labels.append(packet[at + 1:at + 1 + packet[at]].decode("ascii", "replace"))
        at += 1 + packet[at]
    return ".".join(labels).lower(), struct.unpack("!H", packet[at + 1:at + 3])[0], at + 5


def answer(packet, zone, peer):
    name, kind, end = question(packet)
    fault = zone.get("fault") if peer.startswith(zone.get("fault_net", "")) else None
    if fault and zone.get("fault_type") and {1: "A", 28: "AAAA"}.get(kind) != zone["fault_type"]:
        fault = None
    if fault == "silent":
        return None
    records, code = [], CODES.get(fault, 0)
    if not fault:
        code = 0 if name in zone["names"] else 3
        records = [ipaddress.ip_address(a) for a in zone["names"].get(name, ()) if ipaddress.ip_address(a).version == TYPES.get(kind)]
    head = packet[:2] + struct.pack("!HHHHH", 0x8180 | code, 1, len(records), 0, 0)
    tail = b"".join(b"\xc0\x0c" + struct.pack("!HHIH", kind, 1, 300, len(r.packed)) + r.packed for r in records)
    return head + packet[12:end] + tail


def main():
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((sys.argv[1], 53))
    while True:
        packet, peer = s.recvfrom(4096)
        with open(sys.argv[2]) as text:
            zone = json.load(text)
        try:
            reply = answer(packet, zone, peer[0])
        except (IndexError, struct.error):
            continue
        if reply:
            time.sleep(zone.get("delay", 0))
            s.sendto(reply, peer)


if __name__ == "__main__":
    main()
