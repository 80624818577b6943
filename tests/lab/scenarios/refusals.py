"""Servers that say no, in the words of real servers and of the providers, in clear and inside TLS; and refusals that are none."""
from words import OK_PLAIN, REFUSED_INSIDE, join, label, run, scenario, server, shell, wait

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
ANY = {"culprit": ["client", "server", "unknown"], "cause": ["account_settings", "server_down"]}
MORE = {
    "not_authorized": {"mechanism": ["account_action_required"]},
    "account_action_required": {"mechanism": ["not_authorized"]},
    "rate_limited": {"mechanism": ["over_quota"]},
}
USUAL = {
    "invalid_credentials": ("client", "account_settings"),
    "app_password_required": ("client", "account_settings"),
    "account_action_required": ("client", "account_settings"),
    "not_authorized": ("server", "account_settings"),
    "plaintext_auth_disabled": ("client", "account_settings"),
    "oauth_token_rejected": ("client", "account_settings"),
    "connection_limit": ("server", "account_settings"),
    "rate_limited": ("server", "account_settings"),
    "temporarily_unavailable": ("server", "server_down"),
    "maintenance": ("server", "server_down"),
    "access_denied": ("server", "account_settings"),
    "mailbox_unavailable": ("server", "server_down"),
    "over_quota": ("server", "account_settings"),
    "command_rejected": ("server", "server_down"),
    "autologout": ("server", "mail_app"),
    "mechanism_unsupported": ("client", "account_settings"),
    "closed_by_server": ("server", "server_down"),
    "closed_without_greeting": ("server", "server_down"),
}
STRICT = (
    "invalid_credentials",
    "app_password_required",
    "account_action_required",
    "temporarily_unavailable",
    "maintenance",
)  # these leave no choice of culprit or cause


def refusal(mechanism_, at, why, **also):
    culprit, cause = USUAL[mechanism_]
    return label(
        mechanism_,
        at,
        culprit,
        cause,
        also=dict(
            {} if mechanism_ in STRICT else {k: [w for w in v if w not in (culprit, cause)] for k, v in ANY.items()},
            **dict(MORE.get(mechanism_, {}), **also)
        ),
        why=why,
    )


