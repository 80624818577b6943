"""More logins, refusals and silences of the second author's, when the program had been mended by the first ones: nothing was tuned on these."""
from scenarios.second_login import BAD_LOGIN, PRIVACY, dialogues, either, in_turn, on, said
from scenarios.second_refusal import IN, LOGGED, OPENED, OUT, WORKED, greeted, say, spoken
from scenarios.second_service import INSIDE_SILENT, NO_ANSWER, SERVICE
from words import OK_INSIDE, OK_PLAIN, REFUSED, REFUSED_INSIDE, SLOW, run, scenario

SCRAM = ["!raw + cj1mePpZLHM9UVNYQ1IrUTZzZWs4YmY5MixpPTQwOTY=\\r\\n", "!line"]
BY_SCRAM = [
    "!line",
    "a AUTHENTICATE SCRAM-SHA-256",
    "!line",
    "!base64 n,,n={user},r=fyko",
    "!line",
    "!base64 c=biws,r=fykoz,p=v0X8v3Bz2T0CJGbJQyF0X=",
    "!until a ",
]
FIRST = ["!raw + \\r\\n", "!line"]
TEMPORARY = said("temporarily_unavailable", "greeting", "BYE: no service")


def says(client, want, line):
    """For in_turn: what the login is answered."""
    return client, want, either([line]), "said", {}


SCENARIOS = [
    in_turn(
        "third_mail_says_a",
        [
            says(
                "curl",
                said("invalid_credentials", "auth", "wrong password", mechanism=["not_authorized"]),
                "{tag} NO [AUTHENTICATIONFAILED] Wrong login or password, or the protocol is off in the settings",
            ),
            says(
                "imaplib",
                said("app_password_required", "auth", "a second factor"),
                "{tag} NO [ALERT] 2FA is enabled for this login, generate an application-specific password in the portal",
            ),
            says(
                "perl",
                said("account_action_required", "auth", "unpaid", mechanism=["not_authorized"]),
                "{tag} NO [CONTACTADMIN] Mailbox closed for non-payment",
            ),
        ],
    ),
    in_turn(
        "third_mail_says_b",
        [
            says(
                "fetchmail", said("temporarily_unavailable", "auth", "the checker is down"), "{tag} NO [UNAVAILABLE] Authentication server timed out"
            ),
            says(
                "imapflow",
                said("rate_limited", "auth", "too many logins a day", mechanism=["over_quota"]),
                "{tag} NO [LIMIT] Daily number of logins used up",
            ),
            says("mbsync", PRIVACY, "{tag} NO [PRIVACYREQUIRED] Encrypt the connection first"),
            says("imaplib", BAD_LOGIN, "{tag} BAD Missing closing quote"),
        ],
    ),
    greeted(
        "third_mail_greets",
        [
            ("curl", TEMPORARY, ["* BYE Service not available, closing transmission channel", "!close"]),
            ("imaplib", said("maintenance", "greeting", "BYE: maintenance"), ["* BYE IMAP is offline for maintenance work", "!close"]),
            ("perl", said("connection_limit", "greeting", "NO: too many connections"), ["* NO Too many connections from your host", "!close"]),
            ("mbsync", said("access_denied", "greeting", "BYE: not on the list"), ["* BYE Access not allowed for your client address", "!close"]),
        ],
    ),
    in_turn(
        "third_mail_commands",
        [
            say(
                "STORE",
                "a read-only mailbox",
                "command_rejected",
                "b STORE 1 +FLAGS (\\Seen)",
                "{tag} NO Mailbox is read-only",
                stage=["close"],
                mechanism=["mailbox_unavailable"],
            ),
            say(
                "MOVE",
                "no such target",
                "command_rejected",
                "b MOVE 1 Archive/2031",
                "{tag} NO [TRYCREATE] No such target",
                "close",
                stage=["close"],
                mechanism=["mailbox_unavailable"],
            ),
            spoken(
                said("temporarily_unavailable", "session", "BYE: internal error"),
                OPENED + ["c FETCH 1 BODY[]", "!read"],
                on(FETCH=["* BYE Internal server error", "!close"]),
            ),
            spoken(
                WORKED,
                IN + ["b SELECT Gone", "!until b NO", "c SELECT INBOX", "!until c OK", "d FETCH 1 (UID)", "!until d OK"] + OUT,
                on(SELECT=[["{tag} NO [NONEXISTENT] Unknown mailbox"], ["!default"]]),
            ),
        ],
    ),
    in_turn(
        "third_mail_scram",
        [
            spoken(
                OK_PLAIN,
                BY_SCRAM + ["b SELECT INBOX", "!until b OK"] + OUT,
                {"on": {"AUTHENTICATE_SCRAM-SHA-256": FIRST + SCRAM + ["{tag} OK done"]}},
            ),
            spoken(
                REFUSED,
                BY_SCRAM + ["!close"],
                {"on": {"AUTHENTICATE_SCRAM-SHA-256": FIRST + SCRAM + ["{tag} NO [AUTHENTICATIONFAILED] proof is wrong"]}},
                "auth == 'no'",
            ),
        ],
        script={"caps": "IMAP4rev1 IDLE AUTH=SCRAM-SHA-256"},
    ),
    in_turn(
        "third_mail_late",
        [
            ("imaplib", NO_ANSWER, on(SELECT=["!sleep 9", "!default"]), LOGGED, {"seconds": 6}),
            (
                "raw",
                NO_ANSWER,
                on(IDLE=["+ idling", "!line", "!silent"]),
                LOGGED,
                {"lines": OPENED + ["c IDLE", "!line", "!sleep 1", "DONE", "!line"], "seconds": 6},
            ),
            ("imaplib", SLOW, on(LOGIN=["!sleep 6.5", "!default"]), "auth == 'ok' and worst_ok > 5.5", {"seconds": 12}),
        ],
    ),
    in_turn(
        "third_mail_services",
        [
            (
                "imaplib",
                SERVICE,
                {"greeting": ["!sleep 2", "HTTP/1.1 408 Request Timeout", "Connection: close", "", "!close"]},
                "auth == 'none'",
                {"seconds": 6},
            ),
            (
                "raw",
                SERVICE,
                {"greeting": ["+OK Microsoft Exchange POP3 server ready", "!recv", "-ERR Protocol error", "!close"]},
                "auth == 'none'",
                {"lines": ["!line", "a LOGIN {user} {password}", "!line", "!close"]},
            ),
            (
                "curl",
                SERVICE,
                {"connect": ["220 mail.example ESMTP Exim 4.96", "!sleep 2", "!close"]},
                "hellos and not tls",
                {"tls": "implicit", "seconds": 6},
            ),
        ],
        script={"connect": None},
    ),
    dialogues(
        "third_mail_starttls_silent",
        [(INSIDE_SILENT, ["!line", "a STARTTLS", "!until a OK", "!tls", "b CAPABILITY", "!line"], "tls")],
        server="scripted",
        options={"tls": "starttls", "script": {"on": {"CAPABILITY": ["!silent"]}}},
        seconds=6,
        tls="none",
    ),
    scenario(
        "third_mail_inside_{server}",
        [
            run("perl", REFUSED_INSIDE, password="wrong", seconds=12, check="auth == 'no'"),
            run("perl", OK_INSIDE, user=1, host="c2", seconds=12, check="auth == 'ok'"),
            run("imapflow", REFUSED_INSIDE, user=2, password="wrong", seconds=12, check="auth == 'no'"),
        ],
        {"server": ("cyrus", "nginx")},
        server="{server}",
        options={"tls": "implicit"},
        net={"rtt": (4, 40)},
    ),
]
