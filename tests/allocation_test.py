#!/usr/bin/env python3
"""Nothing is allocated per packet, however the packets come: a session ten times as long costs not one allocation more."""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import made  # noqa: E402
from decrypt_test import Identity, Inside, implicit  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TOOL = os.environ.get("IMAPWHY_TOOL", os.path.join(TOP, "imapwhy"))
COUNTER = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
extern void *__libc_malloc(size_t), *__libc_calloc(size_t, size_t), *__libc_realloc(void *, size_t);
static unsigned long count;
void *malloc(size_t n) { count++; return __libc_malloc(n); }
void *calloc(size_t n, size_t m) { count++; return __libc_calloc(n, m); }
void *realloc(void *p, size_t n) { count++; return __libc_realloc(p, n); }
__attribute__((destructor)) static void told(void)
{
	FILE *f = fopen(getenv("ALLOCATIONS_TO"), "w");
	if (f)
		fprintf(f, "%lu", count);
}
"""
FIN, SYN, PSH, ACK = 1, 2, 8, 16
CLIENT, SERVER = ("192.0.2.10", 50000), ("192.0.2.20", 143)


class Session:
    """One IMAP session as a pcap file's records."""
    def __init__(self, port=143):
        self.server = (SERVER[0], port)
        self.out, self.now, self.sent = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)], 1_700_000_000_000_000, {CLIENT: 1000, SERVER: 5000}

    def segment(self, end, sequence, data=b"", flags=ACK):
        here, peer = (CLIENT, SERVER) if end == CLIENT else (SERVER, CLIENT)
        ports = [self.server[1] if e == SERVER else e[1] for e in (here, peer)]
        ack = self.sent[peer] if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", ports[0], ports[1], sequence, ack, 0x50, flags, 65000, 0, 0) + data
        address = [bytes(map(int, e[0].split("."))) for e in (here, peer)]
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), len(self.out) & 0xFFFF, 0x4000, 64, 6, 0, *address) + tcp
        self.now += 1000
        self.out.append(struct.pack("<IIII", self.now // 10**6, self.now % 10**6, len(ip), len(ip)) + ip)

    def send(self, end, data=b"", flags=ACK):
        self.segment(end, self.sent[end], data, flags)
        self.sent[end] += len(data) + bool(flags & (SYN | FIN))

    def send_parts(self, end, data, cuts, order):
        """The data in parts that arrive in another order than they were sent; the other side acknowledges it at the end."""
        ends = [0] + cuts + [len(data)]
        parts = [(self.sent[end] + a, data[a:b]) for a, b in zip(ends, ends[1:])]
        for n in order:
            self.segment(end, *parts[n])
        self.sent[end] += len(data)
        self.send(SERVER if end == CLIENT else CLIENT)

    def open(self):
        self.send(CLIENT, flags=SYN)
        self.send(SERVER, flags=SYN | ACK)
        self.send(CLIENT)

    def close(self):
        for end in (SERVER, CLIENT):
            self.send(end, flags=FIN | ACK)
        self.send(SERVER)
        return b"".join(self.out)

    def talk(self, rounds, answer=None):
        self.open()
        self.send(SERVER, b"* OK ready\r\n")
        for n, (asked, told) in enumerate([(b"LOGIN u p", b""), (b"SELECT INBOX", b"* 9 EXISTS\r\n")] + [(b"NOOP", b"* 10 EXISTS\r\n" * 20)] * rounds):
            tag = b"a%d" % (n % 10)
            self.send(CLIENT, tag + b" " + asked + b"\r\n")
            whole = told + tag + b" OK done\r\n"
            if answer and len(whole) > 100:
                answer(self, whole)
            else:
                self.send(SERVER, whole)
        self.send(CLIENT, b"z LOGOUT\r\n")
        self.send(SERVER, b"* BYE\r\nz OK\r\n")
        return self.close()


def record(kind, body, version=0x0303):
    return struct.pack(">BHH", kind, version, len(body)) + body


def message(kind, body):
    return bytes([kind]) + struct.pack(">I", len(body))[1:] + body


def hellos():
    """TLS 1.2 with a ticket: no certificate is needed to be established."""
    session = b"\x20" + bytes(32)
    client = message(1, b"\3\3" + bytes(32) + session + struct.pack(">HH", 2, 0xC02F) + b"\1\0" + b"\0\0")
    server = message(2, b"\3\3" + bytes(32) + session + struct.pack(">H", 0xC02F) + b"\0" + b"\0\0")
    return record(22, client, 0x0301), record(22, server)


def tls_talk(rounds, send):
    """A session inside TLS; send says how each round's records come."""
    s, (client, server), finished = Session(993), hellos(), record(20, b"\1") + record(22, bytes(40))
    s.open()
    s.send(CLIENT, client)
    s.send(SERVER, server + finished)
    s.send(CLIENT, finished)
    s.send(SERVER, record(23, bytes(90)))
    s.send(CLIENT, record(23, bytes(60)))
    s.send(SERVER, record(23, bytes(150)))
    for n in range(rounds):
        s.send(CLIENT, record(23, bytes(40 + n % 7)))
        send(s, record(23, bytes(1200)) + record(23, bytes(700)))
    s.send(CLIENT, record(21, bytes(26)))
    s.send(SERVER, record(21, bytes(26)))
    return s.close()


def whole(s, data):
    s.send(SERVER, data)


def cut(s, data):
    """Within a record's head, and within its body."""
    for a, b in ((0, 3), (3, 500), (500, 1207), (1207, len(data))):
        s.send(SERVER, data[a:b])


def shuffled(s, data):
    s.send_parts(SERVER, data, [len(data) // 4, len(data) // 2, len(data) - 60], [2, 0, 3, 1])


def backwards(s, data):
    s.send_parts(SERVER, data, [len(data) // 3, len(data) // 2], [2, 1, 0])


def cut_lines(s, data):
    for at in range(0, len(data), 31):
        s.send(SERVER, data[at:at + 31])


class Allocations(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory()
        cls.addClassCleanup(folder.cleanup)
        cls.folder = folder.name
        with open(os.path.join(cls.folder, "count.c"), "w") as f:
            f.write(COUNTER)
        made = subprocess.run(["cc", "-shared", "-fPIC", "-o", os.path.join(cls.folder, "count.so"), os.path.join(cls.folder, "count.c")])
        if made.returncode:
            raise unittest.SkipTest("no compiler for the counter")

    def counted(self, capture, *options):
        path, told = os.path.join(self.folder, "capture.pcap"), os.path.join(self.folder, "count")
        with open(path, "wb") as f:
            f.write(capture)
        options += (path,)
        # On one core: reading ahead on a second one takes a thread for each long file.
        done = subprocess.run([TOOL, "-o", "json", *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              preexec_fn=lambda: os.sched_setaffinity(0, {min(os.sched_getaffinity(0))}),
                              env=dict(os.environ, LD_PRELOAD=os.path.join(self.folder, "count.so"), ALLOCATIONS_TO=told))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'"success"', done.stdout)
        with open(told) as f:
            return int(f.read())

    def same(self, talk):
        few, many = self.counted(talk(200)), self.counted(talk(2000))
        self.assertEqual(few, many, "thousands of packets more, another number of allocations")

    def test_plain_in_order(self):
        self.same(lambda rounds: Session().talk(rounds))

    def test_plain_with_lines_over_segments(self):
        self.same(lambda rounds: Session().talk(rounds, cut_lines))

    def test_plain_out_of_order(self):
        self.same(lambda rounds: Session().talk(rounds, shuffled))
        self.same(lambda rounds: Session().talk(rounds, backwards))

    def test_tls_in_order(self):
        self.same(lambda rounds: tls_talk(rounds, whole))

    def test_tls_with_records_over_segments(self):
        self.same(lambda rounds: tls_talk(rounds, cut))

    def test_tls_out_of_order(self):
        self.same(lambda rounds: tls_talk(rounds, shuffled))

    def read_inside(self, rounds, identity, version, suites, mtu, log="keys"):
        """A session that is read inside TLS, or waits for keys that never come. Those that are compared show one certificate: its length counts."""
        keys, told = os.path.join(self.folder, "keys"), os.path.join(self.folder, log)
        for path in {keys, told}:
            open(path, "w").close()
        c = implicit()
        talk = Inside(c, identity, keys, version, suites, mtu)
        talk.says(made.SERVER, "* OK ready\r\n").says(made.CLIENT, "a1 LOGIN u p\r\n").says(made.SERVER, "a1 OK in\r\n")
        for _ in range(rounds):
            talk.says(made.CLIENT, "a2 NOOP\r\n").says(made.SERVER, "* 10 EXISTS\r\n" * 150 + "a2 OK done\r\n")
        talk.says(made.CLIENT, "a3 LOGOUT\r\n").says(made.SERVER, "* BYE\r\na3 OK bye\r\n")
        c.close()
        with open(made.write_pcap(os.path.join(self.folder, "made.pcap"), c), "rb") as f:
            return self.counted(f.read(), "--keylog", told)

    def least_inside(self, *what):
        """Handshakes are random, and one in a hundred takes three allocations more, however long the session is: the least of three."""
        return min(self.read_inside(*what) for _ in range(3))

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed: no certificate to talk with")
    def test_inside_tls_with_keys(self):
        # CBC is not here: libcrypto copies the state of its HMAC for each record.
        identity = Identity(self.folder)
        for version, suites in (("1.3", None), ("1.2", "ECDHE-RSA-AES128-GCM-SHA256"), ("1.2", "ECDHE-RSA-CHACHA20-POLY1305")):
            for mtu in (1400, 90):
                few, many = (self.least_inside(rounds, identity, version, suites, mtu) for rounds in (30, 300))
                self.assertEqual(few, many, (version, suites, mtu))

    @unittest.skipUnless(shutil.which("openssl"), "openssl is not installed: no certificate to talk with")
    def test_inside_tls_waiting_for_keys(self):
        identity = Identity(self.folder)
        few, many = (self.least_inside(rounds, identity, "1.3", None, 1400, "empty") for rounds in (30, 300))
        self.assertEqual(few, many)


if __name__ == "__main__":
    unittest.main()