# What is said when the login is sent: (name, mechanism, lines). {tag} is the client's.
LOGIN = [
    ("gmail_invalid", "invalid_credentials", ["{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)"]),
    ("exchange_login", "invalid_credentials", ["{tag} NO LOGIN failed."]),
    ("yahoo_invalid", "invalid_credentials", ["{tag} NO [AUTHENTICATIONFAILED] LOGIN Invalid credentials"]),
    ("zimbra_invalid", "invalid_credentials", ["{tag} NO LOGIN failed", "* BYE mail Zimbra IMAP4rev1 server closing connection", "!close"]),
    ("hmail_invalid", "invalid_credentials", ["{tag} NO Invalid user name or password."]),
    ("netease_invalid", "invalid_credentials", ["{tag} NO LOGIN Login error password error"]),
    ("groupwise_invalid", "invalid_credentials", ["{tag} NO LOGIN GroupWise login failed"]),
    ("stalwart_invalid", "invalid_credentials", ["{tag} NO [AUTHENTICATIONFAILED] Authentication failed"]),
    ("james_invalid", "invalid_credentials", ["{tag} NO LOGIN failed. Invalid credentials."]),
    ("uw_invalid", "invalid_credentials", ["!sleep 3", "{tag} NO Invalid login credentials"]),
    ("sina_invalid", "invalid_credentials", ["{tag} NO LOGIN auth error"]),
    (
        "gmail_apppw",
        "app_password_required",
        ["{tag} NO [ALERT] Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)"],
    ),
    (
        "qq_authcode",
        "app_password_required",
        ["{tag} NO Login fail. Please using authorized code to login. More information at https://mail.qq.example/help"],
    ),
    (
        "zoho_apppw",
        "app_password_required",
        ["{tag} NO [AUTHENTICATIONFAILED] Invalid credentials. Please use an application-specific password to log in."],
    ),
    (
        "gmail_web",
        "account_action_required",
        [
            "* NO [WEBALERT https://accounts.google.com/signin/continue?x=1] Web login required.",
            "{tag} NO [ALERT] Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)",
        ],
    ),
    (
        "outlook_blocked",
        "account_action_required",
        ["{tag} NO LOGIN failed. Account is blocked. Login to your account via a web browser to verify your identity."],
    ),
    ("expired_password", "account_action_required", ["{tag} NO [EXPIRED] Your password has expired, change it in the web mailer"]),
    ("zimbra_change", "account_action_required", ["{tag} NO [ALERT] password must be changed before IMAP login permitted"]),
    (
        "gmail_imap_off",
        "not_authorized",
        [
            "{tag} NO [ALERT] Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable "
            "your account for IMAP access. (Failure)"
        ],
    ),
    (
        "zoho_imap_off",
        "not_authorized",
        ["{tag} NO [ALERT] You are yet to enable IMAP for your account. Please contact your administrator (Failure)"],
    ),
    ("zimbra_imap_off", "not_authorized", ["{tag} NO account does not have IMAP access enabled"]),
    ("authorization", "not_authorized", ["{tag} NO [AUTHORIZATIONFAILED] Authorization failed"]),
    ("courier_disabled", "not_authorized", ["* BYE IMAP access disabled for this account.", "!close"]),
    ("gmail_connections", "connection_limit", ["{tag} NO [ALERT] Too many simultaneous connections. (Failure)"]),
    (
        "dovecot_old_limit",
        "connection_limit",
        ["{tag} NO [UNAVAILABLE] Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)", "!close"],
    ),
    ("cyrus_limit", "connection_limit", ["{tag} NO Too many open connections (11 of 10 from client.example, 11 of 10 for user)"]),
    ("gmail_bandwidth", "rate_limited", ["{tag} NO [OVERQUOTA] Account exceeded command or bandwidth limits. (Failure)"]),
    ("yahoo_rate", "rate_limited", ["{tag} NO [LIMIT] LOGIN Rate limit hit."]),
    (
        "exchange_throttled",
        "rate_limited",
        ["{tag} BAD Request is throttled. Suggested Backoff Time: 299961 milliseconds", "* BYE Connection closed. 14", "!close"],
    ),
    ("stalwart_requests", "rate_limited", ["{tag} NO [LIMIT] Too many requests"]),
    (
        "dovecot_temporary",
        "temporarily_unavailable",
        ["!sleep 2", "{tag} NO [UNAVAILABLE] Temporary authentication failure. [mail:2026-01-05 10:00:00]"],
    ),
    ("dovecot_proxy", "temporarily_unavailable", ["{tag} NO [UNAVAILABLE] Account is temporarily unavailable."]),
    (
        "dovecot_internal",
        "temporarily_unavailable",
        ["* BYE [UNAVAILABLE] Internal login failure. Refer to server log for more information.", "!close"],
    ),
    ("exchange_15", "temporarily_unavailable", ["{tag} NO Server Unavailable. 15"]),
    (
        "yahoo_ocf12",
        "temporarily_unavailable",
        ["{tag} NO [UNAVAILABLE] LOGIN failure. Server error--please try again after some time. Error code OCF12"],
    ),
    ("cyrus_murder", "temporarily_unavailable", ["{tag} NO Server(s) unavailable to complete operation"]),
    ("courier_temporary", "temporarily_unavailable", ["* BYE Temporary problem, please try again later", "!close"]),
    ("zimbra_maintenance", "maintenance", ["{tag} NO [ALERT] account undergoing maintenance; please try again later"]),
    ("closed_in_login", "closed_by_server", ["!sleep 0.5", "!close"]),
]
# What is said instead of a greeting.
GREETING = [
    ("uw_service", "temporarily_unavailable", ["* BYE Service not available mail IMAP4rev1 2007f.404", "!close"]),
    ("zimbra_busy", "connection_limit", ["* BYE mail Zimbra 8.8.15_GA IMAP4rev1 server closing connection; service busy", "!close"]),
    ("too_many", "connection_limit", ["* BYE Too many connections from your address", "!close"]),
    ("dovecot_shutdown", "maintenance", ["* BYE Server shutting down", "!close"]),
    ("maintenance", "maintenance", ["* BYE [UNAVAILABLE] Scheduled maintenance until 06:00, please come back later", "!close"]),
    ("denied", "access_denied", ["* BYE Access denied: your network is not allowed here", "!close"]),
    ("blocked", "access_denied", ["* BYE Your IP address has been blocked by our security policy", "!close"]),
    ("system_error", "temporarily_unavailable", ["* BYE System Error", "!close"]),
    ("mute_close", "closed_without_greeting", ["!sleep 0.3", "!close"]),
]
# What is said to a command of a session that then ends.
COMMAND = [
    ("netease_unsafe", "SELECT", "not_authorized", ["{tag} NO SELECT Unsafe Login. Please contact kefu@188.com for help"]),
    ("in_use", "SELECT", "mailbox_unavailable", ["{tag} NO [INUSE] Mailbox in use by another session"]),
    ("no_permission", "SELECT", "mailbox_unavailable", ["{tag} NO [NOPERM] Permission denied"]),
    ("nonexistent", "SELECT", "mailbox_unavailable", ["{tag} NO [NONEXISTENT] Unknown Mailbox: INBOX (Failure)"]),
    ("cyrus_corrupt", "SELECT", "mailbox_unavailable", ["{tag} NO Mailbox format corruption detected"]),
    ("corrupt", "SELECT", "mailbox_unavailable", ["{tag} NO [CORRUPTION] The mailbox is damaged, call the administrator"]),
    ("gmail_fetch", "FETCH", "command_rejected", ["{tag} NO Some messages could not be FETCHed (Failure)"]),
    ("exchange_fetch", "FETCH", "command_rejected", ["{tag} NO The requested message could not be converted to an RFC-822 compatible format."]),
    ("append_size", "APPEND", "command_rejected", ["{tag} NO Maximum size of appendable message has been exceeded"]),
    ("gmail_over", "APPEND", "over_quota", ["{tag} NO [OVERQUOTA] Not enough disk quota"]),
    ("courier_quota", "APPEND", "over_quota", ["{tag} NO [ALERT] You exceeded your mail quota."]),
    (
        "exchange_connected",
        "SELECT",
        "not_authorized",
        ["{tag} BAD User is authenticated but not connected.", "* BYE Connection closed. 14", "!close"],
    ),
    ("yahoo_fetch", "FETCH", "temporarily_unavailable", ["{tag} NO [UNAVAILABLE] UID FETCH Service is temporarily not available"]),
    (
        "serverbug",
        "SELECT",
        "temporarily_unavailable",
        ["{tag} NO [SERVERBUG] Internal error occurred. Refer to server log for more information. [2026-01-05 10:00:00]"],
    ),
    ("shutdown", "FETCH", "maintenance", ["* BYE Server shutting down.", "!close"]),
    ("fatal", "SELECT", "temporarily_unavailable", ["* BYE Fatal error: can not open mailbox index", "!close"]),
    ("fin_in_fetch", "FETCH", "closed_by_server", ["!close"]),
    ("fin_in_select", "SELECT", "closed_by_server", ["!close"]),
]
INSIDE_WEAK = {
    "mechanism": ["invalid_credentials"],
    "stage": ["close", "session"],
    "culprit": ["unknown", "client", "server"],
    "cause": ["account_settings", "server_down"],
}


