"""Logins inside TLS at servers whose answers are short, in the words of real ones: refused and accepted, checked and left, so that neither side
is told by a capability list. What the servers say beside that (greeting, LOGOUT, CAPABILITY) is theirs too."""
from words import INSIDE, run, scenario

GMAIL_CAPS = (
    "* CAPABILITY IMAP4rev1 UNSELECT IDLE NAMESPACE QUOTA ID XLIST CHILDREN X-GM-EXT-1 UIDPLUS ENABLE MOVE CONDSTORE ESEARCH "
    "UTF8=ACCEPT LIST-EXTENDED LIST-STATUS LITERAL- SPECIAL-USE APPENDLIMIT=35651584"
)
# name: (greeting, the OK to CAPABILITY, the OK to LOGIN and AUTHENTICATE, the NO to them, BYE and OK to LOGOUT, seconds that a login takes)
SERVERS = {
    "gmail": (
        "* OK Gimap ready for requests from 198.51.100.7 5b1f17b1804b1-47794d1e1aamb12345678",
        "OK Thats all she wrote! 5b1f17b1804b1-47794d1e1aamb12345678",
        (GMAIL_CAPS, "OK somebody@gmail.com authenticated (Success)"),
        ("NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",) * 2,
        ("* BYE LOGOUT Requested", "OK 73 good day (Success)"),
        0.4,
    ),
    "exchange": (
        "* OK The Microsoft Exchange IMAP4 service is ready. [RgBSADMAUAAyADgAMQBDAEEAMAAxADUANwAuAEQARQBVAFAAMgA4ADEALgBQAFIATwBEAA==]",
        "OK CAPABILITY completed.",
        ("OK LOGIN completed.", "OK AUTHENTICATE completed."),
        ("NO LOGIN failed.", "NO AUTHENTICATE failed."),
        ("* BYE Microsoft Exchange Server IMAP4 server signing off.", "OK LOGOUT completed."),
        0.8,
    ),
    "yahoo": (
        "* OK Welcome! IMAP Server up and ready to accept your request",
        "OK CAPABILITY completed",
        ("OK LOGIN completed", "OK AUTHENTICATE completed"),
        ("NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials", "NO [AUTHENTICATIONFAILED] AUTHENTICATE Invalid credentials"),
        ("* BYE IMAP4rev1 Server logging out", "OK LOGOUT completed"),
        0.5,
    ),
    "qq": (
        "* OK [CAPABILITY IMAP4 IMAP4rev1 ID AUTH=PLAIN AUTH=LOGIN AUTH=XOAUTH2 NAMESPACE] QQMail XMIMAP4Server ready",
        "OK CAPABILITY Completed",
        ("OK Success login ok",) * 2,
        ("NO Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy.",) * 2,
        ("* BYE LOGOUT received", "OK LOGOUT Completed"),
        0.3,
    ),
    "netease": (
        "* OK Coremail System IMap Server Ready(163com[10774b260cc7a37d26d71b52404dcf5c])",
        "OK CAPABILITY completed",
        ("OK LOGIN completed", "OK AUTHENTICATE completed"),
        ("NO LOGIN Login error password error", "NO AUTHENTICATE Login error password error"),
        ("* BYE IMAP4rev1 Server logging out", "OK LOGOUT completed"),
        0.2,
    ),
    "hmail": (
        "* OK IMAPrev1",
        "OK CAPABILITY completed",
        ("OK LOGIN completed", "OK AUTHENTICATE completed"),
        ("NO Invalid user name or password.",) * 2,
        ("* BYE Have a nice day", "OK Logout completed"),
        0,
    ),
    "james": (
        "* OK JAMES IMAP4rev1 Server imap.example is ready.",
        "OK CAPABILITY completed.",
        ("OK LOGIN completed.", "OK AUTHENTICATE completed."),
        ("NO LOGIN failed. Invalid credentials.", "NO AUTHENTICATE failed. Authentication failed."),
        ("* BYE IMAP4rev1 Server logging out", "OK LOGOUT completed."),
        0,
    ),
    "zimbra": (
        "* OK mail.example Zimbra 8.8.15_GA_4059 IMAP4rev1 server ready",
        "OK completed",
        ("OK [CAPABILITY IMAP4rev1 ACL BINARY CATENATE CHILDREN CONDSTORE ENABLE ESEARCH ID IDLE LIST-EXTENDED NAMESPACE QRESYNC QUOTA UIDPLUS UNSELECT WITHIN] LOGIN completed",) * 2,
        ("NO LOGIN failed", "NO AUTHENTICATE failed"),
        ("* BYE mail.example Zimbra IMAP4rev1 server closing connection", "OK LOGOUT completed"),
        0.1,
    ),
    "stalwart": (
        "* OK Stalwart IMAP4rev2 at your service.",
        "OK CAPABILITY completed",
        ("OK [CAPABILITY IMAP4rev2 IMAP4rev1 ENABLE SASL-IR LITERAL+ ID UTF8=ACCEPT IDLE NAMESPACE CHILDREN MULTIAPPEND] Authentication successful",) * 2,
        ("NO [AUTHENTICATIONFAILED] Authentication failed",) * 2,
        ("* BYE Stalwart IMAP4rev2 bids you farewell.", "OK LOGOUT completed"),
        0.1,
    ),
    # Of no name, as small servers of many makes speak.
    "terse": ("* OK ready", "OK done", ("OK Logged in",) * 2, ("NO Login failed",) * 2, ("* BYE bye", "OK done"), 0),
    "polite": (
        "* OK IMAP4rev1 service ready",
        "OK Capability completed",
        ("OK Login successful, welcome",) * 2,
        ("NO Login incorrect",) * 2,
        ("* BYE Goodbye", "OK Logout completed"),
        0.1,
    ),
    "wordy": (
        "* OK mail.example IMAP4rev1 server ready at Tue, 24 Nov 2026 10:00:00 +0000",
        "OK CAPABILITY command completed",
        ("OK User authenticated and authorized",) * 2,
        ("NO Incorrect user name or password, or this account may not log in",) * 2,
        ("* BYE mail.example closing connection", "OK LOGOUT command completed"),
        1.2,
    ),
}
CLIENTS = ("imaplib", "curl", "fetchmail", "perl", "imapflow", "getmail", "offlineimap", "imapfilter", "alpine")
CAPS = "IMAP4rev1 LITERAL+ SASL-IR ID ENABLE IDLE NAMESPACE UIDPLUS AUTH=PLAIN"
RIGHT, WRONG = "auth == 'ok'", "auth == 'no'"


