"""TLS that fails: certificates that no client takes, versions and suites that don't meet, client certificates, names, STARTTLS, and hangs up."""
from words import OK_INSIDE, label, run, scenario

CLIENTS = ("curl", "mbsync", "fetchmail", "getmail", "imapfilter", "offlineimap", "imaplib", "perl", "imapflow", "openssl", "gnutls")
NO_STARTTLS = ("getmail", "imapfilter")
BAD = label(
    "certificate_rejected",
    "tls",
    "server",
    "account_settings",
    also={"culprit": ["client"], "cause": ["server_down"], "mechanism": ["handshake_aborted"]},
    why="the client refuses the certificate",
)
# Some finish the handshake and look at the name afterwards, or leave without an alert: nothing but the end that follows tells it.
LATE = label(
    "certificate_rejected",
    "tls",
    "server",
    "account_settings",
    also={
        "culprit": ["client", "unknown"],
        "cause": ["server_down", "mail_app"],
        "mechanism": ["handshake_aborted", "clean_close", "probe"],
        "stage": ["greeting", "session", "close"],
        "outcome": ["healthy", "inconclusive"],
    },
    why="the client refuses the certificate after the handshake, without an alert",
)
VERSION = label(
    "version_mismatch",
    "tls",
    "client",
    "mail_app",
    also={"culprit": ["server", "unknown"], "cause": ["account_settings", "server_down"], "mechanism": ["no_shared_cipher"]},
    why="the hellos have no version in common",
)
# A client that offers only TLS 1.3 and is answered by a FIN: nothing shows what the server could do.
VERSION_OR_FIN = dict(VERSION, also_ok=dict(VERSION["also_ok"], mechanism=["no_shared_cipher", "handshake_aborted"]))
# A client of today that refuses the server's old version itself, with whatever alert its library has for it.
SERVER_OLD = dict(
    VERSION,
    culprit="server",
    also_ok={"culprit": ["client", "unknown"], "cause": ["account_settings", "server_down"], "mechanism": ["no_shared_cipher", "handshake_aborted"]},
)
VERSION_ALERT = dict(VERSION, also_ok={"culprit": ["server", "unknown"], "cause": ["account_settings", "server_down"]})
CIPHER = label(
    "no_shared_cipher",
    "tls",
    "client",
    "mail_app",
    also={"culprit": ["server", "unknown"], "cause": ["account_settings", "server_down"]},
    why="no cipher suite or group in common: handshake_failure",
)
WANTS_CERT = label(
    "client_certificate_required",
    "tls",
    "client",
    "account_settings",
    also={"culprit": ["server", "unknown"], "cause": ["mail_app", "server_down"]},
    why="the server wants a client certificate",
)
# In TLS 1.3 both the request and the alert are encrypted: what is seen is a handshake, a small record, and the end.
WANTS_CERT_13 = dict(
    WANTS_CERT,
    also_ok={
        "culprit": ["server", "unknown"],
        "cause": ["mail_app", "server_down"],
        "stage": ["greeting", "session"],
        "mechanism": ["handshake_aborted", "closed_without_greeting", "closed_by_server", "reset_by_server"],
    },
)
NAME = label(
    "unrecognized_name",
    "tls",
    "client",
    "account_settings",
    also={"culprit": ["server"], "cause": ["mail_app", "server_down"]},
    why="the server does not know the name that the client asks for",
)
NO_TLS = label(
    "starttls_refused",
    "greeting",
    "server",
    "account_settings",
    also={"stage": ["tls"], "culprit": ["client"], "mechanism": ["temporarily_unavailable"], "cause": ["server_down"]},
    why="STARTTLS is refused or not offered, and the client leaves",
)
# A client that leaves after the greeting was told nothing: it may as well be a probe.
NO_TLS_MUTE = dict(NO_TLS, also_ok=dict(NO_TLS["also_ok"], mechanism=["probe", "clean_close"]))
ABORTED = label(
    "handshake_aborted",
    "tls",
    "unknown",
    "mail_app",
    also={"culprit": ["client", "server"], "cause": ["server_down", "account_settings"], "mechanism": ["temporarily_unavailable"]},
    why="the handshake ends without success",
)