def inside(want, closes=False):
    """The same told without keys: a login that was refused, whatever the words; who reads the true reason from its shape is right as well."""
    if want["mechanism"] == "closed_by_server":
        return dict(
            want,
            also_ok={
                "stage": ["session", "greeting"],
                "mechanism": ["rejected_inside_tls"],
                "culprit": ["client", "unknown"],
                "cause": ["account_settings"],
            },
        )
    words = [want["mechanism"]] + ["closed_by_server"] * closes
    also = {"stage": ["close", "session"], "mechanism": words, "culprit": ["unknown", want["culprit"], "server"], "cause": ["server_down"]}
    if want["mechanism"] in STRICT and want["cause"] == "account_settings" and not closes:
        also.update(culprit=["unknown"], cause=[])
    keyed = {"class": None, "mechanism": want["mechanism"], "stage": want["stage"], "culprit": want["culprit"], "cause": want["cause"]}
    return dict(REFUSED_INSIDE, also_ok=also, with_keylog=keyed)


def by_login(m, rng):
    name, mechanism, lines = LOGIN[m["text"]]
    want = refusal(mechanism, "auth", "the login is answered: " + lines[-1] if not lines[-1].startswith("!") else "refused: " + lines[0])
    return [run(m["client"], want if m["tls"] == "none" else inside(want, "!close" in lines), cut=20, check="auth != 'ok' and said")]


