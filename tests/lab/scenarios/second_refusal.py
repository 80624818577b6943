"""Another author's refusals after or before the login: greetings that are none, folders, quotas, limits, kicks; and healthy sessions that sound like them."""
from scenarios.second_login import dialogues, in_turn, on, said
from words import OK_PLAIN, healthy, join, label, run, scenario, shell, wait

IN = ["!line", "a LOGIN {user} {password}", "!until a OK"]
OPENED = IN + ["b SELECT INBOX", "!until b OK"]
OUT = ["z LOGOUT", "!read"]
WORKED = dict(OK_PLAIN, also_ok={"stage": ["session", "idle"]})
LOGGED = "auth == 'ok'"


def greeted(name, many):
    """Each of several clients meets another greeting."""
    return in_turn(name, [(c, w, {"greeting": lines}, "auth == 'none' and established", {}) for c, w, lines in many])


def at(command, refused, why, text, client="imaplib", check=LOGGED, /, **also):
    """One command's refusal, for in_turn."""
    lines = text if isinstance(text, list) else [text]
    return client, said(refused, "session", why, **also), on(**{command: lines}), check, {"end": "close"} if client == "imaplib" else {}


def say(command, why, refused, line, text, goes="logout", /, **also):
    """A raw client's one command, refused; it leaves then."""
    lines = IN + [line, "!line"] + (OUT if goes == "logout" else ["!close"])
    return "raw", said(refused, "session", why, **also), on(**{command: [text]}), LOGGED, {"lines": lines}


def spoken(want, lines, reactions, check=LOGGED):
    """What a raw client says, for in_turn."""
    return "raw", want, reactions, check, {"lines": lines, "seconds": 8}


def idling(want, *then):
    """A raw client in IDLE, to whom this is said."""
    return spoken(want, OPENED + ["c IDLE", "!line", "!read", "!read", "!read", "!read"], on(IDLE=["+ idling", "!sleep 2.5", *then]))


BOX = {"stage": ["close", "auth"]}
KILLED = said(
    "mailbox_unavailable",
    "session",
    "another session took the mailbox's lock",
    mechanism=["temporarily_unavailable", "closed_by_server", "maintenance", "command_rejected"],
    stage=["idle"],
)
RESYNC = said(
    "temporarily_unavailable", "session", "BYE: the server lost its thread", mechanism=["mailbox_unavailable", "command_rejected"], stage=["idle"]
)
IDLED = label(
    "autologout", "idle", "server", "mail_app", also={"stage": ["session"], "culprit": ["client"], "cause": ["server_down"]}, why="BYE for inactivity"
)
KICKED = said("maintenance", "idle", "BYE for a shutdown in IDLE", stage=["session", "close"], mechanism=["temporarily_unavailable"])
CLOSED_IDLE = said("closed_by_server", "idle", "FIN in IDLE with no BYE", stage=["session"])
QUIET_FIN = healthy(
    "success", "close", also={"stage": ["session", "idle"]}, why="nothing is owed, no IDLE: the server closes a connection that was done"
)
QUEUE = said(
    "connection_limit",
    "greeting",
    "the login service is full: the oldest that has not logged in is put out",
    stage=["auth"],
    mechanism=["temporarily_unavailable"],
)
HANGS = label(
    "auth_timeout",
    "auth",
    "server",
    "server_down",
    why="no process is left to serve the session: the login is answered when the client has long given up",
)
ALERTS = on(
    LOGIN=[
        "* OK [ALERT] Your password will expire in 3 days. 2 failed logins since your last visit.",
        "{tag} OK [CAPABILITY IMAP4rev1 IDLE] User logged in",
    ],
    SELECT=["* NO [ALERT] Mailbox is at 98% of quota", "!default"],
    NOOP=["* OK [ALERT] Too many connections are unusual today", "{tag} OK done"],
)
MAIL = "Subject: log\\r\\n\\r\\n* BYE Server shutting down\\r\\na NO [AUTHENTICATIONFAILED] Authentication failed\\r\\nc NO [UNAVAILABLE] no\\r\\n* BYE Too many connections\\r\\n"
QUOTA = """mail_plugins = quota
protocol imap {
 mail_plugins = quota imap_quota
}
plugin {
 quota = maildir:User quota
 quota_rule = *:storage=64K
 quota_grace = 0
}
"""

