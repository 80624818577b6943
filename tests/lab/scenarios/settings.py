"""Wrong settings: the wrong port, the wrong protocol, the wrong words; and look-ups that fail, or only seem to."""
from words import CLEAR, INSIDE, OK_PLAIN, PLAIN_PORT, PROTOCOL, dns, failed_lookup, label, run, scenario, shell

TLS_PORT = label(
    "plaintext_to_tls_port",
    "greeting",
    "client",
    "account_settings",
    also={"stage": ["tls"]},
    why="a client without TLS on a port that waits for TLS",
)
SERVICE = label("wrong_service", "greeting", "client", "account_settings", also={"stage": ["tls"]}, why="the other side speaks another protocol")
SERVICES = {
    "pop3": ["+OK POP3 server ready <1896.697170952@mail.example>"],
    "smtp": ["220 mail.example ESMTP Postfix"],
    "ssh": ["SSH-2.0-OpenSSH_9.2p1 Debian-2+deb12u3"],
    "http": ["HTTP/1.1 400 Bad Request", "Content-Type: text/html", "", "<html>Bad Request</html>", "!close"],
    "ftp": ["220 ProFTPD Server (Debian)"],
    "nntp": ["200 news.example InterNetNews NNRP server ready"],
}
SIX = ("curl", "imaplib", "perl", "mbsync", "fetchmail", "imapflow")
FAULTS = {
    "nxdomain": (
        "nxdomain",
        "client",
        "account_settings",
        "any(c == 3 for _, _, c in dns)",
        {"culprit": ["network", "unknown"], "cause": ["weak_connection"]},
    ),
    "unreachable": (
        "resolver_unreachable",
        "network",
        "weak_connection",
        "dns and all(c is None for _, _, c in dns)",
        {"mechanism": ["refused", "dns_timeout"], "culprit": ["unknown", "server"], "cause": ["account_settings", "firewall_antivirus"]},
    ),
}


def lookup(kind):
    mechanism, culprit, cause, check, also = FAULTS[kind]
    return failed_lookup(mechanism, culprit, cause, check, also)


def plain_to_tls(m, rng):
    return [run(m["client"], TLS_PORT, port=993, tls="none", seconds=8, cut=14, check="established and not hellos and not said")]


def talks_anyway(m, rng):
    """A plain client that does not wait for the greeting."""
    return [
        run(
            "raw",
            TLS_PORT,
            port=993,
            tls="none",
            lines=["a1 CAPABILITY", "!read"],
            seconds=8,
            cut=14,
            check="established and not hellos and data_client",
        )
    ]


def tls_to_plain(m, rng):
    return [run(m["client"], PLAIN_PORT, port=143, tls="implicit", seconds=8, cut=14, check="hellos and not tls")]


def bad_words(m, rng):
    lines = {
        "nonsense": ["!line", "EHLO client.example", "!line", "MAIL FROM:<a@b.example>", "!read", "!close"],
        "unknown": ["!line", "a login {user} {password}", "!until a OK", "b XFOO bar", "!line", "!close"],
        "again": ["!line"] + [w for i in range(25) for w in ("x%d FROBNICATE" % i, "!read")][:8] + ["!read", "!close"],
    }[m["kind"]]
    also = {"mechanism": ["probe", "clean_close", "wrong_service"]} if m["kind"] == "nonsense" else {}  # a scanner's greeting, as well
    return [
        run(
            "raw",
            dict(PROTOCOL, also_ok=dict(PROTOCOL["also_ok"], **also)),
            lines=lines,
            seconds=8,
            cut=20,
            check="any(s == 'BAD' for _, s in answers) or 'BAD' in said",
        )
    ]


SCENARIOS = [
    scenario(
        "plain_on_tls_port_{server}_{client}",
        plain_to_tls,
        {"server": ("dovecot", "courier", "nginx", "stunnel"), "client": SIX},
        server="{server}",
        options={"tls": "implicit"},
        skip=lambda m: (len(m["server"]) + len(m["client"])) % 2,
    ),
    scenario(
        "talks_plain_on_tls_port_{server}",
        talks_anyway,
        {"server": ("dovecot", "courier", "nginx", "stunnel", "cyrus")},
        server="{server}",
        options={"tls": "implicit"},
    ),
    scenario(
        "tls_on_plain_port_{server}_{client}",
        tls_to_plain,
        {"server": ("dovecot", "courier", "cyrus", "nginx"), "client": SIX},
        server="{server}",
        skip=lambda m: (len(m["server"]) + len(m["client"])) % 2,
    ),
    scenario(
        "other_service_{service}_{client}",
        lambda m, rng: [run(m["client"], SERVICE, seconds=8, cut=14, check="established and auth == 'none'")],
        {"service": tuple(SERVICES), "client": ("curl", "imaplib", "perl", "mbsync")},
        server="scripted",
        options=lambda m: {"script": {"greeting": SERVICES[m["service"]] + ([] if m["service"] == "http" else ["!silent"])}},
        skip=lambda m: (len(m["service"]) + len(m["client"])) % 2,
        quick=lambda m: m["client"] == "imaplib",
    ),
    scenario(
        "other_service_tls_{service}_{client}",
        lambda m, rng: [run(m["client"], SERVICE, tls="implicit", seconds=8, cut=14, check="established and hellos")],
        {"service": ("smtp", "ssh", "http"), "client": ("curl", "imaplib")},
        server="scripted",
        options=lambda m: {"script": {"connect": SERVICES[m["service"]] + ["!sleep 6", "!close"]}, "tls": "implicit"},
    ),
    scenario(
        "bad_words_{kind}_{server}",
        bad_words,
        {"kind": ("nonsense", "unknown", "again"), "server": ("dovecot", "courier", "cyrus")},
        server="{server}",
        skip=lambda m: m["server"] == "courier",
    ),
    scenario(
        "dns_typing_error_{client}",
        lambda m, rng: [
            run(m["client"], to="imap.exmaple.test", seconds=12, cut=20, lookup=lookup("nxdomain")),
            run(m["client"], OK_PLAIN, check="auth == 'ok'"),
        ],
        {"client": ("curl", "imaplib", "perl", "imapflow", "fetchmail")},
    ),
    scenario(
        "dns_unreachable_{client}",
        lambda m, rng: [
            shell("dns", "iptables -A INPUT -p udp --dport 53 -j REJECT --reject-with icmp-port-unreachable"),
            run(m["client"], seconds=12, cut=25, lookup=lookup("unreachable")),
        ],
        {"client": ("curl", "imaplib", "mbsync", "imapflow")},
    ),
    scenario(
        "dns_one_type_{fault}_{client}",
        lambda m, rng: [dns(m["fault"], fault_type="AAAA"), run(m["client"], CLEAR, seconds=12, check="auth == 'ok'")],
        {"client": ("curl", "imaplib", "imapflow", "mbsync"), "fault": ("servfail", "refused", "empty", "nxdomain")},
        skip=lambda m: m["fault"] in ("nxdomain", "servfail") and m["client"] != "curl",
    ),
    scenario(
        "dns_slow_{client}",
        lambda m, rng: [dns(None, delay=1.5), run(m["client"], INSIDE, seconds=12, check="auth == 'ok'")],
        {"client": ("curl", "imaplib", "imapflow")},
        options={"tls": "implicit"},
    ),
]
