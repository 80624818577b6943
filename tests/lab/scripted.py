"""A small IMAP server that says and does what a script tells it: providers' texts and misbehaviour.

    scripted.py SCRIPT.json PORT[,ssl] ...       (listens on all addresses of its namespace)

SCRIPT is {"cert", "key", "min", "max": TLS versions, "passwords": the right ones, "messages": N, "size": bytes,
"connect": REACTION (before any TLS), "greeting": REACTION, "on": {COMMAND: REACTION or [REACTION of the 1st, of the 2nd, …, of all later ones]}}.
A REACTION is a list of lines to send; {tag} stands for the client's tag. A line that begins with ! is an act:
!sleep S · !close (FIN) · !rst · !silent (never answer again) · !stall S (read nothing for so long) · !recv (what the client says
first) · !line (one line of it) · !default (what a working server does) · !raw TEXT (sent with no line end; \\r \\n \\xHH understood) ·
!starttls · !before (nothing: greeting only).
LOGIN_BAD and AUTHENTICATE_BAD name the reactions to a wrong password. More of SCRIPT: "ciphers", "client_ca" (true: a client certificate
is required), "curve" (the only group), "names" (the names that the client may ask for; others meet unrecognized_name), "caps", "backlog", "slow_no".
"""
import base64
import json
import os
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
        elif name == "stall":
            time.sleep(float(rest))
            raise Gone
        elif name == "line":
            self.line()
        elif name == "recv":
            self.conn.recv(16384)
        elif name == "raw":
            self.conn.sendall(rest.encode().decode("unicode_escape").encode("latin-1"))
        elif name == "default":
            getattr(self, "do_" + command.lower(), self.do_any)()
        elif name == "starttls":
            self.conn = tls_context(self.script).wrap_socket(self.conn, server_side=True)
            self.inside, self.reader = True, self.conn.makefile("rb")

    def caps(self):
        return self.script.get("caps") or CAPS + ("" if self.inside else " STARTTLS")

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
            text = text[: found.start()] + self.reader.read(int(found.group(1))).decode("latin-1") + self.line()

    def run(self):
        for word in self.script.get("greeting") or ["* OK [CAPABILITY %s] ready" % self.caps()]:
            self.act(word, "greeting") if word.startswith("!") else self.send(word)
        while True:
            self.tag, _, rest = self.literals(self.line()).partition(" ")
            command, _, self.rest = rest.partition(" ")
            command = command.upper()
            if command == "UID":
                command, _, self.rest = self.rest.partition(" ")
                command = command.upper()
            if command == "LOGIN" and not any(p in self.rest for p in self.script["passwords"]):
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
        return "AUTHENTICATE" if any(p.encode() in said for p in self.script["passwords"]) else "AUTHENTICATE_BAD"

    def do_any(self):
        self.send("{tag} OK done")

    def do_capability(self):
        self.send("* CAPABILITY " + self.caps())
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
        for text in (
            "* FLAGS (\\Answered \\Flagged \\Deleted \\Seen \\Draft)",
            "* OK [PERMANENTFLAGS (\\Seen \\Deleted \\*)] limited",
            "* %d EXISTS" % n,
            "* 0 RECENT",
            "* OK [UIDVALIDITY 1700000000] ok",
            "* OK [UIDNEXT %d] ok" % (n + 1),
            "{tag} OK [READ-WRITE] selected",
        ):
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
        body = "Subject: news\r\nFrom: a@sender.example\r\nDate: Mon, 5 Jan 2026 10:00:00 +0000\r\nMessage-ID: <%s@sender.example>\r\n\r\n" % self.tag
        body += "lorem ipsum dolor sit amet\r\n" * max(0, (size - len(body)) // 28)
        for i in range(self.script.get("messages", 3)):
            self.send(
                '* %d FETCH (UID %d FLAGS () INTERNALDATE "05-Jan-2026 10:00:00 +0000" RFC822.SIZE %d BODY[] {%d}\r\n%s)'
                % (i + 1, i + 1, len(body), len(body), body)
            )
        self.send("{tag} OK fetched")

    def do_idle(self):
        self.send("+ idling")
        while self.line().upper() != "DONE":
            pass
        self.send("{tag} OK idle over")


def tls_context(script):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.keylog_filename = os.environ.get("LAB_KEYS")
    context.load_cert_chain(script["cert"], script["key"])
    for end, word in (("minimum_version", "min"), ("maximum_version", "max")):
        if script.get(word):
            setattr(context, end, getattr(ssl.TLSVersion, "TLSv" + script[word].replace(".", "_")))
    if script.get("ciphers"):
        context.set_ciphers(script["ciphers"])
    if script.get("curve"):
        context.set_ecdh_curve(script["curve"])
    if script.get("client_ca"):
        context.load_verify_locations(script["pki"] + "/ca.pem")
        context.verify_mode = ssl.CERT_REQUIRED
    if script.get("names"):
        context.sni_callback = lambda _, name, __: None if name in script["names"] else ssl.ALERT_DESCRIPTION_UNRECOGNIZED_NAME
    return context


def serve_one(conn, script, implicit):
    session = None
    try:
        if script.get("connect"):
            session = Session(conn, script, False)
            for word in script["connect"]:
                session.act(word, "connect") if word.startswith("!") else session.send(word)
            session.reader.close()
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


def script_of(path):
    with open(path) as text:
        return json.load(text)


def listen(port, implicit, path):
    backlog = script_of(path).get("backlog", 128)
    s = socket.create_server(("::", port), family=socket.AF_INET6, dualstack_ipv6=True, backlog=backlog)
    while True:
        conn, _ = s.accept()
        script = script_of(path)
        threading.Thread(target=serve_one, args=(conn, script, implicit), daemon=True).start()


if __name__ == "__main__":
    for word in sys.argv[2:]:
        number, _, kind = word.partition(",")
        threading.Thread(target=listen, args=(int(number), kind == "ssl", sys.argv[1]), daemon=True).start()
    threading.Event().wait()
