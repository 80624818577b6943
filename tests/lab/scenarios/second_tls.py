"""TLS by other means: other refusals of certificates, alerts of either side at every flight, stalls and hang-ups in the handshake, odd but good ones."""
from scenarios.firewall import ALIVE_INSIDE
from scenarios.handshake import ABORTED, BAD, CIPHER, HELLO, LATE, VERSION, WANTS_CERT, WANTS_CERT_13
from words import OK_INSIDE, SLOW, box, fw, healthy, label, run, scenario, wait

IMPLICIT = {"tls": "implicit"}
STARTTLS = {"tls": "starttls"}
RANDOM = "".join("\\x%02x" % (11 * i % 251) for i in range(32))
SERVER_HELLO = "\\x16\\x03\\x03\\x00\\x31\\x02\\x00\\x00\\x2d\\x03\\x03" + RANDOM + "\\x00\\xc0\\x2f\\x00\\x00\\x05\\xff\\x01\\x00\\x01\\x00"
OLD_HELLOS = {
    "ssl3": "\\x16\\x03\\x00\\x00\\x2f\\x01\\x00\\x00\\x2b\\x03\\x00" + RANDOM + "\\x00\\x00\\x04\\x00\\x0a\\x00\\x2f\\x01\\x00",
    "ssl2": "\\x80\\x1c\\x01\\x00\\x02\\x00\\x03\\x00\\x00\\x00\\x10\\x07\\x00\\xc0" + RANDOM[:64],
}
RC4_HELLO = "\\x16\\x03\\x01\\x00\\x31\\x01\\x00\\x00\\x2d\\x03\\x03" + RANDOM + "\\x00\\x00\\x06\\x00\\x04\\x00\\x05\\x00\\x03\\x01\\x00"
NO_HELLO = label(
    "tls_no_response", "tls", "server", "server_down", also={"mechanism": ["handshake_aborted"]}, why="the server's handshake stops, and the client gives up"
)
TOO_EARLY = dict(
    ABORTED, culprit="client", also_ok=dict(
        ABORTED["also_ok"],
        culprit=["unknown", "server"],
        mechanism=["tls_no_response", "too_short"],
        outcome=["inconclusive"],
    )
)
HUNG_UP = dict(
    ABORTED,
    culprit="server",
    cause="server_down",
    also_ok={"culprit": ["unknown"], "cause": ["mail_app"], "mechanism": ["reset_by_server", "closed_by_server"]},
)
BY_CLIENT = dict(ABORTED, culprit="client", also_ok={"culprit": ["unknown"], "cause": ["account_settings", "server_down"]})
SWALLOWED = label(
    "content_dropped",
    "tls",
    "middlebox",
    "firewall_antivirus",
    also={"stage": ["session", "greeting", "auth"]},
    why="the client's second flight is swallowed, others are served",
)
HIDDEN = dict(
    BAD,
    also_ok={
        "culprit": ["client", "middlebox"],
        "cause": ["server_down", "firewall_antivirus"],
        "mechanism": ["tls_intercepted", "handshake_aborted"],
    },
)
TLS_PORT = label("plaintext_to_tls_port", "greeting", "client", "account_settings", also={"stage": ["tls"]}, why="no TLS on a port that waits for it")
PROBE = healthy("probe", "greeting", also={"mechanism": ["clean_close"], "stage": ["close", "connect", "tls"]}, why="gone again after a second")


def alert(number, level=2, minor=3):
    return "!raw \\x15\\x03\\x%02x\\x00\\x02\\x%02x\\x%02x" % (minor, level, number)


