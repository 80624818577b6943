"""Another author's logins: every mechanism refused and granted, in one step or several, cancelled, repeated, in many servers' words."""
from words import OK_INSIDE, OK_PLAIN, REFUSED, label, run, scenario, server

PARTS = {"culprit": ["client", "server"], "cause": ["account_settings", "server_down"]}
CLIENT, SERVER = ("client", "account_settings"), ("server", "account_settings")
BLAME = {
    "invalid_credentials": CLIENT,
    "app_password_required": CLIENT,
    "account_action_required": CLIENT,
    "plaintext_auth_disabled": CLIENT,
    "mechanism_unsupported": CLIENT,
    "oauth_token_rejected": CLIENT,
    "not_authorized": SERVER,
    "connection_limit": SERVER,
    "rate_limited": SERVER,
    "over_quota": SERVER,
    "access_denied": SERVER,
}
SHARED = ("not_authorized", "connection_limit", "rate_limited", "over_quota", "access_denied", "mailbox_unavailable", "command_rejected")


def said(mechanism, stage, why, /, **also):
    """A label with the usual culprit and cause of its mechanism; `also`: what else is accepted."""
    culprit, cause = BLAME.get(mechanism, ("server", "server_down"))
    if mechanism in SHARED:
        also = dict({k: [w for w in v if w not in (culprit, cause)] for k, v in PARTS.items()}, **also)
    return label(mechanism, stage, culprit, cause, also=also, why=why)


def dialogues(name, many, server="dovecot", **more):
    """One capture of raw clients, one after another: [(label, lines, check)]."""
    how = {k: more.pop(k) for k in ("seconds", "tls") if k in more}
    steps = [
        run("raw", want, lines=lines, check=check, cut=30, host=("c1", "c2")[i % 2], user=i % 3, **dict({"seconds": 8}, **how))
        for i, (want, lines, check) in enumerate(many)
    ]
    return scenario(name, steps, server=server, **more)


def in_turn(name, many, script=None, **more):
    """One capture of several devices, one after another, of which each meets other reactions: [(client, label, its script, check, more of the run)]."""
    steps = []
    for i, (client, want, reactions, check, how) in enumerate(many):
        steps.append(server("script", script=dict({"greeting": None, "on": {}, "caps": None}, **dict(script or {}, **reactions))))
        steps.append(run(client, want, check=check, host=("c1", "c2")[i % 2], **dict({"user": i % 3, "cut": 20}, **how)))
    return scenario(name, steps, server="scripted", **more)


def on(**reactions):
    """The script in which commands are answered so."""
    return {"on": reactions}


def either(lines):
    return on(LOGIN=lines, AUTHENTICATE=lines)


MANY = {"extra": "auth_mechanisms = plain login cram-md5 digest-md5 scram-sha-1 scram-sha-256\n"}
TOKENS = {"caps": "IMAP4rev1 SASL-IR ID IDLE AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN"}
CRAM = {
    "curl": {"args": ["--login-options", "AUTH=CRAM-MD5"]},
    "offlineimap": {"mechanism": "CRAM-MD5"},
    "imaplib": {"auth": "cram-md5"},
    "mbsync": {"mechanism": "CRAM-MD5"},
}
TYPE2 = "TlRMTVNTUAACAAAADAAMADgAAAAFgoriASNFZ4mrze8AAAAAAAAAAAAAAAAAAAAACgBjRQAAAA8="
JSON401 = "eyJzdGF0dXMiOiI0MDEiLCJzY2hlbWVzIjoiYmVhcmVyIG1hYyIsInNjb3BlIjoiaHR0cHM6Ly9tYWlsLmV4YW1wbGUub3JnLyJ9"
TOKEN = said("oauth_token_rejected", "auth", "the token is answered by an error challenge, then NO")
LOGIN_OFF = said(
    "mechanism_unsupported", "auth", "LOGIN is off, other mechanisms are there", stage=["greeting"], mechanism=["plaintext_auth_disabled"]
)
PRIVACY = said("plaintext_auth_disabled", "auth", "the login needs TLS first", stage=["greeting"])
BAD_LOGIN = label(
    "client_protocol_error", "auth", "client", "mail_app", also={"stage": ["greeting", "session"]}, why="LOGIN is answered BAD for its syntax"
)
REPEATED = said("invalid_credentials", "auth", "several logins refused in one connection", mechanism=["rate_limited"], culprit=["server"])


