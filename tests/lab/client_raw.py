"""A socket that does what it is told: client_raw.py JOB.json, with "lines": what to do, one after another.

A word that begins with ! is an act: !read (what comes within a second) · !line (one line) · !until TEXT · !sleep S · !close (FIN) ·
!rst · !shut (FIN, still reading) · !hang (stay connected and silent) · !raw TEXT (\\r \\n \\xHH understood) · !tls (handshake) ·
!rcvbuf N (before connecting) · !pump N (so many bytes) · !base64 TEXT (a line in base64, \\x00 understood; what stands before a | goes before it as it is) ·
!keepalive S (asks an idle peer every S seconds, three times) · !again (FIN, then a new connection from the same local port) ·
!scan (the first word: a connection is asked for and given up before the answer). Anything else is sent as a line; {user} and {password} stand for the account's.
"""
import base64
import json
import socket
import ssl
import struct
import sys
import time


class Raw:
    def __init__(self, job):
        self.job = job
        family, kind, _, _, address = socket.getaddrinfo(job["host"], job["port"], type=socket.SOCK_STREAM)[0]
        self.conn = socket.socket(family, kind)
        self.conn.settimeout(job["seconds"])
        for word in job["lines"]:
            if word.startswith("!rcvbuf"):
                self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, int(word.split()[1]))
        if job["lines"][0] == "!scan":
            self.conn.setblocking(False)
            self.conn.connect_ex(address)
            return
        self.conn.connect(address)
        if job["tls"] == "implicit":
            self.do_tls("")

    def do_tls(self, _):
        self.conn = ssl.create_default_context(cafile=self.job["ca"]).wrap_socket(self.conn, server_hostname=self.job["host"])

    def do_read(self, _):
        self.conn.settimeout(1)
        try:
            while self.conn.recv(65536):
                pass
        except TimeoutError:
            pass
        self.conn.settimeout(self.job["seconds"])

    def do_until(self, text):
        got = b""
        while text.encode() not in got:
            more = self.conn.recv(4096)
            if not more:
                raise EOFError
            got += more

    def do_line(self, _):
        self.do_until("\n")

    def do_sleep(self, seconds):
        time.sleep(float(seconds))

    def do_shut(self, _):
        self.conn.shutdown(socket.SHUT_WR)

    def do_hang(self, _):
        time.sleep(3600)

    def do_raw(self, text):
        self.conn.sendall(text.encode().decode("unicode_escape").encode("latin-1"))

    def filled(self, text):
        return text.replace("{user}", self.job["user"]).replace("{password}", self.job["passwords"][-1])

    def do_base64(self, text):
        head, _, rest = text.rpartition("|")
        said = self.filled(rest).encode().decode("unicode_escape").encode("latin-1")
        self.conn.sendall(head.encode() + base64.b64encode(said) + b"\r\n")

    def do_pump(self, size):
        self.conn.sendall(b"0123456789abcdef" * (int(size) // 16))

    def do_keepalive(self, seconds):
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        for option, value in ((socket.TCP_KEEPIDLE, int(seconds)), (socket.TCP_KEEPINTVL, int(seconds)), (socket.TCP_KEEPCNT, 3)):
            self.conn.setsockopt(socket.IPPROTO_TCP, option, value)

    def do_again(self, _):
        near, far, family = self.conn.getsockname(), self.conn.getpeername(), self.conn.family
        self.conn.close()
        time.sleep(0.3)
        self.conn = socket.socket(family, socket.SOCK_STREAM)
        self.conn.settimeout(self.job["seconds"])
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.conn.bind(near)
        self.conn.connect(far)

    def do_scan(self, _):
        self.conn.close()

    def do_rcvbuf(self, _):
        pass

    def do_close(self, _):
        self.conn.close()

    def do_rst(self, _):
        self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.conn.close()

    def run(self):
        for word in self.job["lines"]:
            name, _, rest = word[1:].partition(" ")
            if word.startswith("!"):
                getattr(self, "do_" + name)(rest)
            else:
                self.conn.sendall(self.filled(word).encode() + b"\r\n")


if __name__ == "__main__":
    with open(sys.argv[1]) as text:
        Raw(json.load(text)).run()