# What a server says to the ClientHello, and what that is.
ALERTS = {
    "access_denied": (49, dict(ABORTED, also_ok=dict(ABORTED["also_ok"], mechanism=["access_denied", "client_certificate_required"]))),
    "inappropriate_fallback": (86, dict(ABORTED, also_ok=dict(ABORTED["also_ok"], mechanism=["version_mismatch"]))),
}
# After "OK begin TLS": what comes in the handshake's place.
AFTER_OK = {
    "failure": (["!recv", alert(40), "!sleep 0.2", "!close"], CIPHER, "('server', 40) in alerts"),
    "silence": (["!silent"], NO_HELLO, "duration > 6"),
    "rst": (["!recv", "!rst"], HUNG_UP, "rst_server and not server_hello"),
}
STALLS = {
    "hello": (["!recv", "!raw " + SERVER_HELLO, "!silent"], NO_HELLO),
    "half_record": (["!recv", "!raw " + SERVER_HELLO[:44], "!silent"], NO_HELLO),
    "hello_fin": (["!recv", "!raw " + SERVER_HELLO, "!sleep 0.2", "!close"], HUNG_UP),
}
LEAVES = {
    "revoked": ([alert(44), "!close"], dict(BAD, also_ok={"culprit": ["client"], "cause": ["server_down"]})),
    "canceled": ([alert(90, 1), alert(0, 1), "!close"], BY_CLIENT),
}
REFUSES = {  # a client's words, a server's certificate, what it looks like
    "notyet": ({}, "notyet", BAD),
    "other_roots": ({"args": ["--cacert", "{pki}/untrusted.pem", "--capath", "/nowhere"]}, None, BAD),
    "pinned": ({"args": ["--pinnedpubkey", "sha256//AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="]}, None, LATE),
    "no_crl": ({"args": ["-crl_check"]}, None, BAD),
}


def refuses(m, rng):
    more, _, want = REFUSES[m["why"]]
    alerted = [("any(side == 'client' and a in (42, 43, 44, 45, 46, 48, 49, 113) for side, a in alerts)", BAD), ("True", want)]
    return [run(m["client"], alerted, seconds=9, cut=12, check="hellos and server_hello and auth == 'none'", **more)]


def wants(m, rng):
    args = ["-cert", "{pki}/host0-unknown.pem", "-key", "{pki}/host0-unknown.key"] if m["client"] == "openssl" else []
    want = WANTS_CERT if m["version"] == "1.2" else WANTS_CERT_13
    if m["client"] == "openssl":
        want = dict(want, also_ok=dict(want["also_ok"], mechanism=["handshake_aborted", "certificate_rejected", "closed_by_server", "reset_by_server"]))
    return [run(m["client"], want, args=args, seconds=9, cut=12, check="hellos and server_hello and auth == 'none' and (fin_server or rst_server or alerts)")]