def by_cram(m, rng):
    """Each of two clients logs in by CRAM-MD5, from one device with a wrong password, from the other with the right one."""
    return [
        run(
            client,
            want,
            host=host,
            user=i,
            password=password,
            seconds=12,
            check="auth == '%s'" % ("ok" if want is OK_PLAIN else "no"),
            **CRAM[client],
        )
        for i, client in enumerate(m["clients"].split("+"))
        for host, password, want in (("c1", "wrong", REFUSED), ("c2", "right", OK_PLAIN))
    ]


# What LOGIN and AUTHENTICATE are answered: (name, client, label, lines)
WORDS = [
    (
        "contactadmin",
        "fetchmail",
        said("account_action_required", "auth", "[CONTACTADMIN]", mechanism=["not_authorized"]),
        ["{tag} NO [CONTACTADMIN] Login disabled for this user"],
    ),
    (
        "suspended",
        "imaplib",
        said("account_action_required", "auth", "the account is suspended"),
        ["{tag} NO [ALERT] Your account has been suspended, please contact the help desk"],
    ),
    (
        "locked",
        "perl",
        said("account_action_required", "auth", "the account is locked"),
        ["{tag} NO [AUTHENTICATIONFAILED] Account locked due to too many failed logins; reset your password on the web site", "!close"],
    ),
    ("expired_plain", "imapflow", said("account_action_required", "auth", "[EXPIRED]"), ["{tag} NO [EXPIRED] Authentication failed."]),
    (
        "second_factor",
        "mbsync",
        said("app_password_required", "auth", "second factor"),
        ["{tag} NO [ALERT] Two-step verification is on for this account: create an app password and use it here"],
    ),
    (
        "app_pw_short",
        "curl",
        said("app_password_required", "auth", "application password"),
        ["{tag} NO [AUTHENTICATIONFAILED] Application password is REQUIRED"],
    ),
    (
        "basic_off",
        "imaplib",
        said(
            "mechanism_unsupported",
            "auth",
            "passwords are no longer taken",
            mechanism=["account_action_required", "not_authorized", "app_password_required"],
            culprit=["server"],
        ),
        ["{tag} NO Basic authentication is disabled.", "* BYE Microsoft Exchange Server IMAP4 server signing off.", "!close"],
    ),
    (
        "country",
        "perl",
        said("not_authorized", "auth", "no IMAP for this account from here", mechanism=["access_denied", "account_action_required"]),
        ["{tag} NO [AUTHORIZATIONFAILED] IMAP access is not allowed for your account from this location"],
    ),
    (
        "plan",
        "curl",
        said("not_authorized", "auth", "the plan holds no IMAP", mechanism=["account_action_required"]),
        ["{tag} NO [NOPERM] Your plan does not include IMAP access"],
    ),
    (
        "ldap",
        "imapflow",
        said("temporarily_unavailable", "auth", "the directory is down"),
        ["!sleep 1", "{tag} NO [UNAVAILABLE] Directory server is not reachable"],
    ),
    ("internal", "mbsync", said("temporarily_unavailable", "auth", "internal error"), ["{tag} NO [SERVERBUG] internal error while authenticating"]),
    (
        "try_later",
        "fetchmail",
        said("temporarily_unavailable", "auth", "temporary failure, no code"),
        ["{tag} NO Temporary authentication failure, please try again later"],
    ),
    (
        "in_use",
        "imaplib",
        said("mailbox_unavailable", "auth", "another session holds the mailbox", mechanism=["temporarily_unavailable", "connection_limit"]),
        ["{tag} NO [INUSE] Maildrop is locked by a POP3 session"],
    ),
    (
        "attempts",
        "perl",
        said("rate_limited", "auth", "too many attempts"),
        ["{tag} NO [LIMIT] Too many failed login attempts from your address, wait 10 minutes"],
    ),
    ("users", "curl", said("connection_limit", "auth", "too many users"), ["{tag} NO [LIMIT] Too many users are connected to this server"]),
    (
        "sessions",
        "imapflow",
        said("connection_limit", "auth", "too many sessions"),
        ["* BYE Too many concurrent sessions for this mailbox (limit 5)", "!close"],
    ),
    (
        "fastmail",
        "mbsync",
        said("invalid_credentials", "auth", "wrong password"),
        ["{tag} NO [AUTHENTICATIONFAILED] Incorrect username, password or access token"],
    ),
    ("plain_words", "imaplib", said("invalid_credentials", "auth", "no code, plain words"), ["{tag} NO Username and password not accepted"]),
    (
        "mixed_case",
        "perl",
        said("invalid_credentials", "auth", "the code in small letters"),
        ["{tag} no [AuthenticationFailed] invalid user or password"],
    ),
    (
        "maintenance",
        "curl",
        said("maintenance", "auth", "maintenance named"),
        ["{tag} NO [UNAVAILABLE] Mail store is down for maintenance until 4 pm"],
    ),
    ("need_tls", "imaplib", PRIVACY, ["{tag} NO cleartext logins disabled"]),
    ("need_tls_bad", "perl", PRIVACY, ["{tag} BAD A SSL/TLS-connection is required for authentication."]),
    (
        "ok_then_bye",
        "imaplib",
        said("temporarily_unavailable", "session", "OK, then BYE: the mailbox can't be opened", stage=["auth"]),
        ["{tag} OK Logged in, but initialization failed.", "* BYE Internal error occurred. Refer to server log for more information.", "!close"],
    ),
]
NTLM = ["!raw + \\r\\n", "!line", "!raw + %s\\r\\n" % TYPE2, "!line"]
NTLM_CAPS = {"caps": "IMAP4 IMAP4rev1 AUTH=NTLM AUTH=GSSAPI UIDPLUS IDLE"}
BY_NTLM = {"args": ["--login-options", "AUTH=NTLM"]}
STALE = "!base64 A1 AUTHENTICATE XOAUTH2 |user={user}\\x01auth=Bearer stale\\x01\\x01"