def options_by_login(m):
    _, __, lines = LOGIN[m["text"]]
    words = {w: lines for w in ("LOGIN", "AUTHENTICATE")}
    return {"script": {"on": words}}


def logged(texts, m):
    return dict(m, name=texts[m["text"]][0])


def scenario_of(texts, prefix, steps, options, clients, every):
    """One scenario for each text, so that its name says which; clients take turns."""
    return [
        scenario(
            "%s_%s_{tls}_{client}" % (prefix, one[0]),
            (lambda m, rng, i=i: steps(dict(m, text=i), rng)),
            {
                "client": tuple(clients[(i * 2 + k) % len(clients)] for k in range(every)),
                "tls": ("none",) if prefix != "says" else ("none", "implicit"),
            },
            server="scripted",
            options=(lambda m, i=i: options(dict(m, text=i))),
            quick=lambda m, i=i: i % 6 == 0 and m["client"] == "imaplib" and m["tls"] == "none",
            skip=lambda m: m["tls"] == "implicit" and m["client"] == "mbsync",
        )
        for i, one in enumerate(texts)
    ]


def by_greeting(m, rng):
    name, mechanism, lines = GREETING[m["text"]]
    return [run(m["client"], refusal(mechanism, "greeting", "instead of a greeting: " + lines[0]), cut=20, check="not answers and fin_server")]


def by_command(m, rng):
    name, command, mechanism, lines = COMMAND[m["text"]]
    more = {"append": 3000} if command == "APPEND" else {}
    also = {
        "netease_unsafe": {"mechanism": ["account_action_required", "mailbox_unavailable"], "stage": ["auth"]},
        "exchange_connected": {
            "mechanism": ["rate_limited", "temporarily_unavailable", "account_action_required", "mailbox_unavailable"],
            "stage": ["auth"],
        },
        "fatal": {"mechanism": ["mailbox_unavailable", "command_rejected"]},
        "serverbug": {"mechanism": ["mailbox_unavailable"]},
    }.get(name, {})
    want = refusal(mechanism, "session", "%s is answered: %s" % (command, lines[0]), **also)
    return [run(m["client"], want, cut=20, end="close", check="auth == 'ok'", **more)]


def options_by_command(m):
    _, command, __, lines = COMMAND[m["text"]]
    return {"script": {"on": {command: lines}}}


FULL = refusal("connection_limit", "auth", "one connection too many for this user and address", stage=["session"])
FULL_MUTE = refusal("connection_limit", "greeting", "one connection too many: closed without a word", mechanism=["closed_without_greeting"])
KICKED = refusal(
    "maintenance", "idle", "the administrator ends the session", stage=["session", "close"], mechanism=["closed_by_server", "temporarily_unavailable"]
)
DOWN = refusal("temporarily_unavailable", "auth", "the server can't ask who may log in", stage=["greeting"])
NO_BOX = refusal("mailbox_unavailable", "session", "SELECT is refused", stage=["close"])