SCENARIOS = [
    scenario(
        "second_refuses_{why}_{client}",
        refuses,
        {"why": tuple(REFUSES), "client": ("curl", "fetchmail", "openssl")},
        options=lambda m: dict(IMPLICIT, **({"cert": REFUSES[m["why"]][1]} if REFUSES[m["why"]][1] else {})),
        skip=lambda m: (m["why"], m["client"])
        not in (
            ("notyet", "fetchmail"),
            ("other_roots", "curl"),
            ("pinned", "curl"),
            ("no_crl", "openssl"),
        ),
    ),
    scenario(
        "second_interception_hidden_{product}_{client}",
        lambda m, rng: [ALIVE_INSIDE, box("intercept", product=m["product"]), run(m["client"], HIDDEN, check="hellos and tls == '1.3' and auth == 'none'")],
        {"product": ("eset",), "client": ("curl",)},
        options=IMPLICIT,
    ),
    scenario(
        "second_old_hello_{kind}_{server}",
        lambda m, rng: [
            run(
                "raw",
                dict(VERSION, also_ok=dict(VERSION["also_ok"], mechanism=["no_shared_cipher", "handshake_aborted"])),
                tls="none",
                lines=["!raw " + OLD_HELLOS[m["kind"]], "!read", "!close"],
                port=993,
                cut=9,
                check="data_client and not server_hello and (alerts or fin_server or rst_server)",
            )
        ],
        {"kind": tuple(OLD_HELLOS), "server": ("dovecot", "courier")},
        server="{server}",
        options=IMPLICIT,
        skip=lambda m: (m["kind"], m["server"]) != ("ssl2", "dovecot"),
    ),
    scenario(
        "second_old_suites_{server}",
        lambda m, rng: [
            run("raw", CIPHER, tls="none", port=993, lines=["!raw " + RC4_HELLO, "!read", "!close"], cut=9, check="hellos and ('server', 40) in alerts"),
        ],
        {"server": ("haproxy",)},
        server="{server}",
        options=IMPLICIT,
    ),
    scenario(
        "second_no_match_{what}",
        lambda m, rng: [
            run(
                "openssl",
                CIPHER,
                args={
                    "psk": ["-tls1_2", "-psk", "1a2b3c4d", "-cipher", "PSK-AES128-GCM-SHA256"],
                    "suite13": ["-tls1_3", "-ciphersuites", "TLS_AES_128_GCM_SHA256"],
                }[m["what"]],
                seconds=9,
                cut=9,
                check="hellos and ('server', 40) in alerts",
            )
        ],
        {"what": ("psk", "suite13")},
        server=lambda m: "openssl" if m["what"] == "suite13" else "nginx",
        options=lambda m: dict(IMPLICIT, args=["-tls1_3", "-ciphersuites", "TLS_CHACHA20_POLY1305_SHA256"]),
    ),
    scenario(
        "second_alpn_{client}",
        lambda m, rng: [
            run(
                m["client"],
                dict(ABORTED, culprit="client", also_ok=dict(ABORTED["also_ok"], culprit=["server", "unknown"])),
                args=["-alpn", "h2"] if m["client"] == "openssl" else ["--alpn", "h2"],
                seconds=9,
                cut=9,
                check="('server', 120) in alerts",
            )
        ],
        {"client": ("openssl",)},
        server="gnutls",
        options={"tls": "implicit", "args": ["--alpn", "imap", "--alpn-fatal"]},
    ),
    scenario(
        "second_wants_certificate_{version}_{client}",
        wants,
        {"version": ("1.2", "1.3"), "client": ("fetchmail", "openssl")},
        skip=lambda m: (m["version"] == "1.2") != (m["client"] == "fetchmail"),
        server=lambda m: "openssl" if m["client"] == "openssl" else "gnutls",
        options=lambda m: {
            "tls": "implicit",
            "args": ["-Verify", "1", "-verify_return_error", "-CAfile", "{pki}/ca.pem"] + (["-tls1_2"] if m["version"] == "1.2" else [])
            if m["client"] == "openssl"
            else ["--require-client-cert", "--x509cafile", "{pki}/ca.pem", "--priority", "NORMAL:-VERS-TLS1.3" if m["version"] == "1.2" else "NORMAL"],
        },
    ),
    scenario(
        "second_alert_{kind}_{client}",
        lambda m, rng: [run(m["client"], ALERTS[m["kind"]][1], seconds=9, cut=9, check="('server', %d) in alerts" % ALERTS[m["kind"]][0])],
        {"kind": tuple(ALERTS), "client": ("mbsync", "perl")},
        server="scripted",
        options=lambda m: {"script": {"connect": ["!recv", alert(ALERTS[m["kind"]][0], minor=1), "!sleep 0.1", "!close"]}, "tls": "implicit"},
        skip=lambda m: (m["kind"] == "access_denied") == (m["client"] == "mbsync"),
    ),
    scenario(
        "second_starttls_{then}_{client}",
        lambda m, rng: [run(m["client"], AFTER_OK[m["then"]][1], seconds=8, cut=12, check="hellos and " + AFTER_OK[m["then"]][2])],
        {"then": tuple(AFTER_OK), "client": ("imaplib", "curl", "fetchmail")},
        server="scripted",
        options=lambda m: dict(STARTTLS, script={"on": {"STARTTLS": ["{tag} OK begin TLS"] + AFTER_OK[m["then"]][0]}}),
        skip=lambda m: m["client"] != ("imaplib", "curl", "fetchmail")[list(AFTER_OK).index(m["then"]) % 3],
    ),
    scenario(
        "second_stalls_{after}_{client}",
        lambda m, rng: [run(m["client"], STALLS[m["after"]][1], seconds=8, cut=12, check="hellos and data_server and auth == 'none'")],
        {"after": tuple(STALLS), "client": ("curl", "imaplib")},
        server="scripted",
        options=lambda m: {"script": {"connect": STALLS[m["after"]][0]}, "tls": "implicit"},
        skip=lambda m: (m["after"] == "hello") != (m["client"] == "curl"),
    ),
    scenario(
        "second_leaves_{how}_{server}",
        lambda m, rng: [
            run(
                "raw",
                LEAVES[m["how"]][1],
                tls="none",
                port=993,
                lines=["!raw " + HELLO.replace("\\xc0\\x30", "\\xc0\\x2b"), "!sleep 0.6"] + LEAVES[m["how"]][0],
                cut=9,
                check="hellos and server_hello",
            )
        ],
        {"how": tuple(LEAVES), "server": ("nginx",)},
        server="{server}",
        options=dict(IMPLICIT, version="1.2"),
    ),
    scenario(
        "second_impatient",
        lambda m, rng: [run("curl", TOO_EARLY, seconds=3, cut=6, check="hellos and not data_server and duration < 4.5"), wait(1)],
        server="scripted",
        options={"script": {"connect": ["!silent"]}, "tls": "implicit"},
    ),
    scenario(
        "second_flight_swallowed_{client}",
        lambda m, rng: [
            fw("-I FORWARD -p tcp --dport 993 -s {c1} -m connbytes --connbytes 700: --connbytes-dir original --connbytes-mode bytes -j DROP"),
            ALIVE_INSIDE,
            run(m["client"], SWALLOWED, seconds=9, cut=12, check="hellos and server_hello and retrans_client >= 3 and not icmp"),
            wait(1),
        ],
        {"client": ("curl",)},
        options=IMPLICIT,
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_retry_request_well",
        lambda m, rng: [run("imaplib", OK_INSIDE, check="auth == 'ok' and hellos == 2")],
        server="scripted",
        options={"script": {"curve": "secp384r1"}, "tls": "implicit"},
        mailbox={"messages": 2},
    ),
    scenario(
        "second_warning_well",
        lambda m, rng: [run("imaplib", OK_INSIDE, check="auth == 'ok' and ('server', 112) in alerts")],
        server="scripted",
        options={"script": {"connect": ["!raw \\x15\\x03\\x03\\x00\\x02\\x01\\x70"], "max": "1.2"}, "tls": "implicit"},
        mailbox={"messages": 2},
    ),
    scenario(
        "second_old_version_well_{version}",
        lambda m, rng: [run("curl", OK_INSIDE, args=["--tlsv1.1", "--tls-max", m["version"], "--ciphers", "ALL:@SECLEVEL=0"], check="auth == 'ok'")],
        {"version": ("1.1",)},
        server="scripted",
        options={"script": {"ciphers": "ALL:@SECLEVEL=0", "min": "1.1"}, "tls": "implicit", "min": "1.1"},
    ),
    scenario(
        "second_slow_handshake_{tls}",
        lambda m, rng: [run("imaplib", SLOW, seconds=20, cut=20, check="auth == 'ok'")],
        {"tls": ("starttls",)},
        server="scripted",
        options=lambda m: {
            "script": {"connect": ["!sleep 6.2"]} if m["tls"] == "implicit" else {"on": {"STARTTLS": ["{tag} OK begin", "!sleep 6.2", "!starttls"]}},
        },
        mailbox={"messages": 1},
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_silent_on_tls_port_{seconds}",
        lambda m, rng: [
            run(
                "raw",
                PROBE if m["seconds"] == 1 else TLS_PORT,
                tls="none",
                port=993,
                lines=["!sleep %d" % m["seconds"], "!close"],
                cut=9,
                check="established and not data_client",
            ),
            wait(0.5),
        ],
        {"seconds": (1, 5)},
        server="stunnel",
        options=IMPLICIT,
    ),
]
