#!/usr/bin/env python3
"""What captures show that are cut, one-sided or met late must not become a fault of somebody; and connections, frame numbers and
fingerprints are those that tshark finds."""
import ipaddress
import os
import shutil
import struct
import subprocess
import tempfile
import unittest

import common
from made import CLIENT, SERVER, Conversation, write_pcap


def sessions(path):
    return common.sessions(common.documents(path))


def cut_to(path, snap):
    """The same capture as a snap length of so many bytes leaves it."""
    with open(path, "rb") as f:
        data, at = f.read(), 24
    out = [data[:24]]
    while at < len(data):
        seconds, micros, captured, wire = struct.unpack("<IIII", data[at:at + 16])
        frame = data[at + 16:at + 16 + captured][:snap]
        out.append(struct.pack("<IIII", seconds, micros, len(frame), wire) + frame)
        at += 16 + captured
    with open(path, "wb") as f:
        f.write(b"".join(out))


def asks(time, number, kind, answer=None, address="10.1.4.23"):
    """A frame that asks the resolver for imap.example.org, or with a response code the answer."""
    name = b"".join(bytes([len(part)]) + part for part in (b"imap", b"example", b"org")) + b"\0"
    dns = struct.pack(">HHHHHH", number, 0x0100 if answer is None else 0x8180 | answer, 1, 0, 0, 0) + name + struct.pack(">HH", kind, 1)
    ports, ends = [40000 + number, 53], [ipaddress.ip_address(address).packed, ipaddress.ip_address("10.1.4.1").packed]
    if answer is not None:
        ports.reverse()
        ends.reverse()
    udp = struct.pack(">HHHH", ports[0], ports[1], 8 + len(dns), 0) + dns
    ip = struct.pack(">BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + ends[0] + ends[1]
    return (1700000000.0 + time, b"\x02\0\0\0\0\1\x02\0\0\0\0\2\x08\0" + ip + udp)


A, AAAA, REFUSED = 1, 28, 5


class Made(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.path = os.path.join(self.folder.name, "made.pcap")

    def tearDown(self):
        self.folder.cleanup()

    def one(self, *conversations, **kinds):
        write_pcap(self.path, *conversations)
        if "snap" in kinds:
            cut_to(self.path, kinds["snap"])
        found = sessions(self.path)
        self.assertEqual(len(found), 1)
        return found[0]

    def verdict(self, *conversations, **kinds):
        verdict = self.one(*conversations, **kinds)["imapwhy"]["verdict"]
        return "%s.%s" % (verdict["class"], verdict["mechanism"])

    def test_first_and_last_frame(self):
        talk = Conversation().healthy()
        capture = self.one(talk)["imapwhy"]["capture"]
        self.assertEqual((capture["first_frame"], capture["last_frame"]), (1, len(talk.frames)))

    def test_headers_alone_show_no_missing_greeting(self):
        talk = Conversation().open().says(SERVER, "* OK [CAPABILITY IMAP4rev1] ready\r\n").says(CLIENT, "a LOGIN u p\r\n")
        talk.packet(SERVER, 0x10).says(CLIENT, "b NOOP\r\n", wait=80).packet(SERVER, 0x10)
        self.assertEqual(self.verdict(talk, snap=54), "inconclusive.truncated")

    def test_headers_alone_show_no_silent_server(self):
        talk = Conversation().open().says(SERVER, "* BYE down for repair\r\n").packet(SERVER, 0x11).packet(CLIENT, 0x11).packet(SERVER, 0x10)
        self.assertEqual(self.verdict(talk, snap=54), "inconclusive.truncated")

    def test_the_clients_half_alone_shows_no_silent_server(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a CAPABILITY\r\n").says(SERVER, "a OK done\r\n")
        talk.packet(CLIENT, 0x10).says(CLIENT, "b LOGOUT\r\n", wait=90).says(SERVER, "* BYE\r\nb OK\r\n").close()
        talk.frames = [f for f in talk.frames if f[1][26:30] == bytes([10, 1, 4, 23])]
        self.assertEqual(self.verdict(talk), "inconclusive.one_sided")

    def test_answers_lost_with_the_greeting_are_not_owed(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a CAPABILITY\r\n").says(SERVER, "a OK done\r\n")
        talk.packet(CLIENT, 0x10).says(CLIENT, "b LOGIN u p\r\n").packet(SERVER, 0x10).packet(CLIENT, 0x11, wait=20)
        talk.frames = [f for f in talk.frames if b"OK" not in f[1]]
        self.assertEqual(self.verdict(talk), "inconclusive.capture_loss")

    def test_an_answer_behind_a_lost_one_is_read(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a CAPABILITY\r\n")
        talk.says(SERVER, "* CAPABILITY IMAP4rev1\r\na OK done\r\n").says(CLIENT, "b LOGIN u p\r\n")
        talk.says(SERVER, "b OK [CAPABILITY IMAP4rev1] in\r\n").close()
        talk.frames = [f for f in talk.frames if b"ready" not in f[1] and b"done" not in f[1]]
        self.assertEqual(self.verdict(talk), "none.success")

    def test_what_comes_in_idle_is_no_greeting(self):
        talk = Conversation().says(SERVER, "* OK Still here\r\n").packet(CLIENT, 0x10).says(CLIENT, "DONE\r\n")
        talk.says(SERVER, "x OK Idle completed.\r\n").says(CLIENT, "y NOOP\r\n").says(SERVER, "y OK done\r\n").close()
        self.assertNotIn("greeting", self.one(talk)["imapwhy"].get("imap", {}))

    def test_a_greeting_that_takes_long_is_slow(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n", wait=8).says(CLIENT, "a LOGIN u p\r\n").says(SERVER, "a OK in\r\n")
        talk.says(CLIENT, "b SELECT INBOX\r\n").says(SERVER, "b OK done\r\n").says(CLIENT, "c LOGOUT\r\n").says(SERVER, "* BYE\r\nc OK\r\n").close()
        self.assertEqual(self.verdict(talk), "degraded.slow_server")

    def test_a_greeting_of_no_or_bad_is_a_bye(self):
        for word in ("BAD", "NO"):
            talk = Conversation().open().says(SERVER, "* %s internal server error\r\n" % word).says(CLIENT, "a LOGOUT\r\n").close(SERVER)
            self.assertEqual(self.verdict(talk), "server_refusal.temporarily_unavailable")

    def test_a_token_refused_by_challenge_needs_no_tagged_answer(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a AUTHENTICATE XOAUTH2 dXNlcj1hAWF1dGg9QmVhcmVyIGIBAQ==\r\n")
        talk.says(SERVER, "+ eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIn0=\r\n").close()
        self.assertEqual(self.verdict(talk), "auth_failure.oauth_token_rejected")

    def test_nothing_is_owed_that_is_asked_after_bye(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a LOGIN u p\r\n").says(SERVER, "a OK in\r\n")
        talk.says(SERVER, "* BYE idle for too long\r\n", wait=50).packet(SERVER, 0x11).packet(CLIENT, 0x10).says(CLIENT, "b NOOP\r\n", wait=5)
        self.assertEqual(self.verdict(talk.packet(SERVER, 4)), "server_refusal.autologout")

    def test_an_answer_that_meets_nobody_is_none(self):
        for command, mechanism in (("LOGIN u p", "auth_timeout"), ("SELECT INBOX", "command_timeout")):
            talk = Conversation().open().says(SERVER, "* OK ready\r\n")
            if mechanism == "command_timeout":
                talk.says(CLIENT, "a LOGIN u p\r\n").says(SERVER, "a OK in\r\n")
            talk.says(CLIENT, "b %s\r\n" % command).packet(SERVER, 0x10).packet(CLIENT, 0x11, wait=7).packet(SERVER, 0x10)
            talk.says(SERVER, "b OK done\r\n", wait=3).packet(CLIENT, 4)
            write_pcap(self.path, talk)
            found = sessions(self.path)
            self.assertEqual({d["imapwhy"]["verdict"]["mechanism"] for d in found}, {mechanism})

    def test_imap_words_answered_by_a_tls_alert(self):
        talk = Conversation().open().says(CLIENT, "a CAPABILITY\r\n").says(SERVER, b"\x15\x03\x03\x00\x02\x02\x0a").close(SERVER)
        self.assertEqual(self.verdict(talk), "misconfiguration.plaintext_to_tls_port")

    def test_imap_spoken_to_the_ports_of_others(self):
        for port, greeting, answer in ((110, "+OK ready", "-ERR unknown command"), (587, "220 mail.example ESMTP Postfix", "502 5.5.2 no such command")):
            talk = Conversation(port=port).open().says(SERVER, greeting + "\r\n").says(CLIENT, "a1 CAPABILITY\r\n").says(SERVER, answer + "\r\n").close()
            self.assertEqual(self.verdict(talk), "misconfiguration.wrong_service")

    def looked_up(self, *frames):
        talk = Conversation(start=1700000060.0).healthy()
        talk.frames = list(frames) + talk.frames
        write_pcap(self.path, talk)
        return [d["imapwhy"]["verdict"]["mechanism"] for d in sessions(self.path) if d["imapwhy"]["verdict"]["stage"] == "resolve"]

    def test_a_look_up_whose_answer_was_not_captured_is_no_failure(self):
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(0, 2, AAAA), asks(0.1, 2, AAAA, REFUSED)), [])
        self.assertEqual(self.looked_up(asks(0, 2, AAAA), asks(0.1, 2, AAAA, REFUSED)), [])
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(0, 2, AAAA)), [])

    def test_a_look_up_that_is_refused_or_asked_in_vain_is_one(self):
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(0.1, 1, A, REFUSED)), ["refused"])
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(0.1, 1, A, REFUSED), asks(0.2, 2, AAAA), asks(0.3, 2, AAAA, REFUSED)), ["refused"])
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(5, 1, A)), ["dns_timeout"])
        self.assertEqual(self.looked_up(asks(0, 1, A), asks(0, 2, AAAA), asks(0.1, 2, AAAA, REFUSED), asks(5, 1, A)), ["refused"])

    def test_a_reset_acknowledges_what_its_sender_got(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").packet(CLIENT, 0x14)
        self.assertEqual(self.verdict(talk), "none.probe")

    def test_what_was_not_acknowledged_is_no_silence_of_the_server(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a LOGIN u p\r\n")
        talk.next[CLIENT] -= len("a LOGIN u p\r\n")
        talk.says(CLIENT, "a LOGIN u p\r\n", wait=40)
        other = Conversation(client_port=51900, start=1700000200.0).healthy()
        write_pcap(self.path, talk, other)
        first = [d for d in sessions(self.path) if d["source"]["port"] == 51812][0]
        self.assertEqual(first["imapwhy"]["verdict"]["outcome"], "inconclusive")

    def test_a_command_acknowledged_before_another_went_astray_is_owed(self):
        talk = Conversation().open().says(SERVER, "* OK ready\r\n").says(CLIENT, "a LOGIN u p\r\n").packet(SERVER, 0x10)
        talk.says(CLIENT, "b LOGOUT\r\n", wait=70)
        self.assertEqual(self.verdict(talk), "timeout.auth_timeout")

    def test_login_refused_counts_before_commands_that_need_one(self):
        talk = Conversation().open().says(SERVER, "* OK ready " + "." * 200 + "\r\n").says(CLIENT, "a LOGIN u p\r\n")
        talk.says(SERVER, "a NO Too many open connections\r\n").says(CLIENT, "b SELECT INBOX\r\n").says(SERVER, "b BAD Please login first\r\n").close()
        self.assertNotEqual(self.verdict(talk, snap=150), "misconfiguration.client_protocol_error")


# Captures of other people's traffic: plain and TLS, in mid-stream, one direction alone, captured twice, inside a tunnel.
OTHERS = ("OISF+suricata-verify+imap-detection__input.pcap", "OISF+suricata-verify+tcp-async-01__input.pcap", "bro+bro+telesec.pcap",
          "chunhuitrue+protolens+imap_append.pcap", "ntop+nDPI+6in4tunnel.pcap", "ntop+nDPI+imaps.pcap", "zeek+zeek+imap-starttls.pcap",
          "odedshimon+BruteShark+IMAP_-_Login__Plaintext__3.pcap")
FIELDS = ("tcp.stream", "frame.number", "ip.src", "ipv6.src", "tcp.srcport", "tcp.dstport", "tcp.len", "tls.handshake.extensions_server_name",
          "tls.handshake.ja3")


def dissected(path):
    """What tshark says of each TCP stream on a mail port: {stream: [row]}, innermost headers."""
    command = ["tshark", "-n", "-r", path, "-Y", "(tcp.port == 143 || tcp.port == 993) && !icmpv6", "-T", "fields", "-E", "occurrence=l"]
    for field in FIELDS:
        command += ["-e", field]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=60).stdout.decode()
    streams = {}
    for line in out.splitlines():
        row = dict(zip(FIELDS, line.split("\t")))
        streams.setdefault(row["tcp.stream"], []).append(row)
    return streams


class Tshark(unittest.TestCase):
    """Both read the same connections, first frames, names and fingerprints from captures that nobody here made."""


def compare(name):
    def test(self):
        path = os.path.join(common.CAPTURES, "public", name)
        if not shutil.which("tshark"):
            self.skipTest("tshark is not installed")
        if not os.path.exists(path):
            self.skipTest("the public captures are not here")
        found = {}
        for d in sessions(path):
            found.setdefault(d["source"]["port"], d)
        for rows in dissected(path).values():
            data = [r for r in rows if r["tcp.len"] not in ("", "0")]
            if not data:
                continue
            first = rows[0]
            client = first["tcp.dstport"] if first["tcp.srcport"] in ("143", "993") else first["tcp.srcport"]
            self.assertIn(int(client), found)
            session = found[int(client)]
            self.assertIn(first["ipv6.src"] or first["ip.src"], (session["source"]["ip"], session["destination"]["ip"]))
            self.assertEqual(session["imapwhy"]["capture"]["first_frame"], int(first["frame.number"]))
            self.assertEqual(session["imapwhy"]["capture"]["last_frame"], int(rows[-1]["frame.number"]))
            hello = [r for r in rows if r["tls.handshake.ja3"]]
            shown = session.get("tls", {}).get("client", {})
            self.assertEqual(shown.get("ja3"), hello[0]["tls.handshake.ja3"] if hello else None)
            self.assertEqual(shown.get("server_name", ""), hello[0]["tls.handshake.extensions_server_name"] if hello else "")
    return test


for capture in OTHERS:
    setattr(Tshark, "test_" + capture.split("+")[-1].split(".")[0], compare(capture))


if __name__ == "__main__":
    unittest.main()