def challenge(*then):
    """A token's refusal: the error as a challenge, what the client says to it, and then."""
    return on(AUTHENTICATE_BAD=["!raw + %s\\r\\n" % JSON401, "!line", *then])


def wrong_thrice(m, rng):
    return [run("imaplib", REFUSED, tries=["wrong"] * 3, pause=0.2, seconds=20, check="auth == 'no' and len(answers) >= 4")]


def right_then_wrong(m, rng):
    return [
        run("imaplib", OK_PLAIN, check="auth == 'ok'"),
        run("curl", REFUSED, password="wrong", seconds=12, check="auth == 'no'"),
        run("mbsync", REFUSED, password="wrong", seconds=12, check="auth == 'no'"),
    ]


SCENARIOS = [
    scenario("second_cram_{clients}", by_cram, {"clients": ("curl+mbsync", "offlineimap+imaplib")}, options=MANY, net={"rtt": (4, 40)}),
    *[in_turn("second_says_%d" % i, [(client, want, either(lines), "said", {}) for name, client, want, lines in WORDS[i::6]]) for i in range(6)],
    in_turn(
        "second_mechanisms",
        [
            ("curl", REFUSED, on(AUTHENTICATE_NTLM=NTLM + ["{tag} NO AUTHENTICATE failed."]), "auth == 'no'", BY_NTLM),
            ("curl", OK_PLAIN, on(AUTHENTICATE_NTLM=NTLM + ["{tag} OK AUTHENTICATE completed."]), "auth == 'ok'", BY_NTLM),
            (
                "raw",
                said("invalid_credentials", "auth", "Kerberos says no"),
                on(AUTHENTICATE_GSSAPI=["!raw + \\r\\n", "!line", "{tag} NO [AUTHENTICATIONFAILED] GSSAPI authentication failed"]),
                "auth == 'no'",
                {"lines": ["!line", "a1 AUTHENTICATE GSSAPI", "!line", "!base64 ticket that is too old", "!line", "a2 LOGOUT", "!read"]},
            ),
            (
                "imaplib",
                LOGIN_OFF,
                dict(
                    on(LOGIN=["{tag} NO [CANNOT] LOGIN is not supported here, use AUTHENTICATE"]), caps="IMAP4rev1 AUTH=SCRAM-SHA-256 LOGINDISABLED"
                ),
                "auth == 'no'",
                {},
            ),
            (
                "mbsync",
                said("mechanism_unsupported", "greeting", "AUTH=GSSAPI alone and no LOGIN", stage=["auth"], mechanism=["plaintext_auth_disabled"]),
                {"caps": "IMAP4rev1 AUTH=GSSAPI AUTH=GSS-SPNEGO LOGINDISABLED"},
                "auth == 'none'",
                {},
            ),
        ],
        script=NTLM_CAPS,
    ),
    dialogues(
        "second_cancelled",
        [
            (
                OK_PLAIN,
                [
                    "!line",
                    "a1 AUTHENTICATE SCRAM-SHA-1",
                    "!line",
                    "*",
                    "!line",
                    "a2 LOGIN {user} {password}",
                    "!until a2 OK",
                    "a3 SELECT INBOX",
                    "!until a3 OK",
                    "a4 LOGOUT",
                    "!read",
                ],
                "auth == 'no+ok'",
            ),
            (
                OK_PLAIN,
                [
                    "!line",
                    "x AUTHENTICATE CRAM-MD5",
                    "!line",
                    "*",
                    "!line",
                    "y AUTHENTICATE PLAIN",
                    "!line",
                    "!base64 \\x00{user}\\x00{password}",
                    "!until y OK",
                    "z STATUS INBOX (MESSAGES)",
                    "!until z OK",
                    "q LOGOUT",
                    "!read",
                ],
                "auth == 'no+ok'",
            ),
        ],
        options=MANY,
    ),
    dialogues(
        "second_words_of_login",
        [
            (REFUSED, ["!line", "!raw a LOGIN nemo wrong\\r\\nb SELECT INBOX\\r\\nc LOGOUT\\r\\n", "!until a NO", "!read"], "auth == 'no'"),
            (
                REFUSED,
                [
                    "!line",
                    "1 AUTHENTICATE GSSAPI",
                    "!line",
                    "2 AUTHENTICATE PLAIN",
                    "!line",
                    "!base64 \\x00{user}\\x00not-this-one",
                    "!until 2 NO",
                    "3 LOGIN {user} not-this-one",
                    "!until 3 NO",
                    "4 LOGOUT",
                    "!read",
                ],
                "auth == 'no'",
            ),
            (BAD_LOGIN, ["!line", "a1 LOGIN {user} two words", "!line", "a2 LOGOUT", "!read"], "('LOGIN', 'BAD') in answers"),
            (REFUSED, ["!line", "a LOGIN {4}", "!line", "nemo {6}", "!line", "secret", "!until a NO", "b LOGOUT", "!read"], "auth == 'no'"),
            (
                OK_PLAIN,
                ["!line", "NO LOGIN {user} {password}", "!until NO OK", "BYE SELECT INBOX", "!until BYE OK", "BAD LOGOUT", "!read"],
                "'Logged in' in said",
            ),
        ],
        seconds=18,
    ),
    dialogues(
        "second_words_of_login_cyrus",
        [
            (
                said("not_authorized", "auth", "a right password, yet not for another's mailbox", mechanism=["invalid_credentials"]),
                ["!line", "!base64 a AUTHENTICATE PLAIN |somebody-else\\x00{user}\\x00{password}", "!line", "!close"],
                "auth == 'no'",
            ),
            (BAD_LOGIN, ["!line", "a1 LOGIN {user} two words", "!line", "!close"], "('LOGIN', 'BAD') in answers"),
        ],
        server="cyrus",
        seconds=12,
    ),
    in_turn(
        "second_tokens",
        [
            (
                "raw",
                TOKEN,
                challenge("{tag} NO SASL authentication failed"),
                "auth == 'no'",
                {
                    "lines": [
                        "!line",
                        "!base64 A1 AUTHENTICATE OAUTHBEARER |n,a={user},\\x01host=mail\\x01auth=Bearer stale\\x01\\x01",
                        "!line",
                        "AQ==",
                        "!line",
                        "A2 LOGOUT",
                        "!read",
                    ]
                },
            ),
            (
                "raw",
                TOKEN,
                challenge("{tag} NO [AUTHENTICATIONFAILED] Authentication failed."),
                "auth == 'no'",
                {
                    "lines": [
                        "!line",
                        "A1 AUTHENTICATE XOAUTH2",
                        "!line",
                        "!base64 user={user}\\x01auth=Bearer stale\\x01\\x01",
                        "!line",
                        "",
                        "!line",
                        "!close",
                    ]
                },
            ),
            ("raw", TOKEN, challenge("{tag} NO failed"), "auth == 'none'", {"lines": ["!line", STALE, "!line", "!close"]}),
            ("imaplib", TOKEN, challenge("{tag} NO AUTHENTICATE failed."), "auth == 'no'", {"auth": "xoauth2", "password": "wrong"}),
        ],
        script=TOKENS,
    ),
    in_turn(
        "second_tokens_taken",
        [
            ("imaplib", OK_PLAIN, {}, "auth == 'ok'", {"auth": "xoauth2"}),
            (
                "raw",
                OK_PLAIN,
                challenge("{tag} NO AUTHENTICATE failed."),
                "auth == 'no+ok'",
                {
                    "lines": [
                        "!line",
                        STALE,
                        "!line",
                        "",
                        "!line",
                        "A2 LOGIN {user} {password}",
                        "!until A2 OK",
                        "A3 LIST \"\" *",
                        "!until A3 OK",
                        "A4 LOGOUT",
                        "!read",
                    ]
                },
            ),
            (
                "curl",
                said("oauth_token_rejected", "auth", "the token has expired", mechanism=["account_action_required"]),
                on(AUTHENTICATE_BAD=["{tag} NO [AUTHENTICATIONFAILED] OAuth2 access token is expired or revoked"]),
                "auth == 'no'",
                {"args": ["--sasl-ir", "--login-options", "AUTH=XOAUTH2", "--oauth2-bearer", "ya29.stale"]},
            ),
        ],
        script=TOKENS,
    ),
    scenario("second_three_wrong_{server}", wrong_thrice, {"server": ("dovecot", "cyrus")}, server="{server}"),
    in_turn(
        "second_repeated",
        [
            (
                "imaplib",
                REPEATED,
                on(
                    LOGIN_BAD=[
                        ["{tag} NO LOGIN failed. Invalid credentials."],
                        ["{tag} NO LOGIN failed. Invalid credentials."],
                        ["* BYE Login failed too many times.", "!close"],
                    ]
                ),
                "auth == 'no'",
                {"tries": ["wrong"] * 3, "pause": 0.3},
            ),
            (
                "imaplib",
                REPEATED,
                on(LOGIN_BAD=[["{tag} NO Invalid user name or password."], ["* Too many invalid logon attempts.", "{tag} BAD Goodbye", "!close"]]),
                "auth == 'no'",
                {"tries": ["wrong"] * 2, "pause": 0.3},
            ),
            (
                "imaplib",
                REPEATED,
                on(LOGIN_BAD=[["{tag} NO [AUTHENTICATIONFAILED] Authentication failed"], ["!close"]]),
                "auth == 'no'",
                {"tries": ["wrong"] * 2, "pause": 0.3},
            ),
            (
                "perl",
                REFUSED,
                on(LOGIN_BAD=["{tag} NO LOGIN failed", "* BYE 192.0.2.1 Zimbra IMAP4rev1 server terminating connection", "!close"]),
                "auth == 'no'",
                {"password": "wrong"},
            ),
        ],
    ),
    scenario("second_right_then_wrong_{server}", right_then_wrong, {"server": ("courier", "nginx")}, server="{server}", net={"rtt": (4, 30)}),
    dialogues(
        "second_privacy_then_starttls",
        [
            (
                OK_INSIDE,
                [
                    "!line",
                    "a LOGIN {user} {password}",
                    "!until a NO",
                    "b STARTTLS",
                    "!until b OK",
                    "!tls",
                    "c LOGIN {user} {password}",
                    "!until c OK",
                    "d SELECT INBOX",
                    "!until d OK",
                    "e LOGOUT",
                    "!read",
                ],
                "hellos and 'PRIVACYREQUIRED' in said",
            ),
        ],
        options={"plaintext": False, "tls": "starttls"},
        tls="none",
    ),
]
