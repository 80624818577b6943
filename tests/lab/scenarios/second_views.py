"""The same failures and the same good sessions as other places show them: other links, mirrors, one direction, no start, cut frames."""
from scenarios.breaks import ALIVE
from scenarios.handshake import BAD
from scenarios.lesser import WELL
from words import ANYWHERE, DROPPED, NO_GREETING, OK_INSIDE, OK_PLAIN, REFUSED, REJECTED, fw, join, label, run, scenario, server, shell, unclear, wait

LINKS = [(kind, ("link", kind), None) for kind in ("vlan", "qinq", "pppoe", "cooked", "raw")]
TWICE = ("twice", ("twice", 0), None)
RESET = label("reset_by_server", "session", "server", "server_down", also={"stage": ["idle"]}, why="the server's kernel resets the connection")
ONE_SIDED = unclear("one_sided", ("success", "clean_close"), "the direction that would tell it is not in the capture")
HALF_SEEN = dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["one_sided", "clean_close"]))
MIDDLE = dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["clean_close", "midstream"]))
IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]


def one(*names):
    return [d for d in LINKS if d[0] in names]


SCENARIOS = [
    scenario(
        "second_view_refused_{client}",
        lambda m, rng: [run(m["client"], REFUSED, password="wrong", check="auth == 'no'")],
        {"client": ("perl",)},
        server="cyrus",
        net={"rtt": (4, 40), "offload": False},
        derive=one("vlan", "pppoe") + [TWICE, ("snap120", ("snap", 120), None), ("swap", ("swap", 5), None)],
    ),
    scenario(
        "second_view_dropped",
        lambda m, rng: [
            ALIVE,
            fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
            run("curl", DROPPED, seconds=9, cut=12, check="syns >= 3 and not synacks"),
        ],
        net={"rtt": (4, 40), "offload": False},
        derive=one("cooked", "qinq") + [TWICE],
    ),
    scenario(
        "second_view_no_greeting",
        lambda m, rng: [server("freeze"), run("perl", NO_GREETING, seconds=12, cut=14, check="established and not data_server and duration > 10")],
        net={"rtt": (4, 40), "offload": False},
        derive=one("raw") + [
            TWICE,
            ("snap54", ("snap", 54), None),
            (
                "serveronly",
                ("only", "server"),
                [
                    (
                        "True",
                        dict(
                            NO_GREETING,
                            also_ok={"mechanism": ["one_sided"], "outcome": ["inconclusive"], "culprit": ["unknown"], "cause": [None], "stage": ANYWHERE},
                        ),
                    ),
                ],
            ),
        ],
    ),
    scenario(
        "second_view_reset",
        lambda m, rng: [
            run("raw", RESET, lines=IN + ["!sleep 2", "c noop", "!line"], seconds=9, cut=12, wait=False, name="x", check="rst_server and auth == 'ok'"),
            wait(1.9),
            shell("s1", 'ss -K state established "( sport = :{port} )"'),
            join("x"),
            wait(0.5),
        ],
        net={"rtt": (4, 40), "offload": False},
        derive=one("pppoe")
        + [
            TWICE,
            ("nostart", ("from", 3), None),
            ("serveronly", ("only", "server"), None),
            ("clientonly", ("only", "client"), [("True", HALF_SEEN)]),
            (
                "snap60",
                ("snap", 60),
                [
                    (
                        "True",
                        dict(
                            RESET,
                            also_ok={"stage": ANYWHERE, "mechanism": ["truncated"], "culprit": ["unknown"], "cause": [None], "outcome": ["inconclusive"]},
                        ),
                    ),
                ],
            ),
        ],
    ),
    scenario(
        "second_view_certificate",
        lambda m, rng: [run("imaplib", BAD, seconds=9, cut=12, check="('client', 45) in alerts")],
        options={"tls": "implicit", "cert": "expired"},
        net={"rtt": (4, 40), "offload": False},
        derive=one("cooked", "vlan")
        + [
            TWICE,
            ("clientonly", ("only", "client"), None),
            ("snap100", ("snap", 100), None),
            ("swap", ("swap", 3), None),
        ],
    ),
    scenario(
        "second_view_well_{tls}",
        lambda m, rng: [run("imapflow", OK_PLAIN if m["tls"] == "none" else OK_INSIDE, check="auth == 'ok'")],
        {"tls": ("none", "implicit")},
        mailbox={"messages": 8, "size": (3000, 6000)},
        net={"rtt": (4, 40), "offload": False},
        derive=one("pppoe", "cooked", "raw") + [TWICE, ("swap", ("swap", 4), None), ("nostart", ("from", 9), [("True", MIDDLE)])],
    ),
    scenario(
        "second_view_rejected_six",
        lambda m, rng: [shell("fw", "ip -6 route add prohibit {s1_6}/128"), run("curl", REJECTED, seconds=9, cut=12, check="icmp and not synacks")],
        family="6",
        derive=one("cooked", "vlan") + [TWICE, ("snap128", ("snap", 128), None)],
    ),
]
