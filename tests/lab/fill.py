"""Fills the mailboxes of a server in its own namespace, through IMAP: fill.py WORK.json."""
import imaplib
import json
import sys

with open(sys.argv[1]) as text:
    work = json.load(text)
for user, password in work["users"].items():
    box = imaplib.IMAP4("127.0.0.1", 143, timeout=20)
    box.login(user, password)
    for message in work["messages"]:
        box.append("INBOX", None, None, message.replace("\n", "\r\n").encode())
    box.logout()