def script(m):
    greeting, capability, accepted, refused, left, seconds = SERVERS[m["words"]]
    listed = len(accepted) == 2 and accepted[0].startswith("* ")  # one list, then the OK of either command

    def says(text):
        return text if text.startswith("*") else "{tag} " + text

    def yes(n):
        return ["!sleep %g" % seconds] + ([says(t) for t in accepted] if listed else [says(accepted[n])])

    return {
        "script": {
            "greeting": [greeting],
            "on": {
                "CAPABILITY": ["* CAPABILITY " + CAPS, says(capability)],
                "LOGIN": yes(0),
                "AUTHENTICATE": yes(1),
                "LOGIN_BAD": ["!sleep %g" % seconds, says(refused[0])],
                "AUTHENTICATE_BAD": ["!sleep %g" % seconds, says(refused[1])],
                "LOGOUT": [left[0], says(left[1]), "!close"],
            },
        }
    }


def steps(m, rng):
    """Each alone, or beside others at the same server: a wrong password, a check that leaves at once, a session that works."""
    how = {"end": rng.choice(("logout", "logout", "close")), "auth": rng.choice(("login", "plain"))}
    if m["client"] == "raw":
        letter = rng.choice("aAx")
        login = ["!line", letter + "1 LOGIN {user} {password}", "!until %s1 " % letter]
        leave = rng.choice((["!close"], [letter + "2 LOGOUT", "!until %s2 " % letter, "!close"]))
        work = [letter + "3 SELECT INBOX", "!until %s3 " % letter]
        check = run("raw", INSIDE, lines=login + leave, check=RIGHT)
        good = run("raw", INSIDE, host="c2", user=1, lines=login + work + leave, check=RIGHT)
        bad = run("raw", INSIDE, password="wrong", host="c2", lines=login + leave, check=WRONG)
    else:
        check = run(m["client"], INSIDE, op="check", check=RIGHT, **how)
        good = run(m["client"], INSIDE, host="c2", user=1, check=RIGHT, **how)
        bad = run(m["client"], INSIDE, password="wrong", host="c2", check=WRONG, **how)
    return rng.choice(([bad], [check], [bad, good], [check, bad], [good, check, bad], [bad, check]))


SCENARIOS = [
    scenario(
        "speaks_%s_{client}_{tls}_{version}" % words,
        (lambda m, rng: steps(m, rng)),
        {
            "client": tuple(CLIENTS[(i * 3 + k) % len(CLIENTS)] for k in range(6)) + ("raw",),
            "tls": ("implicit",),
            "version": ("1.3", "1.2"),
        },
        server="scripted",
        options=(lambda m, words=words: script(dict(m, words=words))),
    )
    for i, words in enumerate(SERVERS)
]
