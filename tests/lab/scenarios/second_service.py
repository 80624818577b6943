"""Another author's wrong doors: other services on mail ports, TLS where there is none, STARTTLS that goes astray, and servers that fall silent on the way."""
from scenarios.second_login import dialogues, in_turn, on
from words import OK_INSIDE, OK_PLAIN, PLAIN_PORT, PROTOCOL, REFUSED_INSIDE, SLOW, label, run, scenario, server

IN = ["!line", "a LOGIN {user} {password}", "!until a OK"]
OPENED = IN + ["b SELECT INBOX", "!until b OK"]
OUT = ["z LOGOUT", "!read"]
PLAIN_TO_TLS = label(
    "plaintext_to_tls_port", "greeting", "client", "account_settings", also={"stage": ["tls"]}, why="plain words to a port that speaks TLS"
)
SERVICE = label("wrong_service", "greeting", "client", "account_settings", also={"stage": ["tls", "auth"]}, why="another protocol answers")
STARTTLS = label(
    "starttls_refused",
    "greeting",
    "server",
    "account_settings",
    also={"stage": ["tls"], "culprit": ["client"], "cause": ["server_down"]},
    why="no STARTTLS to be had, the client leaves",
)
# Some leave at the sight of the greeting, as a check of the banner does: nothing tells the two apart.
LEFT = [("not asked", dict(STARTTLS, ambiguous=True)), ("True", STARTTLS)]
ASTRAY = label(
    "handshake_aborted",
    "tls",
    "server",
    "server_down",
    also={"culprit": ["unknown"], "cause": ["mail_app"], "mechanism": ["starttls_refused", "temporarily_unavailable"], "stage": ["greeting"]},
    why="STARTTLS is granted, then no TLS comes",
)
NO_GREETING = label("greeting_timeout", "greeting", "server", "server_down", why="no greeting, or half of one")
NO_AUTH = label("auth_timeout", "auth", "server", "server_down", why="the login is never answered")
NO_ANSWER = label("command_timeout", "session", "server", "server_down", why="a command is never answered to its end")
EARLY = dict(NO_ANSWER, stage="greeting", also_ok={"stage": ["tls", "session"]})
INSIDE_SILENT = label(
    "command_timeout",
    "session",
    "server",
    "server_down",
    also={"mechanism": ["auth_timeout", "greeting_timeout"], "stage": ["auth", "greeting"]},
    why="what is asked inside TLS is never answered",
)
UNGREETED = dict(NO_GREETING, also_ok={"mechanism": ["command_timeout"], "stage": ["session"]})
NO_HELLO = label("tls_no_response", "tls", "server", "server_down", why="the ClientHello is never answered")
BANNERS = {
    "telnet": ["!raw \\xff\\xfd\\x18\\xff\\xfd\\x20\\xff\\xfd\\x23\\xff\\xfd\\x27login: ", "!silent"],
    "sieve": [
        "\"IMPLEMENTATION\" \"Dovecot Pigeonhole\"",
        "\"SIEVE\" \"fileinto reject envelope\"",
        "\"STARTTLS\"",
        "OK \"Dovecot ready.\"",
        "!silent",
    ],
    "mysql": [
        "!raw \\x4a\\x00\\x00\\x00\\x0a8.0.36\\x00\\x0b\\x00\\x00\\x00abcdefgh\\x00\\xff\\xf7\\xff\\x02\\x00\\xff\\xdf\\x15\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00\\x00abcdefghijkl\\x00caching_sha2_passw\\x00",
        "!silent",
    ],
    "vnc": ["!raw RFB 003.008\\n", "!silent"],
    "ftp": ["220-Welcome to the file server", "220 (vsFTPd 3.0.5)", "!silent"],
    "portal": ["!recv", "HTTP/1.1 302 Found", "Location: http://portal.example/login?u=1", "Content-Length: 0", "Connection: close", "", "!close"],
    "proxy": [
        "!recv",
        "HTTP/1.0 400 Bad Request",
        "Server: squid/5.7",
        "Content-Type: text/html",
        "",
        "<html><head><title>ERROR: The requested URL could not be retrieved</title></head></html>",
        "!close",
    ],
    "ssh": ["SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13", "!recv", "Invalid SSH identification string.", "!close"],
    "smtp_busy": ["554 mail.example ESMTP not accepting messages", "!silent"],
    "pop": ["+OK Dovecot ready.", "!recv", "-ERR Unknown command.", "!silent"],
}


