"""Many devices of one network, one thread each: client_crowd.py JOB.json (see clients.py).

Each device has an address of its own (`addresses`), asks the resolver itself, and logs in with Python's imaplib, in turn as one of `accounts`
([user, password]). More keys: "sessions_each" and "gap" (so many sessions, seconds between them), "spread" (seconds over which the devices begin),
"think" (seconds before the end), "first_port" (local ports count up from there), "trust" (a file of the lab's authorities, in place of the one
that its servers' certificates are of).
"""
import imaplib
import json
import os
import random
import socket
import ssl
import struct
import sys
import threading
import time

with open(sys.argv[1]) as text:
    job = json.load(text)


def question(name, number):
    labels = b"".join(bytes([len(label)]) + label.encode() for label in name.split("."))
    return struct.pack("!HHHHHH", number, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


def resolver():
    with open("/etc/resolv.conf") as lines:
        return next(line.split()[1] for line in lines if line.startswith("nameserver"))


def looked_up(own, name):
    """As resolv.conf(5) has it here: two attempts of two seconds, from the device's own address."""
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((own, 0))
    s.settimeout(2)
    packet = question(name, random.getrandbits(16))
    for _ in range(2):
        s.sendto(packet, (resolver(), 53))
        try:
            reply = s.recv(4096)
        except socket.timeout:
            continue
        count = struct.unpack("!H", reply[6:8])[0]
        if not count:
            raise OSError("the resolver says %d" % (reply[3] & 15))
        return socket.inet_ntoa(reply[len(packet) + 12:len(packet) + 16])
    raise OSError("the resolver is silent")


class Device(imaplib.IMAP4):
    """imaplib, from an address of its own."""

    def __init__(self, own, far):
        self.own, self.far = own, far  # address and port; address
        super().__init__(job["host"], job["port"], timeout=job["seconds"])

    def _create_socket(self, timeout):
        s = socket.create_connection((self.far, job["port"]), timeout, self.own)
        return trusting().wrap_socket(s, server_hostname=job["host"]) if job["tls"] == "implicit" else s


def trusting():
    return ssl.create_default_context(cafile=os.path.join(os.path.dirname(job["ca"]), job.get("trust", "ca.pem")))


def one_session(own, port, user, password):
    box = Device((own, port), looked_up(own, job["host"]))
    if job["tls"] == "starttls":
        box.starttls(trusting())
    try:
        box.login(user, password)
        if job["op"] != "check":
            box.select("INBOX", readonly=True)
            box.fetch("1:*", "(FLAGS)")
    except imaplib.IMAP4.abort:
        raise
    except imaplib.IMAP4.error as error:
        print(own, "refused:", error, flush=True)
    time.sleep(job.get("think", 0))
    box.logout()


def device(number, own):
    user, password = job["accounts"][number % len(job["accounts"])]
    time.sleep(job.get("spread", 2) * number / len(job["addresses"]))
    for k in range(job.get("sessions_each", 1)):
        if k:
            time.sleep(job.get("gap", 1))
        try:
            one_session(own, job["first_port"] + k, user, password)
        except (OSError, imaplib.IMAP4.error) as error:
            print(own, "failed:", error, flush=True)


threads = [threading.Thread(target=device, args=pair) for pair in enumerate(job["addresses"])]
for t in threads:
    t.start()
for t in threads:
    t.join()
