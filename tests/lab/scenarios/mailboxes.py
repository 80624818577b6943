"""Mailboxes that real servers refuse: full ones, ones that the user has no right to, and ones that somebody else holds."""
from scenarios.refusals import refusal
from words import OK_PLAIN, run, scenario, shell, wait

OVER = refusal("over_quota", "session", "APPEND is refused: the account is full", stage=["close"])
NO_RIGHT = refusal("mailbox_unavailable", "session", "SELECT is refused: the user has no right to read the mailbox", stage=["close"])
HELD = refusal("mailbox_unavailable", "session", "SELECT is refused: somebody else has locked the mailbox", stage=["close"])
MINE = "{t1}/home/{u0}/Maildir"
OWNED = " && chown -R 8:8 {t1}/home"
REFUSED = "auth == 'ok' and any(c in ('SELECT', 'EXAMINE') and s == 'NO' for c, s in answers)"
CLOSED = {"dovecot": "Closed", "cyrus": "INBOX/Closed", "courier": "INBOX.Closed"}
DOVECOT_QUOTA = """mail_plugins = quota
protocol imap {
 mail_plugins = quota imap_quota
}
plugin {
 quota = %s:User quota
 quota_rule = *:storage=8K
 quota_grace = 0
}
"""
DOVECOT_RIGHTS = """mail_plugins = acl
protocol imap {
 mail_plugins = acl imap_acl
}
plugin {
 acl = vfile
}
"""
DOVECOT_MBOX = "mail_location = mbox:~/mail:INBOX=~/inbox\nmbox_lock_timeout = 4 secs\nmbox_read_locks = fcntl\nmbox_write_locks = fcntl\n"
HOLD = "import fcntl, time; held = open('{t1}/home/{u0}/inbox', 'r+'); fcntl.lockf(held, fcntl.LOCK_EX); time.sleep(40)"
WELL = "auth == 'ok' and ended_ok"


def full(m, rng):
    """What is there fills the account nearly; the next message is too much."""
    before = {  # Courier keeps the sum in a file: the bound, then bytes and messages
        "courier": [shell("s1", "printf '8000S\\n7000 2\\n' > %s/maildirsize" % MINE + OWNED)],
    }.get(m["server"], [])
    op = {"imaplib": {"append": 70000, "end": "close"}, "curl": {"op": "append"}}[m["client"]]
    return before + [run(m["client"], OVER, cut=20, check="('APPEND', 'NO') in answers and any(' NO ' in line and 'quota' in line.lower() for line in said.splitlines())", **op)]


def no_right(m, rng):
    """The owner himself took the right to read away (Cyrus), or the administrator did, in the server's own file."""
    box = CLOSED[m["server"]]
    takes = {
        "dovecot": [shell("s1", "mkdir -p {0}/.Closed/cur {0}/.Closed/new {0}/.Closed/tmp && echo owner l > {0}/.Closed/dovecot-acl".format(MINE) + OWNED)],
        "courier": [
            shell(
                "s1",
                "mkdir -p {0}/.Closed/cur {0}/.Closed/new {0}/.Closed/tmp && touch {0}/.Closed/maildirfolder && "
                "printf 'owner al\\nadministrators al\\n' > {0}/.Closed/courierimapacl".format(MINE) + OWNED,
            )
        ],
        "cyrus": [
            run(
                "raw",
                OK_PLAIN,
                lines=["!line", "a login {user} {password}", "!until a OK", "b create %s" % box, "!until b OK", "c setacl %s {user} la" % box, "!until c OK"]
                + ["d logout", "!read"],
                check=WELL,
            )
        ],
    }[m["server"]]
    return takes + [run("imaplib", NO_RIGHT, mailbox=box, op="select", end=m["end"], check=REFUSED)]


def held(m, rng):
    """Another process holds the file of an mbox locked for longer than the server waits."""
    message = "From a@sender.example Mon Jan  5 10:00:00 2026\\nSubject: x\\n\\nx\\n\\n"
    return [
        shell("s1", "mkdir -p {t1}/home/{u0}/mail && printf '%s' > {t1}/home/{u0}/inbox" % message + OWNED),
        run("imaplib", OK_PLAIN, check=WELL),
        shell("s1", '(exec python3 -SEI -c "%s" >/dev/null 2>&1 &)' % HOLD),
        wait(0.5),
        run(m["client"], HELD, seconds=15, cut=25, end="close", check=REFUSED),
    ]


def quota_of(m):
    return {"dovecot": {"extra": DOVECOT_QUOTA % "maildir"}, "cyrus": {"quota": 8}}.get(m["server"], {})


FEW = {"messages": 2, "size": (1000, 2000)}
SCENARIOS = [
    scenario(
        "full_{server}_{client}",
        full,
        {"server": ("dovecot", "cyrus", "courier"), "client": ("imaplib", "curl")},
        server="{server}",
        options=quota_of,
        mailbox=FEW,
        seeds=2,
    ),
    scenario(
        "no_right_{server}_{end}",
        no_right,
        {"server": ("dovecot", "cyrus", "courier"), "end": ("logout", "close")},
        server="{server}",
        options=lambda m: {"extra": DOVECOT_RIGHTS} if m["server"] == "dovecot" else {},
        mailbox=FEW,
        seeds=2,
    ),
    scenario(
        "in_use_dovecot_{client}",
        held,
        {"client": ("imaplib", "curl", "mbsync")},
        options={"extra": DOVECOT_MBOX},
        mailbox=FEW,
        seeds=2,
    ),
]
