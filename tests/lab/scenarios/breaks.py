"""The first of each kind of break: a firewall that drops, one that rejects, a look-up that fails, a reset of each side."""
from words import CLEAR, DROPPED, INSIDE, OK_PLAIN, SILENT, dns, failed_lookup, fw, label, run, scenario, server, wait

ALIVE = run(
    "imaplib", OK_PLAIN, host="c2", user=1, check="auth == 'ok' and ended_ok and retrans_client + retrans_server < 3"
)  # another device that is served: the proof that the server is there
UNANSWERED = "syns >= 3 and not synacks and not rst_server and not icmp"
SHORT = {"client": ("curl", "imaplib", "perl", "imapflow", "mbsync", "imapfilter")}


def rejected(kind):
    return label("icmp_rejected", "connect", "middlebox", "firewall_antivirus", why="ICMP %s answers the SYN" % kind)


SCENARIOS = [
    scenario(
        "drop_one_client_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
            ALIVE,
            run(m["client"], DROPPED, seconds=9, cut=14, check=UNANSWERED),
            ALIVE,
        ],
        SHORT,
        quick=lambda m: m["client"] == "imaplib",
    ),
    scenario(
        "drop_all_{client}",
        lambda m, rng: [fw("-A FORWARD -p tcp --dport {port} -j DROP"), run(m["client"], SILENT, seconds=9, cut=14, check=UNANSWERED)],
        SHORT,
    ),
    scenario(
        "reject_{kind}_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1} -p tcp --dport {port} -j REJECT --reject-with " + m["kind"]),
            run(m["client"], rejected(m["kind"]), seconds=8, cut=12, check="any(i in ('3/3', '3/9', '3/10', '3/13') for i in icmp) and not synacks"),
        ],
        dict(SHORT, kind=("icmp-admin-prohibited", "icmp-port-unreachable", "icmp-host-prohibited", "icmp-net-prohibited")),
        server="scripted",
        quick=lambda m: (m["client"], m["kind"]) == ("imaplib", "icmp-admin-prohibited"),
    ),
    scenario(
        "dns_{fault}_{client}",
        lambda m, rng: [
            dns(m["fault"]),
            run(
                m["client"],
                seconds=12,
                cut=25,
                lookup={
                    "nxdomain": failed_lookup(
                        "nxdomain",
                        "client",
                        "account_settings",
                        "any(c == 3 for _, _, c in dns)",
                        {"culprit": ["network", "unknown"], "cause": ["weak_connection"]},
                    ),
                    "servfail": failed_lookup(
                        "servfail",
                        "network",
                        "account_settings",
                        "any(c == 2 for _, _, c in dns)",
                        {"culprit": ["client", "unknown"], "cause": ["weak_connection"]},
                    ),
                    "refused": failed_lookup(
                        "refused",
                        "network",
                        "account_settings",
                        "any(c == 5 for _, _, c in dns)",
                        {"culprit": ["client", "unknown"], "cause": ["weak_connection"]},
                    ),
                    "empty": failed_lookup(
                        "no_address",
                        "client",
                        "account_settings",
                        "dns and all(c == 0 for _, _, c in dns)",
                        {"culprit": ["network", "unknown"], "cause": ["weak_connection"]},
                    ),
                    "silent": failed_lookup(
                        "dns_timeout",
                        "network",
                        "weak_connection",
                        "dns and all(c is None for _, _, c in dns)",
                        {"culprit": ["client", "unknown"], "cause": ["account_settings"]},
                    ),
                }[m["fault"]],
            ),
        ],
        {"client": ("curl", "imaplib", "mbsync", "fetchmail"), "fault": ("nxdomain", "servfail", "refused", "empty", "silent")},
        server="scripted",
        quick=lambda m: m["client"] == "imaplib" and m["fault"] != "silent",
    ),
    scenario(
        "rst_client_in_{command}",
        lambda m, rng: [
            run(
                "raw",
                label("reset_by_client", "session", "client", "mail_app", why="the client resets in the middle of the answer"),
                check="rst_client and auth == 'ok' and len(answers) == 2",
                lines=[
                    "!line",
                    "a login {user} {password}",
                    "!until a OK",
                    "b select inbox",
                    "!until b OK",
                    "c %s" % {"fetch": "fetch 1:* body[]", "uidfetch": "uid fetch 1:* (flags body.peek[])"}[m["command"]],
                    "!line",
                    "!rst",
                ],
            )
        ],
        {"command": ("fetch", "uidfetch")},
        mailbox={"messages": 20, "size": (20000, 40000)},
    ),
    scenario(
        "rst_server_at_{command}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                label(
                    "reset_by_server",
                    "auth" if m["command"] == "LOGIN" else "session",
                    "server",
                    "server_down",
                    why="the server resets while a command is owed",
                ),
                cut=15,
                sessions=1,
                check="rst_server and not fin_client and auth == '%s'" % ("none" if m["command"] == "LOGIN" else "ok"),
            )
        ],
        {"command": ("LOGIN", "SELECT", "FETCH"), "client": ("imaplib", "perl")},
        server="scripted",
        options=lambda m: {"script": {"on": {m["command"]: ["!rst"]}}},
        mailbox={"messages": 3},
    ),
    scenario(
        "refused_{tls}_{client}",
        lambda m, rng: [
            server("stop"),
            wait(0.5),
            run(
                m["client"],
                label(
                    "connection_refused",
                    "connect",
                    "server",
                    "server_down",
                    also={"cause": ["account_settings"], "culprit": ["client"]},
                    why="RST answers the SYN",
                ),
                check="rst_server and not synacks",
                cut=12,
            ),
        ],
        {"client": ("curl", "imaplib", "perl", "mbsync"), "tls": ("none", "implicit")},
    ),
    scenario(
        "frozen_server_{client}",
        lambda m, rng: [
            server("freeze"),
            run(
                m["client"],
                label("greeting_timeout", "greeting", "server", "server_down", why="the kernel accepts, the stopped server says nothing"),
                seconds=9,
                cut=14,
                check="established and not data_server and duration > 5",
            ),
        ],
        {"client": ("curl", "imaplib", "perl", "mbsync", "imapflow")},
    ),
    scenario(
        "drop_v6_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1_6} -p tcp --dport {port} -j DROP", six=True),
            ALIVE,
            run(m["client"], DROPPED, seconds=9, cut=14, check=UNANSWERED),
        ],
        {"client": ("curl", "imaplib")},
        family="6",
    ),
    scenario(
        "both_sides_{tls}_{client}",
        lambda m, rng: [
            run(m["client"], CLEAR if m["tls"] == "none" else INSIDE),
            run(m["client"], CLEAR if m["tls"] == "none" else INSIDE, password="wrong", host="c2", user=1, check="auth == 'no'"),
        ],
        {"client": ("curl", "perl"), "tls": ("none", "implicit")},
        server="courier",
        vantage="both",
    ),
    scenario(
        "loss_{share}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                label(
                    "packet_loss",
                    "close",
                    "network",
                    "weak_connection",
                    "degraded",
                    also={"stage": ["session", "auth"]},
                    why="one segment in eight is lost",
                ),
                seconds=40,
                cut=80,
                check="auth == 'ok' and retrans_client + retrans_server >= 8 and fin_client",
            )
        ],
        {"client": ("imaplib", "perl"), "share": (12,)},
        net={"rtt": (20, 60), "loss": 0.12, "offload": False},
        mailbox={"messages": 8, "size": (20000, 60000)},
    ),
]