def limit(m, rng):
    """One session holds the place, the next is refused."""
    holder = run("raw", OK_PLAIN, lines=IN + ["!sleep 6", "c logout", "!read"], wait=False, name="x", seconds=20, check="auth == 'ok'")
    return [holder, wait(1.5), run(m["client"], FULL, cut=12, check="auth == 'no'"), join("x")]


def maxperip(m, rng):
    holder = run("raw", OK_PLAIN, lines=IN + ["!sleep 6", "c logout", "!read"], wait=False, name="x", seconds=20, check="auth == 'ok'")
    mute = refusal(
        "closed_without_greeting", "greeting", "one connection too many for this address: closed without a word", mechanism=["connection_limit"]
    )
    return [holder, wait(1), run(m["client"], mute, cut=12, check="not said and fin_server"), join("x")]


def kicked(m, rng):
    lines = IN + ["c idle", "!line", "!read", "!sleep 2.5", "!read"]
    act = {
        "doveadm": shell("s1", "doveadm -c {t1}/dovecot.conf kick {u0} >/dev/null"),
        "stop": server("stop"),
        "signal": server("signal", process="imapd", how="TERM"),
    }[m["how"]]
    return [
        run("raw", KICKED, lines=lines, seconds=15, wait=False, name="x", check="auth == 'ok' and '* BYE' in said"),
        wait(2),
        act,
        join("x"),
        wait(0.5),
    ]


def cyrus_shutdown(m, rng):
    lines = IN + ["!sleep 2.5", "c noop", "!read"]
    return [
        run(
            "raw",
            dict(KICKED, stage="session", also_ok=dict(KICKED["also_ok"], stage=["idle", "close"])),
            lines=lines,
            seconds=10,
            wait=False,
            name="x",
            check="'* BYE' in said",
        ),
        wait(2),
        shell("s1", "echo Going down for maintenance > {t1}/cyrus/msg/shutdown; chmod 644 {t1}/cyrus/msg/shutdown"),
        join("x"),
        run(
            m["client"],
            refusal("maintenance", "session", "* BYE with the words of the shutdown file", stage=["auth", "greeting"]),
            check="'Going down' in said",
        ),
    ]


def auth_down(m, rng):
    act = server("know", fault="fail")
    want = DOWN
    if m["server"] == "cyrus":
        want = dict(DOWN, also_ok={"mechanism": ["invalid_credentials"], "culprit": ["client"], "cause": ["account_settings"]})
    return [act, run(m["client"], want, seconds=9, cut=20, check="auth != 'ok'")]


def process_killed(m, rng):
    return [
        run(
            "raw",
            refusal("closed_by_server", "session", "the session's process dies, FIN without a BYE", stage=["idle"], mechanism=["reset_by_server"]),
            lines=IN + ["c idle", "!line", "!read", "!sleep 2", "!read"],
            wait=False,
            name="x",
            check="auth == 'ok' and (fin_server or rst_server) and '* BYE' not in said",
        ),
        wait(2),
        server("signal", process={"dovecot": "imap", "cyrus": "imapd", "courier": "imapd"}[m["server"]], how="KILL"),
        join("x"),
        wait(1),
    ]


def select_refused(m, rng):
    return [
        run(
            "imaplib",
            NO_BOX,
            mailbox=m["box"],
            op="select",
            end=rng.choice(("logout", "close")),
            check="auth == 'ok' and any(c in ('SELECT', 'EXAMINE') and s == 'NO' for c, s in answers)",
        )
    ]


def prelogin_timeout(m, rng):
    return [
        run(
            "raw",
            refusal("autologout", "greeting", "BYE for inactivity, no login was tried", stage=["auth", "idle", "close"]),
            lines=["!line", "!sleep 195"],
            cut=200,
            seconds=200,
            check="'* BYE' in said and auth == 'none'",
        )
    ]


