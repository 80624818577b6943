"""A small IMAP server that says and does what a script tells it: providers' texts and misbehaviour.

    scripted.py SCRIPT.json PORT[,ssl] ...       (listens on all addresses of its namespace)

SCRIPT is {"cert", "key", "min", "max": TLS versions, "password": the right one, "messages": N, "size": bytes,
"greeting": REACTION, "on": {COMMAND: REACTION or [REACTION of the 1st, of the 2nd, …, of all later ones]}}.
A REACTION is a list of lines to send; {tag} stands for the client's tag. A line that begins with ! is an act:
!sleep S · !close (FIN) · !rst · !silent (never answer again) · !default (what a working server does) · !raw TEXT (sent
with no line end; \\r \\n \\xHH understood) · !starttls · !before (nothing: greeting only) .
LOGIN_BAD and AUTHENTICATE_BAD name the reactions to a wrong password.
"""
import base64
import json
import re
import socket
import ssl
import struct
import sys
import threading
import time

CAPS = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS AUTH=PLAIN"


class Gone(Exception):
    pass


class Session:
    def __init__(self, conn, script, inside):
        self.conn, self.script, self.inside, self.counts, self.tag, self.rest = conn, script, inside, {}, "*", ""
        self.reader = conn.makefile("rb")

    def send(self, text):
        self.conn.sendall(text.replace("{tag}", self.tag).encode("latin-1", "replace") + b"\r\n")

    def act(self, word, command):
        name, _, rest = word[1:].partition(" ")
        if name == "sleep":
            time.sleep(float(rest))
        elif name == "close":
            raise Gone
        elif name == "rst":
            self.conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            raise Gone
        elif name == "silent":
            while self.conn.recv(4096):
                pass
            raise Gone
        elif name == "raw":
            self.conn.sendall(rest.encode().decode("unicode_escape").encode("latin-1"))
        elif name == "default":
            getattr(self, "do_" + command.lower(), self.do_any)()
        elif name == "starttls":
            self.conn = tls_context(self.script).wrap_socket(self.conn, server_side=True)
            self.inside, self.reader = True, self.conn.makefile("rb")

    def react(self, command):
        reaction = self.script.get("on", {}).get(command)
        if reaction and isinstance(reaction[0], list):
            self.counts[command] = self.counts.get(command, 0) + 1
            reaction = reaction[min(self.counts[command], len(reaction)) - 1]
        for word in reaction or ["!default"]:
            self.act(word, command) if word.startswith("!") else self.send(word)

    def line(self):
        data = self.reader.readline(65536)
        if not data:
            raise Gone
        return data.decode("latin-1").rstrip("\r\n")

    def literals(self, text):
        """The command's text with its literals read in."""
        while True:
            found = re.search(r"\{(\d+)(\+?)\}$", text)
            if not found:
                return text
            if not found.group(2):
                self.send("+ go ahead")
            text = text[:found.start()] + self.reader.read(int(found.group(1))).decode("latin-1") + self.line()

    def run(self):
        for word in self.script.get("greeting") or ["* OK [CAPABILITY %s%s] ready" % (CAPS, "" if self.inside else " STARTTLS")]:
            self.act(word, "greeting") if word.startswith("!") else self.send(word)
        while True:
            self.tag, _, rest = self.literals(self.line()).partition(" ")
            command, _, self.rest = rest.partition(" ")
            command = command.upper()
            if command == "UID":
                command, _, self.rest = self.rest.partition(" ")
                command = command.upper()
            if command == "LOGIN" and self.script.get("password", "") not in self.rest:
                command = "LOGIN_BAD"
            if command == "AUTHENTICATE":
                command = self.sasl()
            self.react(command)

    def sasl(self):
        mechanism, _, blob = self.rest.partition(" ")
        if mechanism.upper() not in ("PLAIN", "XOAUTH2", "OAUTHBEARER"):
            return "AUTHENTICATE_" + mechanism.upper()
        if not blob:
            self.conn.sendall(b"+ \r\n")
            blob = self.line()
        try:
            said = base64.b64decode(blob)
        except ValueError:
            said = b""
        return "AUTHENTICATE" if self.script.get("password", "").encode() in said else "AUTHENTICATE_BAD"

    def do_any(self):
        self.send("{tag} OK done")

    def do_capability(self):
        self.send("* CAPABILITY %s%s" % (CAPS, "" if self.inside else " STARTTLS"))
        self.send("{tag} OK done")

    def do_starttls(self):
        self.send("{tag} OK begin TLS now")
        self.act("!starttls", "")

    def do_login(self):
        self.send("{tag} OK [CAPABILITY %s] logged in" % CAPS)

    do_authenticate = do_login

    def do_login_bad(self):
        time.sleep(self.script.get("slow_no", 1))
        self.send("{tag} NO [AUTHENTICATIONFAILED] Invalid credentials")

    do_authenticate_bad = do_login_bad

    def do_logout(self):
        self.send("* BYE logging out")
        self.send("{tag} OK bye")
        raise Gone

    def do_select(self):
        n = self.script.get("messages", 3)
        for text in ("* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)", "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] limited", "* %d EXISTS" % n,
                     "* 0 RECENT", "* OK [UIDVALIDITY 1700000000] ok", "* OK [UIDNEXT %d] ok" % (n + 1), "{tag} OK [READ-WRITE] selected"):
            self.send(text)

    do_examine = do_select

    def do_list(self):
        if not self.rest.endswith('""'):
            self.send('* LIST (\\HasNoChildren) "/" INBOX')
        self.send("{tag} OK listed")

    def do_namespace(self):
        self.send('* NAMESPACE (("" "/")) NIL NIL')
        self.send("{tag} OK done")

    def do_search(self):
        self.send("* SEARCH " + " ".join(str(i + 1) for i in range(self.script.get("messages", 3))))
        self.send("{tag} OK searched")

    def do_fetch(self):
        size = self.script.get("size", 2000)
        body = ("Subject: news\r\nFrom: a@sender.example\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%s@sender.example>\r\n\r\n" % self.tag)
        body += "lorem ipsum dolor sit amet\r\n" * max(0, (size - len(body)) // 28)
        for i in range(self.script.get("messages", 3)):
            self.send("* %d FETCH (UID %d FLAGS () INTERNALDATE \"05-Jan-2026 10:00:00 +0000\" RFC822.SIZE %d BODY[] {%d}\r\n%s)" % (i + 1, i + 1, len(body), len(body), body))
        self.send("{tag} OK fetched")

    def do_idle(self):
        self.send("+ idling")
        while self.line().upper() != "DONE":
            pass
        self.send("{tag} OK idle over")


def tls_context(script):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(script["cert"], script["key"])
    for end, word in (("minimum_version", "min"), ("maximum_version", "max")):
        if script.get(word):
            setattr(context, end, getattr(ssl.TLSVersion, "TLSv" + script[word].replace(".", "_")))
    return context


def serve_one(conn, script, implicit):
    session = None
    try:
        if implicit:
            conn = tls_context(script).wrap_socket(conn, server_side=True)
        session = Session(conn, script, implicit)
        session.run()
    except (Gone, OSError, ValueError):
        pass
    finally:
        if session:
            session.reader.close()
            conn = session.conn
        conn.close()


def listen(port, implicit, path):
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=128)
    while True:
        conn, _ = s.accept()
        with open(path) as text:
            script = json.load(text)
        threading.Thread(target=serve_one, args=(conn, script, implicit), daemon=True).start()


if __name__ == "__main__":
    for word in sys.argv[2:]:
        number, _, kind = word.partition(",")
        threading.Thread(target=listen, args=(int(number), kind == "ssl", sys.argv[1]), daemon=True).start()
    threading.Event().wait()