def met(*names):
    """Clients in turn, each of which meets another service where IMAP should be."""
    return in_turn(
        "second_service_" + "_".join(n for n, _ in names),
        [
            (
                client,
                SERVICE,
                {"greeting": BANNERS[name]},
                "established and auth == 'none'",
                dict({"seconds": 6}, **({"lines": ["a1 CAPABILITY", "!read", "!close"]} if client == "raw" else {})),
            )
            for name, client in names
        ],
    )


def elsewhere(name, port, banner, lines):
    """A client that speaks IMAP to the port of another mail protocol."""
    return scenario(
        name,
        [run("raw", SERVICE, port=port, lines=lines, seconds=6, check="established")],
        server="scripted",
        options={"script": {"greeting": banner}, "ports": [143, 993, port]},
    )


def starttls(client, want, check, *reaction):
    """For in_turn: what STARTTLS is answered."""
    return client, want, on(STARTTLS=list(reaction)), check, {"tls": "starttls", "seconds": 6}


def silent(command, client, want, check="auth == 'ok'", **how):
    """For in_turn: this command is never answered."""
    return client, want, on(**{command: ["!silent"]}), check, dict({"seconds": 6}, **how)


def greeting(client, want, check, *lines, seconds=6, **how):
    """For in_turn: what the server says first."""
    return client, want, {"greeting": list(lines)}, check, dict({"seconds": seconds}, **how)


def inside_steps(m, rng):
    lines = {
        "plain": ["{tag} NO [AUTHENTICATIONFAILED] Authentication failed."],
        "short": ["{tag} NO AUTHENTICATE failed."],
        "bye": ["{tag} NO LOGIN failed", "* BYE closing connection", "!close"],
    }
    want = dict(REFUSED_INSIDE)
    steps = []
    for i, (client, words) in enumerate((("imapflow", "plain"), ("imaplib", "short"), ("perl", "bye"))):
        also = {
            "stage": ["close", "session"],
            "culprit": ["unknown"] + ["server"] * (words == "bye"),
            "mechanism": ["closed_by_server"] * (words == "bye"),
            "cause": ["server_down"] * (words == "bye"),
        }
        steps += [
            server("script", script={"on": {"LOGIN": lines[words], "AUTHENTICATE": lines[words]}}),
            run(client, dict(want, also_ok=also), user=i, host=("c1", "c2")[i % 2], check="auth == 'no'"),
        ]
    return steps