NEEDS_TLS = label(
    "plaintext_auth_disabled",
    "auth",
    "client",
    "account_settings",
    also={"stage": ["greeting"], "mechanism": ["client_protocol_error"], "cause": ["mail_app"]},
    why="LOGIN needs TLS first, and the client has none",
)
# A client that leaves when it has seen what is offered, and was not told that LOGIN is off.
NEEDS_TLS_UNTOLD = dict(NEEDS_TLS, also_ok=dict(NEEDS_TLS["also_ok"], mechanism=["client_protocol_error", "probe", "clean_close"]))
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
SCENARIOS = (
    scenario_of(LOGIN, "says", by_login, options_by_login, ("imaplib", "curl", "perl", "imapflow", "fetchmail", "mbsync"), 2)
    + scenario_of(
        GREETING,
        "greets",
        by_greeting,
        lambda m: {"script": {"greeting": GREETING[m["text"]][2]}},
        ("imaplib", "curl", "perl", "mbsync", "imapflow"),
        2,
    )
    + scenario_of(COMMAND, "answers", by_command, options_by_command, ("imaplib",), 1)
    + [
        scenario(
            "limit_dovecot_{client}",
            limit,
            {"client": ("curl", "imaplib", "mbsync")},
            options={"extra": "protocol imap {\n mail_max_userip_connections = 1\n}\n"},
        ),
        scenario(
            "limit_cyrus_{what}_{client}",
            limit,
            {"client": ("curl", "imaplib"), "what": ("host", "user")},
            server="cyrus",
            options=lambda m: {"extra": "maxlogins_per_%s: %d" % (m["what"], {"host": 2, "user": 1}[m["what"]])},
            mailbox={"messages": 0},
        ),
        scenario("limit_courier_{client}", maxperip, {"client": ("curl", "imaplib", "mbsync")}, server="courier", options={"maxperip": 1}),
        scenario(
            "kicked_{server}_{how}",
            kicked,
            {"server": ("dovecot", "courier"), "how": ("doveadm", "stop", "signal")},
            server="{server}",
            seeds=2,
            skip=lambda m: (m["server"], m["how"]) not in (("dovecot", "doveadm"), ("dovecot", "stop"), ("courier", "signal")),
        ),
        scenario("shutdown_file_{client}", cyrus_shutdown, {"client": ("curl", "imaplib")}, server="cyrus"),
        scenario(
            "auth_down_{server}_{client}",
            auth_down,
            {"server": ("courier", "nginx", "cyrus"), "client": ("curl", "imaplib", "perl")},
            server="{server}",
        ),
        scenario("process_killed_{server}", process_killed, {"server": ("dovecot", "courier", "cyrus")}, server="{server}"),
        scenario(
            "no_mailbox_{server}_{box}",
            select_refused,
            {"server": ("dovecot", "cyrus", "courier"), "box": ("Nope", "Archive.2019")},
            server="{server}",
        ),
        scenario(
            "quota_full_dovecot_{client}",
            lambda m, rng: [
                run(
                    m["client"],
                    refusal("over_quota", "session", "APPEND answered NO [OVERQUOTA]", stage=["close"]),
                    op="sync",
                    append=70000,
                    end="close",
                    check="'OVERQUOTA' in said",
                )
            ],
            {"client": ("imaplib",)},
            options={"extra": QUOTA},
            mailbox={"messages": 3, "size": (1000, 2000)},
            seeds=2,
        ),
        scenario(
            "silent_autologout_{client}",
            lambda m, rng: [
                run(
                    "raw",
                    refusal("autologout", "idle", "BYE for inactivity while the client thought itself connected", stage=["session", "close"]),
                    lines=IN + ["!sleep 5", "!read"],
                    seconds=9,
                    cut=12,
                    check="'* BYE' in said and auth == 'ok'",
                )
            ],
            {"client": ("raw",)},
            server="scripted",
            options={"script": {"on": {"SELECT": ["!default", "!sleep 4", "* BYE Autologout (idle for too long)", "!close"]}}},
            seeds=2,
        ),
        scenario(
            "session_expired_{text}",
            lambda m, rng: [
                run(
                    "raw",
                    refusal(
                        "autologout",
                        "idle",
                        "the provider ends a session that is too old",
                        stage=["session", "close"],
                        mechanism=["oauth_token_rejected"],
                    ),
                    lines=IN + ["!sleep 5", "!read"],
                    seconds=9,
                    cut=12,
                    check="'* BYE' in said and auth == 'ok'",
                )
            ],
            {"text": ("google", "exchange")},
            server="scripted",
            options=lambda m: {
                "script": {
                    "on": {
                        "SELECT": [
                            "!default",
                            "!sleep 4",
                            {"google": "* BYE Session expired, please login again.", "exchange": "* BYE Connection is closed. 13"}[m["text"]],
                            "!close",
                        ]
                    }
                }
            },
        ),
        scenario("prelogin_timeout_dovecot", prelogin_timeout, seeds=2),
        scenario(
            "login_unlikely_{server}_{client}",
            lambda m, rng: [
                run(m["client"], [("'LOGINDISABLED' in said or auth == 'no'", NEEDS_TLS), ("True", NEEDS_TLS_UNTOLD)], check="auth != 'ok'")
            ],
            {"client": ("curl", "imaplib", "perl", "fetchmail", "mbsync", "getmail"), "server": ("dovecot", "cyrus", "courier", "nginx")},
            server="{server}",
            mailbox={"messages": 0},
            options={"plaintext": False},
        ),
        scenario(
            "mechanism_unknown_{server}_{mechanism}",
            lambda m, rng: [
                run(
                    "raw",
                    label(
                        "mechanism_unsupported",
                        "auth",
                        "client",
                        "account_settings",
                        also={"stage": ["greeting"], "mechanism": ["client_protocol_error"], "cause": ["mail_app"]},
                        why="the SASL mechanism is refused",
                    ),
                    lines=["!line", "a AUTHENTICATE %s" % m["mechanism"], "!line", "!close"],
                    check="('AUTHENTICATE', 'NO') in answers or ('AUTHENTICATE', 'BAD') in answers",
                )
            ],
            {"server": ("dovecot", "cyrus", "courier", "nginx"), "mechanism": ("GSSAPI", "NTLM")},
            server="{server}",
        ),
        scenario(
            "token_{provider}",
            lambda m, rng: [
                run(
                    "raw",
                    label("oauth_token_rejected", "auth", "client", "account_settings", why="the token is answered by an error"),
                    lines=["!line", "a AUTHENTICATE XOAUTH2 dXNlcj1h", "!line"] + ([""] if m["provider"] == "google" else []) + ["!read", "!close"],
                    check="('AUTHENTICATE', 'NO') in answers",
                )
            ],
            {"provider": ("google", "exchange", "yahoo")},
            server="scripted",
            options=lambda m: {
                "script": {
                    "on": {
                        "AUTHENTICATE_BAD": {
                            "google": [
                                "!raw + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\\r\\n",
                                "!line",
                                "{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
                            ],
                            "exchange": ["{tag} NO AUTHENTICATE failed."],
                            "yahoo": ["{tag} NO [AUTHENTICATIONFAILED] (#AUTH00) Failed to validate token"],
                        }[m["provider"]]
                    }
                }
            },
            seeds=2,
        ),
        scenario(
            "backend_gone_{server}_{client}",
            lambda m, rng: [
                server("signal", process="dovecot", how="KILL"),
                server("signal", process="imap-login", how="KILL"),
                wait(0.3),
                run(
                    m["client"],
                    refusal(
                        "closed_without_greeting",
                        "greeting",
                        "the proxy has nobody behind it",
                        mechanism=["reset_by_server", "closed_by_server", "temporarily_unavailable", "handshake_aborted"],
                        stage=["tls", "auth", "session"],
                    ),
                    cut=20,
                    check="not said or auth == 'none'",
                ),
            ],
            {"server": ("haproxy",), "client": ("curl", "imaplib", "mbsync")},
            server="{server}",
        ),
    ]
)