def certificate(m, rng):
    late = m["client"] in ("imapflow",) or (m["cert"] == "wrongname" and m["client"] in ("curl", "mbsync", "getmail", "perl", "gnutls"))
    late |= m["client"] == "mbsync" and m.get("server") is None  # with STARTTLS it looks at the certificate when the handshake is done
    return [
        run(
            m["client"],
            [("any(side == 'client' and a in (42, 43, 44, 45, 46, 48, 49) for side, a in alerts)", BAD), ("True", LATE if late else BAD)],
            strict=True,
            seconds=9,
            cut=18,
            check="hellos and server_hello and auth == 'none'",
        )
    ]


def alert(number):
    return ["!recv", "!raw \\x15\\x03\\x03\\x00\\x02\\x02\\x%02x" % number, "!sleep 0.3", "!close"]


ALERTS = {
    "internal_error": (80, ABORTED),
    "protocol_version": (70, VERSION_ALERT),
    "handshake_failure": (40, CIPHER),
    "insufficient_security": (71, CIPHER),
    "unrecognized_name": (112, NAME),
    "decode_error": (50, ABORTED),
}
IMPLICIT = {"tls": "implicit"}
# A plain ClientHello of TLS 1.2, for a client that leaves in the middle.
HELLO = (
    "\\x16\\x03\\x01\\x00\\x6c\\x01\\x00\\x00\\x68\\x03\\x03"
    + "".join("\\x%02x" % (7 * i % 251) for i in range(32))
    + "\\x00\\x00\\x0a\\x13\\x01\\x13\\x02\\xc0\\x2f\\xc0\\x30\\x00\\xff\\x01\\x00\\x00\\x35"
    "\\x00\\x0a\\x00\\x06\\x00\\x04\\x00\\x1d\\x00\\x17\\x00\\x0d\\x00\\x12\\x00\\x10\\x04\\x03\\x08\\x04\\x04\\x01\\x05\\x03"
    "\\x08\\x05\\x05\\x01\\x08\\x06\\x06\\x01\\x00\\x0b\\x00\\x02\\x01\\x00\\x00\\x17\\x00\\x00"
    "\\x00\\x23\\x00\\x00\\x00\\x2b\\x00\\x03\\x02\\x03\\x03"
)
OLD_CLIENTS = {
    "openssl": ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
    "gnutls": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1"],
    "curl": ["--tls-max", "1.1", "--tlsv1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"],
}
NEW_CLIENTS = {"openssl": ["-tls1_3"], "gnutls": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3"], "curl": ["--tlsv1.3"]}
ODD_CIPHERS = {
    "openssl": ["-tls1_2", "-cipher", "DHE-RSA-AES256-SHA256"],
    "gnutls": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.2:-KX-ALL:+DHE-RSA"],
    "curl": ["--tls-max", "1.2", "--ciphers", "DHE-RSA-AES256-SHA256"],
}
ODD_GROUPS = {"openssl": ["-tls1_3", "-groups", "P-521"], "gnutls": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.3:-GROUP-ALL:+GROUP-SECP521R1"]}
SCENARIOS = [
    scenario(
        "certificate_{cert}_{client}_{server}_{version}",
        certificate,
        {
            "cert": ("expired", "unknown", "selfsigned", "wrongname"),
            "client": CLIENTS,
            "server": ("dovecot", "courier", "nginx"),
            "version": ("1.3", "1.2"),
        },
        server="{server}",
        options=lambda m: {"cert": m["cert"], "tls": "implicit"},
        skip=lambda m: sum(map(ord, "".join(m.values()))) % 3,
    ),
    scenario(
        "certificate_{cert}_{client}_starttls",
        certificate,
        {"cert": ("expired", "unknown", "selfsigned", "wrongname"), "client": ("curl", "mbsync", "fetchmail", "imaplib", "perl", "imapflow")},
        options=lambda m: {"cert": m["cert"], "tls": "starttls"},
    ),
    scenario(
        "client_too_old_{server}_{client}",
        lambda m, rng: [
            run(m["client"], VERSION, args=OLD_CLIENTS[m["client"]], seconds=9, cut=14, check="hellos and auth == 'none' and not data_server > 3000")
        ],
        {"client": ("openssl", "gnutls", "curl"), "server": ("dovecot", "nginx", "stunnel", "openssl")},
        server="{server}",
        options=IMPLICIT,
    ),
    scenario(
        "server_too_old_{server}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                [
                    ("tls == '1.1' or ('client', 70) in alerts", dict(SERVER_OLD, also_ok=dict(SERVER_OLD["also_ok"], mechanism=[]))),
                    ("True", SERVER_OLD),
                ],
                args=[],
                seconds=9,
                cut=14,
                check="hellos and auth == 'none' and alerts",
            )
        ],
        {"client": ("openssl", "curl", "imaplib", "mbsync"), "server": ("gnutls", "openssl")},
        server="{server}",
        options=lambda m: {
            "tls": "implicit",
            "version": "1.1",
            "min": "1.0",
            "args": ["--priority", "NORMAL:-VERS-ALL:+VERS-TLS1.1"] if m["server"] == "gnutls" else ["-tls1_1", "-cipher", "ALL:@SECLEVEL=0"],
        },
    ),
    scenario(
        "client_only_13_{client}_{server}",
        lambda m, rng: [
            run(
                m["client"],
                [("('server', 70) in alerts", VERSION_ALERT), ("True", VERSION_OR_FIN)],
                args=NEW_CLIENTS[m["client"]],
                seconds=9,
                cut=14,
                check="hellos and auth == 'none' and not data_server > 3000",
            )
        ],
        {"client": ("openssl", "gnutls", "curl"), "server": ("dovecot", "nginx", "stunnel")},
        server="{server}",
        options={"tls": "implicit", "version": "1.2"},
    ),
    scenario(
        "server_only_13_{client}",
        lambda m, rng: [
            run(
                m["client"],
                VERSION_ALERT,
                seconds=9,
                cut=14,
                max="1.2",
                args=["--tls-max", "1.2"] if m["client"] == "curl" else ["-tls1_2"] if m["client"] == "openssl" else [],
                check="hellos and ('server', 70) in alerts",
            )
        ],
        {"client": ("curl", "imaplib", "imapflow", "openssl")},
        server="scripted",
        options={"script": {"min": "1.3"}, "tls": "implicit"},
    ),
    scenario(
        "no_cipher_{client}",
        lambda m, rng: [run(m["client"], CIPHER, args=ODD_CIPHERS[m["client"]], seconds=9, cut=14, check="hellos and ('server', 40) in alerts")],
        {"client": ("openssl", "gnutls", "curl")},
        server="scripted",
        options={"script": {"ciphers": "ECDHE+AESGCM", "max": "1.2"}, "tls": "implicit"},
    ),
    scenario(
        "no_group_{client}_{server}",
        lambda m, rng: [run(m["client"], CIPHER, args=ODD_GROUPS[m["client"]], seconds=9, cut=14, check="hellos and ('server', 40) in alerts")],
        {"client": ("openssl", "gnutls"), "server": ("openssl", "gnutls")},
        server="{server}",
        options=lambda m: {
            "tls": "implicit",
            "args": ["-groups", "P-256"] if m["server"] == "openssl" else ["--priority", "NORMAL:-GROUP-ALL:+GROUP-SECP256R1"],
        },
    ),
    scenario(
        "wants_certificate_{server}_{version}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                WANTS_CERT if m["version"] == "1.2" else WANTS_CERT_13,
                seconds=9,
                cut=14,
                check="hellos and server_hello and auth == 'none'",
            )
        ],
        {"client": ("curl", "imaplib", "mbsync", "openssl", "perl"), "version": ("1.2", "1.3"), "server": ("scripted", "openssl")},
        server="{server}",
        options=lambda m: {
            "script": {"client_ca": True},
            "tls": "implicit",
            "args": ["-Verify", "1", "-verify_return_error", "-CAfile", "{pki}/ca.pem"] + (["-tls1_2"] if m["version"] == "1.2" else []),
        },
    ),
    scenario(
        "unknown_name_{client}",
        lambda m, rng: [run(m["client"], NAME, seconds=9, cut=14, check="hellos and ('server', 112) in alerts")],
        {"client": ("curl", "imaplib", "mbsync", "imapflow", "openssl")},
        server="scripted",
        options={"script": {"names": ["another.example"]}, "tls": "implicit"},
    ),
    scenario(
        "starttls_{how}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                NO_TLS_MUTE if (m["client"], m["how"]) == ("mbsync", "absent") else NO_TLS,
                tls="starttls",
                seconds=9,
                cut=14,
                check="established and not hellos and auth == 'none'",
            )
        ],
        {"client": ("curl", "imaplib", "mbsync", "imapflow", "fetchmail"), "how": ("no", "bad", "absent")},
        server="scripted",
        options=lambda m: {
            "script": {"caps": "IMAP4rev1 AUTH=PLAIN"}
            if m["how"] == "absent"
            else {
                "on": {
                    "STARTTLS": [
                        {"no": "{tag} NO TLS not available due to temporary reason", "bad": "{tag} BAD TLS support isn't enabled."}[m["how"]]
                    ]
                }
            }
        },
        skip=lambda m: (m["client"], m["how"]) in (("fetchmail", "absent"), ("imapflow", "absent")),
    ),
    scenario(
        "alert_{kind}_{client}",
        lambda m, rng: [
            run(m["client"], ALERTS[m["kind"]][1], seconds=9, cut=14, check="hellos and ('server', %d) in alerts" % ALERTS[m["kind"]][0])
        ],
        {"client": ("curl", "imaplib"), "kind": tuple(ALERTS)},
        server="scripted",
        options=lambda m: {"script": {"connect": alert(ALERTS[m["kind"]][0])}, "tls": "implicit"},
        quick=lambda m: m["client"] == "imaplib" and m["kind"] in ("protocol_version", "internal_error"),
    ),
    scenario(
        "hangs_up_{client}",
        lambda m, rng: [
            run(
                m["client"],
                dict(ABORTED, also_ok=dict(ABORTED["also_ok"], mechanism=["closed_without_greeting"])),
                seconds=9,
                cut=14,
                check="hellos and not data_server and fin_server",
            )
        ],
        {"client": ("curl", "imaplib", "mbsync")},
        server="scripted",
        options={"script": {"connect": ["!recv", "!sleep 0.2", "!close"]}, "tls": "implicit"},
    ),
    scenario(
        "leaves_in_handshake_{how}",
        lambda m, rng: [
            run(
                "raw",
                dict(ABORTED, also_ok=dict(ABORTED["also_ok"], mechanism=["reset_by_client", "certificate_rejected"])),
                tls="none",
                port=993,
                lines=["!raw " + HELLO, "!sleep 0.4", "!" + m["how"]],
                check="hellos and not alerts",
            )
        ],
        {"how": ("close", "rst")},
        options=IMPLICIT,
        seeds=2,
    ),
    scenario(
        "accepts_any_{cert}",
        lambda m, rng: [run("imaplib", OK_INSIDE, check_cert=False, check="auth == 'ok'")],
        {"cert": ("expired", "selfsigned", "unknown", "wrongname")},
        options=lambda m: {"cert": m["cert"], "tls": "implicit"},
        seeds=2,
    ),
]
