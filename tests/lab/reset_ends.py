"""The ends of a staged session, real stacks both: a server that ends as its case says, and a client."""
import os
import select
import signal
import socket
import struct
import threading
import time

from reset_net import BEHIND, CLIENT, HIDDEN, PLAIN, SYNPROXY, enter


class Server:
    """One listener of a case: a short dialogue, ended as the case says."""

    def __init__(self, case):
        self.case, self.pid, self.ready = case, None, threading.Event()

    def listen(self):
        behind = self.case["behind"]
        enter("edge" if behind in ("plain", "balancer") else "inner")
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind({"plain": (PLAIN, 143), "balancer": (PLAIN, 143), "nat": (HIDDEN, 143), "haproxy": (HIDDEN, 144), "synproxy": (SYNPROXY, 143)}[behind])
        s.listen(0 if self.case["end"] == "overflow" else 8)
        return s

    def run(self):
        end = self.case["end"]
        listener = self.listen()
        self.ready.set()
        if end in ("overflow", "listener_closed"):
            time.sleep(0.25)
            listener.close()
            return
        listener.settimeout(2)
        try:
            conn, _ = listener.accept()
        except OSError:
            return listener.close()
        listener.close()
        conn.settimeout(1.5)
        try:
            self.talk(conn)
        except OSError:
            conn.close()

    def read(self, conn):
        data = conn.recv(4096)
        if not data:
            raise OSError("closed")
        return data

    def finish(self, conn):
        end = self.case["end"]
        if end == "linger":
            conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            conn.close()
        elif end == "unread":
            select.select([conn], [], [], 1)
            conn.close()
        elif end == "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        elif end == "fin":
            conn.close()
        else:
            time.sleep(0.05)
            raise OSError("the other side ends it")

    def talk(self, conn):
        stage, ends = self.case["stage"], self.case["end"] != "normal"
        if ends and stage == "greeting":
            return self.finish(conn)
        conn.sendall(b"* OK [CAPABILITY IMAP4rev1] ready\r\n")
        if ends and stage == "auth":
            return self.finish(conn)
        self.read(conn)
        conn.sendall(b"a1 OK logged in\r\n")
        if ends and stage == "session":
            return self.finish(conn)
        while True:
            tag = self.read(conn).split(b" ")[0]
            conn.sendall(b"* 1 EXISTS\r\n%s OK done\r\n" % tag)

    def start(self):
        """In a process of its own: it may be killed."""
        self.pid = os.fork()
        if not self.pid:
            try:
                self.run()
            finally:
                os._exit(0)


def client(case, port):
    enter("client")
    s = socket.socket()
    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    s.settimeout(case.get("patience", 0.6))
    s.bind((CLIENT, port))
    try:
        s.connect((BEHIND[case["behind"]], 143))
        if case["end"] in ("overflow", "listener_closed"):
            s.recv(100)
        s.recv(4096)
        lines = [b"a1 LOGIN user secret\r\n", b"a2 SELECT INBOX\r\n", b"a3 FETCH 1 FLAGS\r\n", b"a4 NOOP\r\n", b"a5 LOGOUT\r\n"]
        for n, line in enumerate(lines):
            s.sendall(line)
            if case["end"] == "client_linger" and n == 2:
                s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                break
            if case["end"] == "client_unread" and n == 2:
                select.select([s], [], [], 0.5)
                break
            s.recv(4096)
            if case["end"] == "fin":
                s.sendall(b"a9 NOOP\r\n")
    except OSError:
        pass
    s.close()
