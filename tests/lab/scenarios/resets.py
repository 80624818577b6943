"""Resets by the ends themselves: lingering sockets, killed and restarted programs, closed ports, clients that give up in mid-work."""
from words import OK_PLAIN, end, label, run, scenario, server, wait

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
BY_SERVER = label("reset_by_server", "greeting", "server", "server_down", why="established, then the server resets")
# A reset in the handshake: the vocabulary has two words for it.
IN_HELLO = label(
    "reset_by_server",
    "tls",
    "server",
    "server_down",
    also={"mechanism": ["handshake_aborted"], "culprit": ["unknown"], "cause": ["mail_app"]},
    why="the server resets when it has read the ClientHello",
)
BY_CLIENT = label(
    "reset_by_client",
    "session",
    "client",
    "mail_app",
    also={"culprit": ["unknown"], "cause": ["mobile_sync"]},
    why="the client aborts while work is under way",
)
REFUSED = label(
    "connection_refused", "connect", "server", "server_down", also={"cause": ["account_settings"], "culprit": ["client"]}, why="RST answers the SYN"
)


def killed_client(m, rng):
    """The mail program is killed in the middle of a download."""
    inside = {} if m["tls"] == "none" else {"stage": ["close", "auth", "idle"]}
    want = dict(BY_CLIENT, also_ok=dict(BY_CLIENT["also_ok"], **inside))
    return [
        run(m["client"], want, seconds=40, wait=False, name="x", most=40, check="rst_client and auth == 'ok' and data_server > 20000"),
        wait(3.5),
        end("x", "KILL"),
        wait(1),
    ]


def killed_server(m, rng):
    """A server's program dies with the client's words unread: its kernel resets."""
    return [
        run(
            "raw",
            dict(BY_SERVER, stage="session"),
            lines=IN + ["c stall", "!sleep 0.7", "d noop", "!read", "!line"],
            seconds=9,
            wait=False,
            name="x",
            cut=20,
            check="rst_server and auth == 'ok'",
        ),
        wait(2),
        server("kill"),
        wait(1),
    ]


def restarted(m, rng):
    """Refused while the server is restarted, served before and after."""
    return [
        run(m["client"], OK_PLAIN, check="auth == 'ok'"),
        server("stop"),
        wait(0.6),
        run(m["client"], REFUSED, cut=12, check="rst_server and not synacks"),
        server("start"),
        wait(0.3),
        run(m["client"], OK_PLAIN, check="auth == 'ok'"),
    ]


SCENARIOS = [
    scenario(
        "rst_for_greeting_{client}",
        lambda m, rng: [run(m["client"], BY_SERVER, cut=14, check="rst_server and established and not data_server")],
        {"client": ("curl", "imaplib", "perl", "mbsync", "imapflow")},
        server="scripted",
        options={"script": {"greeting": ["!sleep 0.4", "!rst"]}},
        quick=lambda m: m["client"] == "imaplib",
    ),
    scenario(
        "rst_for_hello_{client}",
        lambda m, rng: [run(m["client"], IN_HELLO, tls="implicit", cut=14, check="rst_server and hellos and not data_server")],
        {"client": ("curl", "imaplib", "mbsync", "imapflow")},
        server="scripted",
        options={"script": {"connect": ["!recv", "!rst"]}, "tls": "implicit"},
    ),
    scenario(
        "rst_inside_{client}",
        lambda m, rng: [
            run(
                m["client"],
                dict(BY_SERVER, stage="session", also_ok={"stage": ["auth", "greeting"]}),
                tls="implicit",
                cut=14,
                check="rst_server and tls and auth == 'ok'",
            )
        ],
        {"client": ("curl", "imaplib", "perl")},
        server="scripted",
        options={"script": {"on": {"SELECT": ["!sleep 0.2", "!rst"]}}, "tls": "implicit"},
    ),
    scenario(
        "no_backend_{client}",
        lambda m, rng: [
            server("signal", process="dovecot", how="KILL"),
            server("signal", process="imap-login", how="KILL"),
            wait(0.3),
            run(
                m["client"],
                dict(
                    BY_SERVER,
                    stage="tls",
                    also_ok={"mechanism": ["closed_without_greeting", "handshake_aborted", "closed_by_server"], "stage": ["greeting"]},
                ),
                tls="implicit",
                cut=14,
                check="(rst_server or fin_server) and not said",
            ),
        ],
        {"client": ("curl", "imaplib", "mbsync")},
        server="stunnel",
        options={"tls": "implicit"},
    ),
    scenario(
        "killed_client_{tls}_{client}",
        killed_client,
        {"client": ("imaplib", "perl", "mbsync"), "tls": ("none", "implicit")},
        mailbox={"messages": 30, "size": (60000, 90000)},
        net={"rate": 1200, "rtt": 40},
    ),
    scenario("killed_server_{n}", killed_server, {"n": (1, 2, 3)}, server="scripted", options={"script": {"on": {"STALL": ["!stall 20"]}}}),
    scenario(
        "refused_in_restart_{server}_{client}",
        restarted,
        {"server": ("dovecot", "courier", "nginx"), "client": ("curl", "imaplib")},
        server="{server}",
    ),
    scenario(
        "refused_six_{client}",
        lambda m, rng: [server("stop"), wait(0.5), run(m["client"], REFUSED, check="rst_server and not synacks", cut=12)],
        {"client": ("curl", "imaplib", "mbsync")},
        family="6",
    ),
    scenario(
        "refused_seen_behind_{client}",
        lambda m, rng: [server("stop"), wait(0.5), run(m["client"], REFUSED, check="rst_server and not synacks", cut=12)],
        {"client": ("curl", "imaplib")},
        vantage="server",
    ),
]
