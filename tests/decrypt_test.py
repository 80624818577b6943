#!/usr/bin/env python3
"""Key logs: what is read inside TLS is, record by record, what tshark reads with the same keys, and verdicts follow from it."""
import collections
import glob
import hashlib
import json
import os
import re
import shutil
import ssl
import struct
import subprocess
import sys
import tempfile
import time
import unittest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import common  # noqa: E402
import made  # noqa: E402

DECRYPTED = os.path.join(common.TOP, "build", "decrypted")
PASSWORD = "s3cret-pa55word"
SUITES = [("1.3", None), ("1.2", "ECDHE-RSA-AES128-GCM-SHA256"), ("1.2", "ECDHE-RSA-AES256-GCM-SHA384"),
          ("1.2", "ECDHE-RSA-CHACHA20-POLY1305"), ("1.2", "ECDHE-RSA-AES128-SHA"), ("1.2", "ECDHE-RSA-AES256-SHA384"),
          ("1.2", "AES256-SHA256"), ("1.2", "AES128-GCM-SHA256"), ("1.2", "AES128-CCM")]


class Identity:
    """A certificate and its key in a folder of their own."""

    def __init__(self, folder):
        self.certificate, self.key = folder + "/server.pem", folder + "/server.key"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "30", "-subj", "/CN=imap.example.org",
                        "-keyout", self.key, "-out", self.certificate], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


class Inside:
    """A TLS session in a Conversation: both ends are libssl's, in memory."""

    def __init__(self, conversation, identity, keylog, version="1.3", suites=None, mtu=1400):
        self.conversation, self.mtu = conversation, mtu
        client, server = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client.check_hostname, client.verify_mode = False, ssl.CERT_NONE
        server.load_cert_chain(identity.certificate, identity.key)
        which = ssl.TLSVersion.TLSv1_3 if version == "1.3" else ssl.TLSVersion.TLSv1_2
        for context in (client, server):
            context.minimum_version = context.maximum_version = which
            if suites:
                context.set_ciphers(suites + ":@SECLEVEL=0")
        client.keylog_filename = keylog
        self.bio = {side: (ssl.MemoryBIO(), ssl.MemoryBIO()) for side in (made.CLIENT, made.SERVER)}
        self.end = {made.CLIENT: client.wrap_bio(*self.bio[made.CLIENT], server_hostname="imap.example.org"),
                    made.SERVER: server.wrap_bio(*self.bio[made.SERVER], server_side=True)}
        for _ in range(4):
            for side in self.end:
                try:
                    self.end[side].do_handshake()
                except ssl.SSLWantReadError:
                    pass
                self.carry(side)

    def carry(self, side):
        other = made.SERVER if side == made.CLIENT else made.CLIENT
        data = self.bio[side][1].read()
        for i in range(0, len(data), self.mtu):
            self.conversation.says(side, data[i:i + self.mtu])
        self.bio[other][0].write(data)

    def says(self, side, text):
        other = made.SERVER if side == made.CLIENT else made.CLIENT
        self.end[side].write(text.encode())
        self.carry(side)
        try:
            while True:
                self.end[other].read(65536)
        except ssl.SSLWantReadError:
            pass
        return self

    def refused(self):
        self.says(made.SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.\r\n") if not self.conversation.starttls else None
        self.says(made.CLIENT, "a1 LOGIN anna@example.org %s\r\n" % PASSWORD)
        self.says(made.SERVER, "a1 NO [AUTHENTICATIONFAILED] Authentication failed.\r\n")
        self.says(made.CLIENT, "a2 LOGOUT\r\n").says(made.SERVER, "* BYE\r\na2 OK bye\r\n")
        self.conversation.close()

    def works(self):
        self.says(made.SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] Dovecot ready.\r\n")
        self.says(made.CLIENT, "a1 LOGIN anna@example.org %s\r\n" % PASSWORD).says(made.SERVER, "a1 OK in\r\n")
        self.says(made.CLIENT, "a2 SELECT INBOX\r\n").says(made.SERVER, "* 1 EXISTS\r\na2 OK done\r\n")
        mail = "x" * 78 + "\r\n"
        self.says(made.CLIENT, "a3 FETCH 1 BODY[]\r\n")
        self.says(made.SERVER, "* 1 FETCH (BODY[] {60000}\r\n" + mail * 750 + ")\r\na3 OK done\r\n")
        self.says(made.CLIENT, "a4 LOGOUT\r\n").says(made.SERVER, "* BYE\r\na4 OK bye\r\n")
        self.conversation.close()


def implicit(number=0):
    conversation = made.Conversation(port=993, client_port=50000 + number).open()
    conversation.starttls = False
    return conversation


def starttls(number=0):
    conversation = made.Conversation(client_port=51000 + number).open()
    conversation.says(made.SERVER, "* OK [CAPABILITY IMAP4rev1 STARTTLS LOGINDISABLED] ready\r\n")
    conversation.says(made.CLIENT, "a0 STARTTLS\r\n").says(made.SERVER, "a0 OK begin\r\n")
    conversation.starttls = True
    return conversation


def pcapng(frames, keylog=None, behind=None):
    """The secrets ahead of the packets, or behind so many of them."""
    def block(kind, body):
        body += b"\0" * (-len(body) % 4)
        return struct.pack("<II", kind, len(body) + 12) + body + struct.pack("<I", len(body) + 12)
    out = block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1)) + block(1, struct.pack("<HHI", 1, 0, 0))
    secrets = b"" if keylog is None else block(10, struct.pack("<II", 0x544C534B, len(keylog)) + keylog)
    out += b"" if behind else secrets
    for n, (at, frame) in enumerate(frames):
        out += secrets if n == behind else b""
        micros = int(round(at * 1e6))
        out += block(6, struct.pack("<IIIII", 0, micros >> 32, micros & 0xFFFFFFFF, len(frame), len(frame)) + frame)
    return out + (secrets if behind and behind >= len(frames) else b"")