BEARER = {
    "caps": "IMAP4rev1 SASL-IR ID AUTH=XOAUTH2 AUTH=PLAIN",
    "on": {
        "AUTHENTICATE_BAD": [
            "!sleep 0.3",
            "!raw + eyJzdGF0dXMiOiI0MDAiLCJzY2hlbWVzIjoiQmVhcmVyIiwic2NvcGUiOiJodHRwczovL21haWwuZ29vZ2xlLmNvbS8ifQ==\\r\\n",
            "!line",
            "{tag} NO [AUTHENTICATIONFAILED] Invalid credentials (Failure)",
        ]
    },
}
NO_TLS_HERE = {"caps": "IMAP4rev1 ID IDLE AUTH=PLAIN AUTH=LOGIN", "on": {"STARTTLS": ["{tag} BAD Unknown command"]}}
SCENARIOS = [
    met(("telnet", "imaplib"), ("sieve", "curl"), ("mysql", "perl")),
    met(("vnc", "mbsync"), ("ftp", "fetchmail"), ("portal", "raw")),
    met(("proxy", "raw"), ("ssh", "raw"), ("smtp_busy", "imapflow"), ("pop", "raw")),
    elsewhere(
        "second_imap_to_pop3_port",
        110,
        ["+OK POP3 ready", "!line", "-ERR unknown command", "!line", "-ERR unknown command", "!silent"],
        ["!line", "a1 CAPABILITY", "!line", "a2 LOGOUT", "!line", "!close"],
    ),
    elsewhere(
        "second_imap_to_submission_port",
        587,
        ["220 mail.example ESMTP Postfix", "!line", "502 5.5.2 Error: command not recognized", "!silent"],
        ["!line", "a1 CAPABILITY", "!line", "!sleep 1", "!close"],
    ),
    scenario(
        "second_tls_port_speaks_plain",
        [run(c, PLAIN_PORT, user=i % 3, seconds=6, check="hellos and not tls") for i, c in enumerate(("curl", "getmail", "fetchmail", "neomutt"))],
        server="scripted",
        options={"tls": "implicit", "tls_ports": []},
    ),
    in_turn(
        "second_plain_port_speaks_tls",
        [
            (
                "raw",
                PLAIN_TO_TLS,
                {"greeting": ["!recv", "!raw \\x15\\x03\\x03\\x00\\x02\\x02\\x0a", "!close"]},
                "data_client",
                {"lines": ["a1 CAPABILITY", "!read", "!close"]},
            )
        ],
    ),
    in_turn(
        "second_starttls_astray",
        [
            starttls("curl", STARTTLS, "not hellos and auth == 'none'", "{tag} BAD TLS support isn't enabled."),
            starttls(
                "imaplib",
                dict(STARTTLS, also_ok=dict(STARTTLS["also_ok"], mechanism=["temporarily_unavailable"])),
                "not hellos and auth == 'none'",
                "{tag} NO [UNAVAILABLE] TLS is not available now",
            ),
            starttls(
                "perl",
                ASTRAY,
                "not tls",
                "{tag} OK Begin TLS negotiation now.",
                "!sleep 0.1",
                "* BYE [UNAVAILABLE] TLS initialization failed.",
                "!close",
            ),
            starttls(
                "imapflow",
                ASTRAY,
                "not tls and hellos",
                "{tag} OK Begin TLS negotiation now.",
                "!recv",
                "!raw this is no TLS at all, sorry about that\\r\\n",
                "!close",
            ),
            starttls("imaplib", EARLY, "not hellos", "!silent"),
            starttls("curl", NO_HELLO, "hellos and not tls", "{tag} OK Begin TLS negotiation now.", "!silent"),
            (
                "raw",
                OK_PLAIN,
                on(STARTTLS=["{tag} BAD unknown command"]),
                "auth == 'ok'",
                {"lines": ["!line", "s STARTTLS", "!until s BAD"] + OPENED[1:] + OUT},
            ),
        ],
    ),
    scenario(
        "second_starttls_not_offered",
        [
            run(c, LEFT, user=i % 3, tls="starttls", seconds=6, check="auth == 'none' and not hellos")
            for i, c in enumerate(("perl", "imapflow"))
        ],
        server="scripted",
        options={"script": NO_TLS_HERE},
    ),
    in_turn(
        "second_greeting_silence",
        [
            greeting("imaplib", NO_GREETING, "auth == 'none'", "!raw * OK [CAPABILITY IMAP4rev1 ID", "!silent"),
            greeting("perl", NO_GREETING, "auth == 'none'", "!sleep 12", "* OK ready"),
            greeting(
                "curl",
                dict(NO_GREETING, also_ok={"mechanism": ["temporarily_unavailable"], "stage": ["auth"]}),
                "auth == 'none'",
                "* OK Waiting for authentication process to respond..",
                "!silent",
            ),
            greeting("raw", OK_PLAIN, "auth == 'ok'", "!sleep 3", "* OK IMAP4rev1 ready", lines=["!until ready"] + OPENED[1:] + OUT),
            greeting("raw", SLOW, "auth == 'ok'", "!sleep 8", "* OK IMAP4rev1 ready", lines=["!until ready"] + OPENED[1:] + OUT, seconds=12),
        ],
    ),
    in_turn(
        "second_silent_before",
        [
            silent("CAPABILITY", "imaplib", dict(EARLY, also_ok={"stage": ["session", "auth"]}), "auth == 'none' and said"),
            silent("LOGIN", "fetchmail", NO_AUTH, "auth == 'none' and said"),
            ("imapflow", NO_AUTH, on(AUTHENTICATE=["!silent"], LOGIN=["!silent"]), "auth == 'none' and said", {"seconds": 6}),
            silent("AUTHENTICATE_CRAM-MD5", "raw", NO_AUTH, "said", lines=["!line", "a AUTHENTICATE CRAM-MD5", "!line"]),
        ],
    ),
    in_turn(
        "second_silent_after",
        [
            silent("SELECT", "curl", NO_ANSWER, seconds=7),
            silent("FETCH", "getmail", NO_ANSWER),
            silent("LIST", "mbsync", NO_ANSWER),
            (
                "imaplib",
                NO_ANSWER,
                on(
                    FETCH=[
                        "!raw * 1 FETCH (UID 1 BODY[] {9000}\\r\\nSubject: half\\r\\n\\r\\n%s" % ("some words and then silence\\r\\n" * 40),
                        "!silent",
                    ]
                ),
                "auth == 'ok'",
                {"seconds": 6},
            ),
            silent("IDLE", "raw", dict(NO_ANSWER, also_ok={"stage": ["idle"]}), lines=OPENED + ["c IDLE", "!line"]),
            greeting(
                "raw",
                NO_ANSWER,
                "auth == 'ok'",
                "* OK ready",
                "!line",
                "!raw a OK in\\r\\n",
                "!line",
                "!silent",
                lines=IN + ["b APPEND INBOX {900}", "!line"],
            ),
        ],
    ),
    in_turn(
        "second_slow_but_there",
        [
            (
                "raw",
                SLOW,
                on(
                    SEARCH=[
                        "!sleep 3",
                        "* OK [INPROGRESS (\"c\" 30 100)] Still searching",
                        "!sleep 3",
                        "* OK [INPROGRESS (\"c\" 80 100)] Still searching",
                        "!sleep 1",
                        "!default",
                    ]
                ),
                "auth == 'ok'",
                {"lines": OPENED + ["c SEARCH BODY words", "!until c OK"] + OUT, "seconds": 12},
            ),
            ("imaplib", OK_PLAIN, on(SEARCH=["!sleep 3", "!default"], FETCH=["!sleep 2", "!default"]), "auth == 'ok'", {"seconds": 12}),
        ],
        mailbox={"messages": 1},
    ),
    dialogues(
        "second_bad_words",
        [
            (
                dict(
                    PROTOCOL,
                    stage="greeting",
                    also_ok={"stage": ["session", "auth"], "mechanism": ["wrong_service", "probe"], "cause": ["account_settings"]},
                ),
                ["GET / HTTP/1.1", "Host: mail.example", "", "!read", "!close"],
                "'BAD' in said",
            ),
            (
                dict(PROTOCOL, stage="greeting", also_ok={"stage": ["auth", "session"]}),
                ["!line", "a SELECT INBOX", "!line", "b FETCH 1:* (FLAGS)", "!line", "!close"],
                "any(s == 'BAD' for _, s in answers)",
            ),
            (PROTOCOL, IN + [w for i in range(22) for w in ("n%d FROBNICATE" % i, "!line")] + ["!read"], "'* BYE Too many' in said"),
        ],
        net={"rtt": (4, 20)},
    ),
    dialogues(
        "second_bad_then_leaves",
        [
            (
                PROTOCOL,
                IN + ["b SELECT", "!line", "c FETCH 1 (NONSENSE", "!line", "d LOGOUT", "!read"],
                "auth == 'ok' and ('SELECT', 'BAD') in answers",
            )
        ],
        server="cyrus",
        seconds=12,
    ),
    scenario("second_inside_refused", inside_steps, server="scripted", options={"tls": "implicit"}),
    scenario(
        "second_inside_token",
        [
            run(
                "imaplib",
                dict(REFUSED_INSIDE, with_keylog={"class": "auth_failure", "mechanism": "oauth_token_rejected", "stage": "auth"}),
                auth="xoauth2",
                password="ya29." + "x" * 180,
                check="auth == 'no'",
            ),
            run("imaplib", OK_INSIDE, user=1, host="c2", auth="xoauth2", check="auth == 'ok'"),
        ],
        server="scripted",
        options={"tls": "implicit", "script": BEARER},
    ),
    scenario(
        "second_inside_cram_{tls}",
        [
            run("imaplib", OK_INSIDE, auth="cram-md5", check="auth == 'ok'"),
            run("offlineimap", OK_INSIDE, mechanism="CRAM-MD5", host="c2", user=1, seconds=12, check="auth == 'ok'"),
            run("curl", REFUSED_INSIDE, password="wrong", args=["--login-options", "AUTH=CRAM-MD5"], user=2, seconds=12, check="auth == 'no'"),
        ],
        {"tls": ("implicit", "starttls")},
        options={"extra": "auth_mechanisms = plain cram-md5\n"},
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_inside_retries",
        [
            run("imaplib", OK_INSIDE, tries=["wrong", "right"], pause=0.5, seconds=15, check="auth == 'no+ok'"),
            run("imaplib", REFUSED_INSIDE, host="c2", user=1, tries=["wrong", "wrong"], pause=0.5, seconds=20, check="auth == 'no'"),
        ],
        server="courier",
        options={"tls": "implicit"},
    ),
    in_turn(
        "second_inside_silent",
        [
            silent("LOGIN", "imaplib", INSIDE_SILENT, "auth == 'none'", tls="implicit"),
            silent("SELECT", "imaplib", INSIDE_SILENT, tls="implicit"),
            silent("FETCH", "perl", INSIDE_SILENT, tls="implicit"),
            greeting("imaplib", UNGREETED, "tls and not said", "!silent", tls="implicit"),
            greeting("curl", UNGREETED, "tls and not said", "!silent", tls="implicit"),
        ],
    ),
    # --- companions: other mail protocols beside IMAP, which are no IMAP failure ---
    scenario(
        "second_companion_{port}",
        lambda m, rng: [
            run(
                "raw",
                None,
                server="s2",
                port=m["port"],
                lines={
                    110: ["!line", "USER anna", "!line", "PASS secret", "!line", "STAT", "!line", "QUIT", "!line"],
                    587: [
                        "!line",
                        "EHLO client.example",
                        "!line",
                        "AUTH PLAIN AGFubmEAc2VjcmV0",
                        "!line",
                        "MAIL FROM:<a@b.example>",
                        "!line",
                        "QUIT",
                        "!line",
                    ],
                }[m["port"]],
                seconds=6,
            ),
            run("imaplib", OK_PLAIN, check="auth == 'ok'"),
        ],
        {"port": (110, 587)},
        server2="scripted",
        options2=lambda m: {
            "ports": [m["port"]],
            "tls_ports": [],
            "script": {
                "greeting": {
                    110: ["+OK POP3 ready", "!line", "+OK", "!line", "+OK logged in", "!line", "+OK 3 4711", "!line", "+OK bye", "!close"],
                    587: [
                        "220 mail.example ESMTP",
                        "!line",
                        "250 AUTH PLAIN",
                        "!line",
                        "235 2.7.0 Authentication successful",
                        "!line",
                        "250 2.1.0 Ok",
                        "!line",
                        "221 2.0.0 Bye",
                        "!close",
                    ],
                }[m["port"]]
            },
        },
    ),
]