SCENARIOS = [
    greeted(
        "second_greets_limit",
        [
            ("curl", said("connection_limit", "greeting", "BYE: too many users"), ["* BYE [ALERT] Too many users, please try again later", "!close"]),
            (
                "imaplib",
                said("connection_limit", "greeting", "BYE: too many from this address"),
                ["* BYE Maximum number of connections from 192.0.2.7 exceeded", "!close"],
            ),
            (
                "perl",
                said("rate_limited", "greeting", "BYE: connecting too fast", mechanism=["connection_limit"]),
                ["* BYE [LIMIT] Connection rate limit exceeded, slow down", "!close"],
            ),
        ],
    ),
    greeted(
        "second_greets_down",
        [
            (
                "imapflow",
                said("temporarily_unavailable", "greeting", "BYE: the proxy has no backend"),
                ["* BYE [UNAVAILABLE] Cannot connect to the mail store", "!close"],
            ),
            ("mbsync", said("maintenance", "greeting", "BYE: upgrade"), ["* BYE Server is being upgraded and will be back shortly", "!close"]),
            ("fetchmail", said("temporarily_unavailable", "greeting", "BAD instead of a greeting"), ["* BAD internal server error", "!close"]),
            (
                "getmail",
                said("temporarily_unavailable", "greeting", "BYE: overload", mechanism=["connection_limit"]),
                ["* BYE System load is too high, try again later", "!close"],
            ),
        ],
    ),
    greeted(
        "second_greets_denied",
        [
            (
                "curl",
                said("access_denied", "greeting", "BYE: a list of bad addresses"),
                ["* BYE Connection refused: your address is listed in a blocklist", "!close"],
            ),
            (
                "imaplib",
                said("access_denied", "greeting", "BYE: not from here"),
                ["* BYE [NOPERM] Access from your country is not permitted", "!close"],
            ),
            ("perl", said("closed_without_greeting", "greeting", "FIN after a while, no word"), ["!sleep 2", "!close"]),
        ],
    ),
    in_turn(
        "second_select_codes",
        [
            at("SELECT", "mailbox_unavailable", "no such mailbox, in words", "{tag} NO Mailbox does not exist, or must be subscribed to.", **BOX),
            at("SELECT", "mailbox_unavailable", "locked", "{tag} NO Mailbox is locked", "curl", **BOX),
            at("SELECT", "mailbox_unavailable", "[NOPERM]", "{tag} NO [NOPERM] Access denied", "mbsync", **BOX),
            at(
                "EXAMINE",
                "temporarily_unavailable",
                "[UNAVAILABLE]",
                "{tag} NO [UNAVAILABLE] Backend storage is offline",
                "getmail",
                mechanism=["mailbox_unavailable"],
                **BOX,
            ),
            at(
                "SELECT",
                "temporarily_unavailable",
                "BYE in SELECT",
                ["* BYE [UNAVAILABLE] Mailbox server went away", "!close"],
                "imapflow",
                mechanism=["mailbox_unavailable"],
                **BOX,
            ),
            at(
                "SELECT",
                "mailbox_unavailable",
                "the index is damaged",
                "{tag} NO [SERVERBUG] Mailbox index is corrupted",
                "fetchmail",
                "('SELECT', 'NO') in answers",
                mechanism=["temporarily_unavailable", "command_rejected"],
                **BOX,
            ),
        ],
        mailbox={"messages": 2},
    ),
    in_turn(
        "second_command_codes",
        [
            say(
                "CREATE",
                "a name that may not be",
                "command_rejected",
                "b CREATE Sent.2019",
                "{tag} NO [CANNOT] Names may not hold a dot",
                mechanism=["mailbox_unavailable"],
                stage=["close"],
            ),
            say(
                "COPY",
                "no room to copy",
                "over_quota",
                "b COPY 1:3 Archive",
                "{tag} NO [OVERQUOTA] Quota exceeded (mailbox for user is full)",
                stage=["close"],
            ),
            say(
                "RENAME",
                "no permission",
                "command_rejected",
                "b RENAME A B",
                "{tag} NO [NOPERM] You may not rename this",
                mechanism=["mailbox_unavailable"],
                stage=["close"],
            ),
            say(
                "STATUS",
                "[SERVERBUG]",
                "temporarily_unavailable",
                "b STATUS INBOX (UNSEEN)",
                "{tag} NO [SERVERBUG] Internal error occurred",
                "close",
                mechanism=["mailbox_unavailable", "command_rejected"],
                stage=["close"],
            ),
            say("SEARCH", "throttled", "rate_limited", "b SEARCH ALL", "{tag} NO [THROTTLED] Too many commands, slow down", "close", stage=["close"]),
            say(
                "LIST",
                "a limit of the server",
                "rate_limited",
                "b LIST \"\" *",
                "{tag} NO [LIMIT] Command rate limit reached for this account",
                "close",
                mechanism=["command_rejected"],
                stage=["close"],
            ),
        ],
    ),
    in_turn(
        "second_byes_in_session",
        [
            spoken(KILLED, OPENED + ["c NOOP", "!read"], on(NOOP=["* BYE Killed (lost mailbox lock)", "!close"])),
            spoken(RESYNC, OPENED + ["c NOOP", "!read"], on(NOOP=["* BYE IMAP session state is inconsistent, please relogin.", "!close"])),
            spoken(
                said("rate_limited", "session", "BAD and BYE: throttled"),
                OPENED + ["c FETCH 1:* (FLAGS)", "!read"],
                on(FETCH=["{tag} BAD Request is throttled. Suggested Backoff Time: 62519 milliseconds", "* BYE Connection closed. 14", "!close"]),
            ),
            spoken(
                said("rate_limited", "session", "NO for bandwidth", mechanism=["over_quota"]),
                OPENED + ["c FETCH 1:* (BODY[])", "!line", "!close"],
                on(FETCH=["{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"]),
            ),
            spoken(
                said("closed_by_server", "session", "FIN in the middle of a message"),
                OPENED + ["c FETCH 1 BODY[]", "!read"],
                on(FETCH=["!raw * 1 FETCH (BODY[] {5000}\\r\\nSubject: half a message\\r\\n\\r\\nand then", "!close"]),
            ),
        ],
        mailbox={"messages": 2},
    ),
    in_turn(
        "second_idle_ends",
        [
            idling(KICKED, "* BYE Server shutting down.", "!close"),
            idling(IDLED, "* BYE Connection timed out.", "!close"),
            idling(CLOSED_IDLE, "!close"),
            spoken(QUIET_FIN, OPENED + ["!read"] * 5, on(SELECT=["!default", "!sleep 4", "!close"]), "auth == 'ok' and fin_server"),
            spoken(IDLED, OPENED + ["!sleep 4", "d NOOP", "!read"], on(SELECT=["!default", "!sleep 3", "* BYE idle for too long", "!close"])),
        ],
    ),
    dialogues(
        "second_append_no_room",
        [
            (
                said("over_quota", "session", "NO [OVERQUOTA] in place of the go-ahead", stage=["close"]),
                IN + ["b APPEND INBOX (\\Seen) {200000}", "!line", "c LOGOUT", "!read"],
                "auth == 'ok' and 'OVERQUOTA' in said",
            ),
        ],
        options={"extra": QUOTA},
        mailbox={"messages": 1, "size": (500, 900)},
    ),
    scenario(
        "second_queue_full_dovecot",
        [
            run("raw", QUEUE, lines=["!line", "!sleep 5", "!read"], wait=False, name="x", seconds=9, check="'queue full' in said"),
            wait(1),
            run(
                "raw",
                healthy(
                    "probe", "greeting", also={"mechanism": ["clean_close", "superseded"], "stage": ["close"]}, why="looks at the greeting and leaves"
                ),
                lines=["!line", "!sleep 3", "!close"],
                host="c2",
                wait=False,
                name="y",
                seconds=9,
                check="said",
            ),
            wait(0.5),
            run("imaplib", OK_PLAIN, host="c2", user=1, seconds=9, check="auth == 'ok'"),
            join("x"),
            join("y"),
        ],
        options={"extra": "service imap-login {\n service_count = 0\n client_limit = 2\n process_limit = 1\n}\n"},
    ),
    scenario(
        "second_process_limit_dovecot",
        [
            run("raw", OK_PLAIN, lines=OPENED + ["!sleep 11"] + OUT, wait=False, name="x", seconds=20, check="auth == 'ok'"),
            wait(1.5),
            run("imaplib", HANGS, host="c2", user=1, seconds=7, cut=12, check="rst_client and status"),
            join("x"),
        ],
        options={"extra": "service imap {\n process_limit = 1\n client_limit = 1\n}\n"},
    ),
    scenario(
        "second_unreadable_box_dovecot",
        [
            shell("s1", "chmod 0 {t1}/home/{u0}/Maildir"),
            run(
                "imaplib",
                said("mailbox_unavailable", "session", "the mailbox can't be opened", stage=["auth", "close"], mechanism=["temporarily_unavailable"]),
                end="close",
                check="auth == 'ok'",
            ),
            run(
                "mbsync",
                said("mailbox_unavailable", "session", "the mailbox can't be opened", stage=["auth", "close"], mechanism=["temporarily_unavailable"]),
                check="auth == 'ok'",
            ),
            run("imaplib", OK_PLAIN, user=1, check="auth == 'ok'"),
        ],
    ),
    dialogues(
        "second_cyrus",
        [
            (
                said("mailbox_unavailable", "session", "SELECT of what is no mailbox", stage=["close"]),
                IN + ["b SELECT \"Other Users\"", "!line", "!close"],
                "('SELECT', 'NO') in answers",
            ),
            (WORKED, OPENED + [w for i in range(4) for w in ("i%d IDLE" % i, "!line", "!sleep 1", "DONE", "!until i%d OK" % i)] + OUT, LOGGED),
        ],
        server="cyrus",
        seconds=14,
    ),
    # --- healthy, however it sounds ---
    in_turn(
        "second_trap_words",
        [
            spoken(
                WORKED,
                OPENED + ["c NOOP", "!until c OK", "d FETCH 1 (FLAGS)", "!until d OK"] + OUT,
                dict(ALERTS, greeting=["* OK [ALERT] IMAP server ready. Maintenance tonight from 22:00; the server will be shut down for an hour."]),
            ),
            spoken(
                WORKED,
                OPENED + ["c FETCH 1 BODY[]", "!until c OK", "d NOOP", "!until d OK"] + OUT,
                on(FETCH=["!raw * 1 FETCH (UID 1 BODY[] {%d}\\r\\n%s)\\r\\n" % (len(MAIL.replace("\\r\\n", "__")), MAIL), "{tag} OK fetched"]),
            ),
            spoken(
                WORKED,
                OPENED + ["c IDLE", "!until c BAD", "d NOOP", "!until d OK", "!sleep 1", "e NOOP", "!until e OK"] + OUT,
                on(IDLE=["{tag} BAD Unknown command"]),
            ),
            spoken(
                WORKED,
                IN + ["b COMPRESS DEFLATE", "!until b NO", "c SELECT INBOX", "!until c OK"] + OUT,
                on(COMPRESS=["{tag} NO [COMPRESSIONACTIVE] DEFLATE active via TLS"]),
            ),
        ],
    ),
    in_turn(
        "second_preauth",
        [
            spoken(
                WORKED,
                ["!line", "b SELECT INBOX", "!until b OK", "c FETCH 1 (FLAGS)", "!until c OK"] + OUT,
                {"greeting": ["* PREAUTH [CAPABILITY IMAP4rev1] logged in as you"]},
                "auth == 'none'",
            ),
            spoken(
                said("mailbox_unavailable", "session", "SELECT refused after PREAUTH", stage=["close"]),
                ["!line", "b SELECT INBOX", "!line", "!close"],
                dict(on(SELECT=["{tag} NO [INUSE] Mailbox is in use"]), greeting=["* PREAUTH IMAP4rev1 server logged in as admin"]),
                "auth == 'none'",
            ),
        ],
    ),
    dialogues(
        "second_trap_goes_on",
        [
            (
                WORKED,
                IN
                + [
                    "b SELECT Drafts2",
                    "!until b NO",
                    "c CREATE INBOX",
                    "!until c NO",
                    "d STATUS Nothing (MESSAGES)",
                    "!until d NO",
                    "e SELECT INBOX",
                    "!until e OK",
                    "f FETCH 1 (UID)",
                    "!until f OK",
                ]
                + OUT,
                "auth == 'ok' and ('CREATE', 'NO') in answers",
            ),
            (
                WORKED,
                [
                    "!line",
                    "a LOGIN {user} {password}",
                    "!until a OK",
                    "!raw b SELECT INBOX\\r\\nc FETCH 1:* (FLAGS)\\r\\nd SEARCH UNSEEN\\r\\ne LOGOUT\\r\\n",
                    "!read",
                    "!read",
                ],
                LOGGED,
            ),
        ],
        net={"rtt": (4, 40)},
    ),
    dialogues(
        "second_trap_courier",
        [
            (WORKED, OPENED + OUT, "'shutting down' in said"),
            (
                WORKED,
                IN + ["b LOGIN {user} {password}", "!line", "c SELECT INBOX", "!until c OK", "d FETCH 1 (UID)", "!until d OK"] + OUT,
                "auth in ('ok', 'no+ok')",
            ),
        ],
        server="courier",
        seconds=12,
    ),
    scenario(
        "second_trap_compress",
        [run("imapflow", WORKED, user=i, check="auth == 'ok' and ('COMPRESS', 'OK') in answers", seconds=12) for i in (0, 1)],
        options={"extra": "mail_plugins = zlib\nprotocol imap {\n mail_plugins = zlib imap_zlib\n}\n"},
        mailbox={"messages": 8, "size": (3000, 6000)},
    ),
]