def ours(capture, keylog):
    """{session: [digest of each record, in order]}, sessions without any left out."""
    done = subprocess.run([DECRYPTED, os.path.join(common.TOP, "rules"), keylog, capture], stdout=subprocess.PIPE, check=True, timeout=120)
    found = collections.defaultdict(list)
    for line in done.stdout.decode().splitlines():
        session, _, what = line.split(" ", 2)
        found[session].append(what)
    return sorted(found.values())


def by_tshark(capture, keylog):
    """The same, of tshark's."""
    run = ["tshark", "-r", capture, "-o", "tls.keylog_file:" + keylog]
    listed = subprocess.run(run + ["-Y", "tls", "-T", "fields", "-e", "tcp.stream"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    streams = sorted(set(listed.stdout.decode().split()), key=int)
    follow = [word for s in streams for word in ("-z", "follow,tls,raw," + s)]
    done = subprocess.run(run + ["-q"] + follow, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    found = []
    for part in done.stdout.decode().split("Follow: tls,raw")[1:]:
        lines = [bytes.fromhex(w) for w in re.findall(r"^\t?([0-9a-f]+)$", part, re.M)]
        if lines:
            found.append(["%d %s" % (len(b), hashlib.sha256(b).hexdigest()[:32]) for b in lines])
    return sorted(found)


class KeyLogs(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        if not shutil.which("openssl"):
            raise unittest.SkipTest("openssl is not installed: no certificate to talk with")
        cls.folder = tempfile.mkdtemp(prefix="imapwhy-keys.")
        cls.identity = Identity(cls.folder)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.folder, ignore_errors=True)

    def setUp(self):
        self.keylog = os.path.join(self.folder, self.id().rsplit(".", 1)[1] + ".keys")
        self.path = self.keylog.replace(".keys", ".pcap")

    def write(self, *conversations):
        return made.write_pcap(self.path, *conversations)

    def refused(self, conversation=None, **how):
        conversation = conversation or implicit()
        Inside(conversation, self.identity, self.keylog, **how).refused()
        return self.write(conversation)

    def session(self, *arguments):
        [session] = common.sessions(common.documents(*arguments))
        return session

    @staticmethod
    def own_notices(session):
        return [n["id"] for n in session["imapwhy"].get("notices", []) if "key" in n["id"] or "decrypt" in n["id"]]

    def mechanism(self, *arguments):
        return self.session(*arguments)["imapwhy"]["verdict"]["mechanism"]

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    @unittest.skipUnless(os.path.exists(DECRYPTED), "build/decrypted is not built (make unit-tests)")
    def test_records_of_every_suite_are_tsharks(self):
        conversations = []
        for number, (version, suites) in enumerate(SUITES):
            conversations.append(implicit(number))
            Inside(conversations[-1], self.identity, self.keylog, version, suites).works()
        conversations.append(starttls())
        Inside(conversations[-1], self.identity, self.keylog).refused()
        self.write(*conversations)
        mine = ours(self.path, self.keylog)
        self.assertEqual(len(mine), len(conversations))
        self.assertEqual(mine, by_tshark(self.path, self.keylog))

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    @unittest.skipUnless(os.path.exists(DECRYPTED), "build/decrypted is not built (make unit-tests)")
    def test_records_of_the_labs_captures_are_tsharks(self):
        logs = sorted(glob.glob(os.path.join(common.CAPTURES, "lab", "keylogs", "*.keys")))
        if not logs:
            self.skipTest("no captures of the lab beside the repository")
        for log in logs:
            [capture] = glob.glob(os.path.join(common.CAPTURES, "lab", os.path.basename(log)[:-5] + ".pcap*"))
            with self.subTest(os.path.basename(capture)):
                mine = ours(capture, log)
                self.assertTrue(mine)
                self.assertEqual(mine, by_tshark(capture, log))

    def test_a_refused_login_is_told_as_in_clear(self):
        for number, (version, conversation) in enumerate([("1.3", implicit()), ("1.2", implicit()), ("1.3", starttls()), ("1.2", starttls())]):
            path = self.refused(conversation, version=version)
            session = self.session("--keylog", self.keylog, path)
            self.assertEqual(session["imapwhy"]["verdict"]["mechanism"], "invalid_credentials")
            self.assertEqual(session["imapwhy"]["verdict"]["stage"], "auth")
            self.assertEqual(session["imapwhy"]["capture"]["decrypted"], "yes")
            self.assertEqual(session["tls"]["server"]["subject"], "CN=imap.example.org")
            self.assertEqual(self.own_notices(session), [])

    def test_a_login_held_back_after_refused_ones_is_no_slow_server(self):
        for refusals, word in ((2, "success"), (0, "slow_server")):
            conversation = made.Conversation().open().says(made.SERVER, "* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] ready\r\n")
            for i in range(refusals):
                conversation.says(made.CLIENT, "a%d LOGIN anna wrong\r\n" % i)
                conversation.says(made.SERVER, "a%d NO [AUTHENTICATIONFAILED] no\r\n" % i, 2)
            conversation.says(made.CLIENT, "b1 LOGIN anna right\r\n").says(made.SERVER, "b1 OK in\r\n", 8)
            conversation.says(made.CLIENT, "b2 SELECT INBOX\r\n").says(made.SERVER, "* 1 EXISTS\r\nb2 OK [READ-WRITE] done\r\n")
            conversation.says(made.CLIENT, "b3 LOGOUT\r\n").says(made.SERVER, "* BYE\r\nb3 OK bye\r\n").close()
            self.assertEqual(self.mechanism(self.write(conversation)), word)

    def test_no_output_holds_a_secret(self):
        path = self.refused()
        with open(self.keylog) as f:
            secrets = [PASSWORD] + [word for line in f if line[0] != "#" for word in line.split()[1:]]
        for form in (["-o", "json"], ["-o", "text", "-v"], ["explain"], ["-o", "json", "--usernames", "clear"]):
            done = common.run(*(form[:1] if form == ["explain"] else form), "--keylog", self.keylog, path)
            for secret in secrets:
                self.assertNotIn(secret.encode(), done.stdout + done.stderr)

    def test_missing_and_wrong_keys_are_told_and_change_no_verdict(self):
        path = self.refused()
        without = self.mechanism(path)
        other = self.keylog + ".other"
        with open(self.keylog) as f, open(other, "w") as out:
            out.write(re.sub(r"(.)$", lambda m: "0" if m.group(1) != "0" else "1", f.read(), flags=re.M))
        empty = self.keylog + ".empty"
        with open(empty, "w") as out:
            out.write("# nothing\n")
        for log, word in ((empty, "keys_missing"), (other, "keys_wrong")):
            session = self.session("--keylog", log, path)
            self.assertEqual(session["imapwhy"]["capture"]["decrypted"], word)
            self.assertEqual(self.own_notices(session), [word])
            self.assertEqual(session["imapwhy"]["verdict"]["mechanism"], without)

    def test_secrets_of_a_pcapng_file_are_used(self):
        conversation = implicit()
        self.refused(conversation)
        path = self.path + "ng"
        with open(self.keylog, "rb") as f, open(path, "wb") as out:
            out.write(pcapng(conversation.frames, f.read().rstrip(b"\n")))
        self.assertEqual(self.mechanism(path), "invalid_credentials")
        with open(path, "wb") as out:
            out.write(pcapng(conversation.frames))
        self.assertNotEqual(self.mechanism(path), "invalid_credentials")

    def test_secrets_behind_the_packets_of_a_pcapng_file_are_found(self):
        conversation = implicit()
        self.refused(conversation)
        path = self.path + "ng"
        with open(self.keylog, "rb") as f:
            keys = f.read()
        # The longest files are looked at from both ends: packets that carry nothing stand between.
        filling = [(conversation.frames[-1][0] + 1 + n / 1000, bytes(60000)) for n in range(90)]
        for frames in (conversation.frames, conversation.frames + filling):
            for behind in (8, len(frames)):
                with open(path, "wb") as out:
                    out.write(pcapng(frames, keys, behind))
                self.assertEqual(self.mechanism(path), "invalid_credentials", (len(frames), behind))
        # Cut short, or with lengths that lead nowhere, it is read as far as it goes.
        with open(path, "rb") as f:
            whole = f.read()
        for cut in (1, 5, len(keys) // 2, len(keys) + 30):
            with open(path, "wb") as out:
                out.write(whole[:-cut])
            common.run("-o", "json", path)
        for at in range(len(whole) - 8, len(whole)):
            with open(path, "wb") as out:
                out.write(whole[:at] + b"\xfc" + whole[at + 1:])
            common.run("-o", "json", path)

    def test_mistakes_in_a_key_log_are_told_by_line(self):
        path = self.refused()
        with open(self.keylog, "a") as out:
            out.write("password: hunter2\n")
        with open(self.keylog) as f:
            lines = len(f.readlines())
        done = common.run("-o", "json", "--keylog", self.keylog, path)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"line %d" % lines, done.stderr)
        self.assertNotIn(b"hunter2", done.stderr + done.stdout)
        done = common.run("--keylog", self.keylog + ".not", path)
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(b".not", done.stderr)

    def test_a_key_log_may_grow_while_the_capture_does(self):
        path = self.refused()
        growing = self.keylog + ".growing"
        open(growing, "w").close()
        with open(path, "rb") as f:
            capture = f.read()
        env = dict(os.environ, IMAPWHY_RULES=os.path.join(common.TOP, "rules"))
        tool = subprocess.Popen([common.TOOL, "-o", "json", "--keylog", growing, "-"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=env)
        half = len(capture) * 2 // 3
        tool.stdin.write(capture[:half])
        tool.stdin.flush()
        time.sleep(0.3)
        shutil.copy(self.keylog, growing)
        time.sleep(0.1)
        out, _ = tool.communicate(capture[half:], timeout=60)
        [session] = common.sessions([json.loads(line) for line in out.decode().splitlines()])
        self.assertEqual(session["imapwhy"]["verdict"]["mechanism"], "invalid_credentials")
        self.assertEqual(session["imapwhy"]["capture"]["decrypted"], "yes")


if __name__ == "__main__":
    unittest.main()
