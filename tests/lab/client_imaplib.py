"""Python's imaplib as a client of the lab: client_imaplib.py JOB.json (see clients.py).

`passwords` are tried one after another in the same session; more keys: "auth" (login, plain, cram-md5, xoauth2), "pause" (seconds between tries),
"end" ("logout", "close": FIN with no LOGOUT, "rst", "hang"), "think" (seconds before the end), "sessions_each" (so many, one after
another), "append" (bytes of a message to append), "mailbox" (to select),
"check_name", "check_cert" (False: any certificate will do).
"""
import imaplib
import json
import os
import socket
import ssl
import struct
import sys
import time

with open(sys.argv[1]) as text:
    job = json.load(text)


def connect():
    context = ssl.create_default_context(cafile=job["ca"])
    context.check_hostname = job.get("check_name", True)
    if not job.get("check_cert", True):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if job.get("min"):
        context.minimum_version = getattr(ssl.TLSVersion, "TLSv" + job["min"].replace(".", "_"))
    if job.get("max"):
        context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + job["max"].replace(".", "_"))
    if job["tls"] == "implicit":
        return imaplib.IMAP4_SSL(job["host"], job["port"], ssl_context=context, timeout=job["seconds"])
    box = imaplib.IMAP4(job["host"], job["port"], timeout=job["seconds"])
    if job["tls"] == "starttls":
        box.starttls(context)
    return box


def log_in(box):
    for i, password in enumerate(job["passwords"]):
        if i:
            time.sleep(job.get("pause", 1))
        token = [("user=%s\1auth=Bearer %s\1\1" % (job["user"], password)).encode()]  # an error challenge is answered by an empty line
        try:
            if job.get("auth") == "plain":
                box.authenticate("PLAIN", lambda _: ("\0%s\0%s" % (job["user"], password)).encode())
            elif job.get("auth") == "cram-md5":
                box.login_cram_md5(job["user"], password)
            elif job.get("auth") == "xoauth2":
                box.authenticate("XOAUTH2", lambda _: token.pop(0) if token else b"")
            else:
                box.login(job["user"], password)
            return True
        except imaplib.IMAP4.abort:
            raise
        except imaplib.IMAP4.error as error:
            print("refused:", error)
    return False


def work(box):
    if job["op"] == "check":
        return
    box.list()
    if box.select(job.get("mailbox", "INBOX"))[0] != "OK" or job["op"] == "select":
        return
    _, found = box.search(None, "ALL")
    for number in found[0].split()[:job.get("most", 40)]:
        box.fetch(number, "(FLAGS BODY.PEEK[])")
    if job.get("append"):
        box.append("INBOX", None, None, b"Subject: x\r\n\r\n" + b"0123456789abcdef\r\n" * (job["append"] // 18))
    if job["op"] == "idle":
        box.send(b"I1 IDLE\r\n")
        box.readline()
        box.sock.settimeout(job["seconds"])
        try:
            time.sleep(job.get("idle", 4))
            box.send(b"DONE\r\n")
            box.readline()
        except OSError as error:
            print("idle:", error)


def finish(box):
    time.sleep(job.get("think", 0))
    end = job.get("end", "logout")
    if end == "logout":
        box.logout()
    elif end == "rst":
        box.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        os._exit(0)
    elif end == "hang":
        time.sleep(3600)
    else:
        box.shutdown()


for _ in range(job.get("sessions_each", 1)):
    session = connect()
    if log_in(session):
        work(session)
    finish(session)
    time.sleep(job.get("gap", 0))
