#!/usr/bin/env python3
"""Nothing is allocated per packet: a session ten times as long costs not one allocation more."""
import os
import struct
import subprocess
import tempfile
import unittest

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
    """One plain IMAP session as a pcap file's records."""
    def __init__(self):
        self.out, self.now, self.sent = [struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)], 1_700_000_000_000_000, {CLIENT: 1000, SERVER: 5000}

    def send(self, end, data=b"", flags=ACK):
        peer = SERVER if end == CLIENT else CLIENT
        ack = self.sent[peer] if flags & ACK else 0
        tcp = struct.pack(">HHIIBBHHH", end[1], peer[1], self.sent[end], ack, 0x50, flags, 65000, 0, 0) + data
        address = [bytes(map(int, e[0].split("."))) for e in (end, peer)]
        ip = struct.pack(">BBHHHBBH4s4s", 0x45, 0, 20 + len(tcp), len(self.out) & 0xFFFF, 0x4000, 64, 6, 0, *address) + tcp
        self.now += 1000
        self.out.append(struct.pack("<IIII", self.now // 10**6, self.now % 10**6, len(ip), len(ip)) + ip)
        self.sent[end] += len(data) + bool(flags & (SYN | FIN))

    def talk(self, rounds):
        self.send(CLIENT, flags=SYN)
        self.send(SERVER, flags=SYN | ACK)
        self.send(CLIENT)
        self.send(SERVER, b"* OK ready\r\n")
        for n, (asked, told) in enumerate([(b"LOGIN u p", b""), (b"SELECT INBOX", b"* 9 EXISTS\r\n")] + [(b"NOOP", b"* 10 EXISTS\r\n" * 20)] * rounds):
            tag = b"a%d" % (n % 10)
            self.send(CLIENT, tag + b" " + asked + b"\r\n")
            self.send(SERVER, told + tag + b" OK done\r\n")
        self.send(CLIENT, b"z LOGOUT\r\n")
        self.send(SERVER, b"* BYE\r\nz OK\r\n")
        for end in (SERVER, CLIENT):
            self.send(end, flags=FIN | ACK)
        self.send(SERVER)
        return b"".join(self.out)


class Allocations(unittest.TestCase):
    def counted(self, folder, rounds):
        capture, told = os.path.join(folder, "%d.pcap" % rounds), os.path.join(folder, "count")
        with open(capture, "wb") as f:
            f.write(Session().talk(rounds))
        done = subprocess.run([TOOL, "-o", "json", capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env=dict(os.environ, LD_PRELOAD=os.path.join(folder, "count.so"), ALLOCATIONS_TO=told))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(b'"success"', done.stdout)
        with open(told) as f:
            return int(f.read())

    def test_no_allocation_for_each_packet(self):
        with tempfile.TemporaryDirectory() as folder:
            with open(os.path.join(folder, "count.c"), "w") as f:
                f.write(COUNTER)
            made = subprocess.run(["cc", "-shared", "-fPIC", "-o", os.path.join(folder, "count.so"), os.path.join(folder, "count.c")])
            if made.returncode:
                self.skipTest("no compiler for the counter")
            few, many = self.counted(folder, 200), self.counted(folder, 2000)
            self.assertEqual(few, many, "3,600 packets more, another number of allocations")


if __name__ == "__main__":
    unittest.main()
