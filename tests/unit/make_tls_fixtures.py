#!/usr/bin/env python3
"""Makes tests/unit/tls_fixtures.h: real handshakes of OpenSSL with itself (Python's ssl), as the pieces each side wrote.

Run by hand when a case is to be added; the keys are new each time, so the header changes as a whole and the fingerprints and
sizes in tls_test.c are to be looked at again.  Usage: make_tls_fixtures.py > tls_fixtures.h
"""
import os, ssl, subprocess, tempfile, time

DIR = tempfile.mkdtemp()


def path(name):
    return os.path.join(DIR, name)


def certificate(name, subject, san, days=3650, ca=None):
    run = lambda *a: subprocess.run(a, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    run("openssl", "ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", path(name + ".key"))
    ext = ["-addext", "subjectAltName=" + san] if san else []
    run("openssl", "req", "-new", "-key", path(name + ".key"), "-subj", subject, "-utf8", "-out", path(name + ".csr"), *ext)
    signer = ["-CA", path(ca + ".pem"), "-CAkey", path(ca + ".key"), "-CAcreateserial"] if ca else ["-key", path(name + ".key")]
    run("openssl", "x509", "-req", "-in", path(name + ".csr"), "-copy_extensions", "copy", "-days", str(days),
        "-out", path(name + ".pem"), *signer)


class Talk:
    """A client and a server in memory; logs what each writes, with made-up milliseconds."""

    def __init__(self, server, client, name="imap.example.test", session=None):
        self.pieces, self.ms = [], 0
        self.bio = [ssl.MemoryBIO() for _ in range(4)]
        self.client = client.wrap_bio(self.bio[0], self.bio[1], server_hostname=name, session=session)
        self.server = server.wrap_bio(self.bio[2], self.bio[3], server_side=True)
        self.fine = True

    def move(self, ms=10):
        moved = False
        for side, out, into in ((0, self.bio[1], self.bio[2]), (1, self.bio[3], self.bio[0])):
            data = out.read()
            if data:
                self.ms += ms
                self.pieces.append((side, self.ms, data))
                into.write(data)
                moved = True
        return moved

    def handshake(self):
        left = [self.client, self.server]
        for _ in range(20):
            for end in list(left):
                try:
                    end.do_handshake()
                    left.remove(end)
                except ssl.SSLWantReadError:
                    pass
                except ssl.SSLError:
                    self.fine = False
                    left.remove(end)
                self.move()
        return self

    def say(self, who, data, wait=0):
        self.ms += wait
        who.write(data)
        self.move()
        for end in (self.client, self.server):
            try:
                while end.read(65536):
                    pass
            except ssl.SSLError:
                pass
        self.move()
        return self

    def dialogue(self):
        if self.fine:
            self.say(self.server, b"* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n", 100)
            self.say(self.client, b"a1 LOGIN joe secret\r\n", 500)
            self.say(self.server, b"a1 OK logged in\r\n", 2000)
            self.say(self.client, b"a2 FETCH 1 BODY[]\r\n")
            self.say(self.server, b"x" * 18000 + b"\r\na2 OK\r\n")
        return self

    def close(self):
        for end in (self.client, self.server):
            try:
                end.unwrap()
            except ssl.SSLError:
                pass
            self.move()
        return self


def contexts(version, cert="leaf", trust="ca"):
    s, c = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER), ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    s.load_cert_chain(path(cert + ".pem"), path(cert + ".key"))
    for x in (s, c):
        x.minimum_version = x.maximum_version = version
    c.load_verify_locations(path(trust + ".pem"))
    c.hostname_checks_common_name = c.check_hostname = False
    return s, c


def show(name, pieces):
    print("static const struct fixture_piece %s[] = {" % name)
    for side, ms, data in pieces:
        # 18,000 bytes of ciphertext need not be in the source; the test fills them in as they are counted.
        for kind, n, text in split(data):
            lines = [text[i:i + 110] for i in range(0, len(text), 110)]
            print("\t{ %s, %d, %d,\n\t  %s }," % (("FROM_CLIENT", "FROM_SERVER")[side], ms, n, "\n\t  ".join('"%s"' % l for l in lines) or '""'))
    print("\t{ 0, 0, 0, NULL },\n};\n")


def split(data):
    """Long application records: header in hexadecimal, and how many bytes of body are left out behind it."""
    text, at, out = "", 0, []
    while at < len(data):
        n = int.from_bytes(data[at + 3:at + 5], "big")
        if data[at] == 23 and n > 1500:
            out.append((0, n, text + data[at:at + 5].hex()))
            text = ""
        else:
            text += data[at:at + 5 + n].hex()
        at += 5 + n
    if text:
        out.append((0, 0, text))
    return out


def main():
    certificate("ca", "/C=DE/O=Lab/CN=Lab CA", "")
    certificate("leaf", "/C=DE/O=Bücher/CN=imap.example.test", "DNS:imap.example.test,DNS:*.mail.test,IP:192.0.2.7", ca="ca")
    certificate("own", "/CN=nas.local", "")
    print("/* Made by make_tls_fixtures.py: real handshakes, piece by piece. */")
    print("#define FIXTURE_TIME (%d * SECOND) /* the certificates are valid from then on */\n" % (time.time() + 3600))
    print("struct fixture_piece {\n\tenum direction from;\n\tunsigned ms;\n\tunsigned filler; /* bytes behind the last of hex, left out */\n\tconst char *hex;\n};\n")
    v12, v13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

    s, c = contexts(v12)
    first = Talk(s, c).handshake().dialogue().close()
    show("full12", first.pieces)
    show("resumed12", Talk(s, c, session=first.client.session).handshake().dialogue().close().pieces)

    s, c = contexts(v13)
    first = Talk(s, c).handshake().dialogue().close()
    show("full13", first.pieces)
    show("resumed13", Talk(s, c, session=first.client.session).handshake().dialogue().close().pieces)

    s, c = contexts(v13)
    s.set_ecdh_curve("secp384r1")
    show("retry13", Talk(s, c).handshake().dialogue().close().pieces)

    for name, version in (("unknown_ca12", v12), ("unknown_ca13", v13)):
        s, c = contexts(version, "own")
        show(name, Talk(s, c, "mail.example.test").handshake().pieces)

    s, c = contexts(v13)
    s.verify_mode = ssl.CERT_REQUIRED
    s.load_verify_locations(path("ca.pem"))
    show("no_client_certificate13", Talk(s, c).handshake().close().pieces)
    c.load_cert_chain(path("leaf.pem"), path("leaf.key"))
    show("client_certificate13", Talk(s, c).handshake().dialogue().close().pieces)

    s, c = contexts(v12)
    s.verify_mode = ssl.CERT_OPTIONAL
    show("certificate_asked12", Talk(s, c).handshake().dialogue().close().pieces)

    s, c = contexts(v12)
    s.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
    c.set_ciphers("AES256-SHA")
    show("no_cipher12", Talk(s, c).handshake().pieces)


main()
