"""How connections end, by other means: sockets killed by the kernel's own command, FINs at every stage, resets that look the other way."""
from scenarios.breaks import ALIVE
from words import OK_PLAIN, healthy, join, label, run, scenario, server, shell, wait

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
BYE = ["z logout", "!read"]
RESET = label("reset_by_server", "session", "server", "server_down", why="the server's kernel resets the connection")
ABORTED = label(
    "reset_by_client", "session", "client", "mail_app", also={"culprit": ["unknown"], "cause": ["mobile_sync"]}, why="the client's kernel resets in mid-work"
)
CLOSED = label("closed_by_server", "session", "server", "server_down", why="FIN of the server with no BYE while something is owed")
INSIDE = {"stage": ["session", "auth", "greeting"]}
PROBE = healthy("probe", "connect", also={"mechanism": ["clean_close"], "stage": ["greeting", "close"]}, why="a SYN scan: nothing is asked")


def killed(m, rng):
    """ss -K on the server or on the client, while a session waits for this or that."""
    before = {
        "greeting": ["!line", "!sleep 2", "a capability", "!line"],
        "auth": ["!line", "!sleep 1", "a login {user} {password}", "!line", "!line"],
        "session": IN + ["!sleep 2", "c noop", "!line"],
        "idle": IN + ["c idle", "!line", "!sleep 3", "done", "!line"],
        "fetch": IN + ["c fetch 1 body[]", "!until c OK"],
    }[m["stage"]]
    stage = "session" if m["stage"] == "fetch" else m["stage"]
    want = dict(RESET, stage=stage) if m["whose"] == "s1" else dict(ABORTED, stage=stage)
    if m["stage"] == "session":
        want["also_ok"] = dict(want["also_ok"], stage=["idle"])
    check = {"s1": "rst_server and not fin_server", "c1": "rst_client and not fin_client"}[m["whose"]]
    port = "sport" if m["whose"] == "s1" else "dport"
    return [
        run("raw", want, lines=before, seconds=9, cut=12, wait=False, name="x", check=check),
        wait(1.9),
        shell(m["whose"], 'ss -K state established "( %s = :{port} )"' % port),
        join("x"),
        wait(0.5),
    ]


FINS = {
    "greeting": ({"greeting": ["* OK IMAP4rev1 ready", "!sleep 0.05", "!close"]}, "greeting"),
    "login": ({"on": {"LOGIN": ["!sleep 0.5", "!close"], "AUTHENTICATE": ["!sleep 0.5", "!close"]}}, "auth"),
    "after_login": ({"on": {"LOGIN": ["!default", "!close"], "AUTHENTICATE": ["!default", "!close"]}}, "session"),
    "fetch": ({"on": {"FETCH": ["* 1 FETCH (UID 1 FLAGS () BODY[] {5000}", "Subject: half of it", "!close"]}}, "session"),
}


def hung_up(m, rng):
    """The server closes at a stage, with no word."""
    want = dict(CLOSED, stage=FINS[m["stage"]][1])
    if m["tls"] == "implicit":
        want["also_ok"] = INSIDE
    elif m["stage"] == "after_login":
        want["also_ok"] = {"stage": ["auth", "idle"]}
    reset = dict(RESET, stage=want["stage"])  # its kernel, where the client's words were not read yet
    return [run(m["client"], [("fin_server", want), ("True", reset)], seconds=9, cut=14, check="(fin_server or rst_server) and established and data_server")]


def own_firewall(m, rng):
    """The server's own firewall is told to reset the client in the middle of its session."""
    want = dict(RESET, also_ok={"mechanism": ["reset_injected"], "culprit": ["middlebox"], "cause": ["firewall_antivirus"], "stage": ["idle"]})
    return [
        run("raw", want, lines=IN + ["!sleep 2", "c noop", "!line"], seconds=9, cut=12, wait=False, name="x", check="rst_server and auth == 'ok'"),
        wait(1.5),
        shell("s1", "iptables -A INPUT -s {c1} -p tcp -j REJECT --reject-with tcp-reset"),
        ALIVE,
        join("x"),
    ]


def one_port_closed(m, rng):
    """The client is set to a port that nobody listens on; the right one serves it."""
    want = label(
        "connection_refused",
        "connect",
        "server",
        "account_settings",
        also={"cause": ["server_down"], "culprit": ["client"]},
        why="nobody listens there",
    )
    return [
        run(m["client"], want, port=993, tls="implicit", seconds=9, cut=12, check="rst_server and not synacks"),
        run(m["client"], OK_PLAIN, check="auth == 'ok'"),
    ]


def leaves(m, rng):
    """The client closes with FIN in the middle of a download, and its kernel resets what still comes."""
    want = dict(ABORTED, also_ok=dict(ABORTED["also_ok"], stage=["auth", "idle"]))
    return [
        run(
            "raw",
            want,
            lines=IN + ["c fetch 1 body[]", "!sleep 1.5", "!" + m["how"]],
            seconds=9,
            cut=12,
            check="auth == 'ok' and rst_client and data_server > 20000",
        ),
        wait(0.5),
    ]


SCENARIOS = [
    scenario(
        "second_killed_{whose}_{stage}",
        killed,
        {"whose": ("s1", "c1"), "stage": ("greeting", "auth", "session", "idle", "fetch")},
        server="scripted",
        options=lambda m: {"script": {"on": {"LOGIN": ["!sleep 9"]}} if m["stage"] == "auth" else {}},
        mailbox={"messages": 1, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20},
        skip=lambda m: (m["whose"], m["stage"]) not in (("s1", "auth"), ("s1", "idle"), ("s1", "fetch"), ("c1", "auth")),
    ),
    scenario(
        "second_killed_inside_{server}",
        lambda m, rng: [
            run(
                "imaplib",
                dict(RESET, also_ok={"stage": ["idle"]}),
                op="check",
                think=2.5,
                seconds=9,
                cut=12,
                wait=False,
                name="x",
                check="rst_server and hellos",
            ),
            wait(1.9),
            shell("s1", 'ss -K state established "( sport = :{port} )"'),
            join("x"),
        ],
        {"server": ("cyrus",)},
        server="{server}",
        options={"tls": "implicit"},
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_hung_up_{stage}_{tls}_{client}",
        hung_up,
        {"stage": tuple(FINS), "tls": ("none", "implicit"), "client": ("imapflow", "perl", "fetchmail")},
        server="scripted",
        options=lambda m: {"script": FINS[m["stage"]][0]},
        skip=lambda m: (m["stage"], m["tls"], m["client"])
        not in (
            ("greeting", "none", "imapflow"),
            ("login", "implicit", "imapflow"),
            ("after_login", "none", "perl"),
            ("fetch", "none", "fetchmail"),
            ("fetch", "implicit", "perl"),
        ),
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_process_killed_{server}",
        lambda m, rng: [
            run(
                "raw",
                dict(CLOSED, stage="idle", also_ok={"stage": ["session"], "mechanism": ["reset_by_server"]}),
                lines=IN + ["c idle", "!line", "!line"],
                seconds=9,
                cut=12,
                wait=False,
                name="x",
                check="auth == 'ok' and fin_server",
            ),
            wait(2),
            server("signal", process="imapd", how="KILL"),
            join("x"),
        ],
        {"server": ("cyrus",)},
        server="{server}",
    ),
    scenario("second_own_firewall", own_firewall, net={"rtt": (4, 40)}),
    scenario("second_port_closed_{client}", one_port_closed, {"client": ("perl",)}, server="scripted", options={"ports": [143]}),
    scenario(
        "second_leaves_download_{how}",
        leaves,
        {"how": ("close",)},
        mailbox={"messages": 1, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20},
    ),
    scenario(
        "second_scan",
        lambda m, rng: [
            run("raw", PROBE, lines=["!scan"], loop=3, gap=0.3, cut=9, check="rst_client and synacks and not established"),
            ALIVE,
        ],
        net={"rtt": (20, 40)},
    ),
    scenario(
        "second_closes_at_once_inside_{client}",
        lambda m, rng: [
            run(
                m["client"],
                label(
                    "handshake_aborted",
                    "tls",
                    "server",
                    "server_down",
                    also={
                        "mechanism": ["closed_without_greeting", "reset_by_server"],
                        "culprit": ["unknown"],
                        "cause": ["mail_app"],
                        "stage": ["greeting"],
                    },
                    why="FIN before the ClientHello can arrive",
                ),
                seconds=9,
                cut=12,
                check="fin_server and not data_server",
            )
        ],
        {"client": ("perl",)},
        server="scripted",
        options={"script": {"connect": ["!close"]}, "tls": "implicit"},
        net={"rtt": (20, 40)},
    ),
    scenario(
        "second_unread_logout_well",
        lambda m, rng: [
            run(
                "raw",
                OK_PLAIN,
                lines=IN + ["c fetch 1 body[]", "!until c OK", "z logout", "!sleep 0.4", "!close"],
                loop=2,
                cut=12,
                check="auth == 'ok' and rst_client",
            ),
        ],
        mailbox={"messages": 1},
    ),
]
