"""Captures that show too little, derived from whole ones: what is left decides it still, or it does not."""
from scenarios.breaks import ALIVE
from words import (
    ANYWHERE,
    CUT,
    DROPPED,
    NO_ANSWER,
    OK_INSIDE,
    OK_PLAIN,
    REFUSED,
    REFUSED_INSIDE,
    fw,
    healthy,
    join,
    label,
    run,
    scenario,
    server,
    unclear,
    wait,
)

WELL = healthy(also={"stage": ["session", "idle", "auth"], "mechanism": ["clean_close"]}, why="met in the middle, and well")
ALIVE_CHECK = run("imaplib", OK_PLAIN, host="c2", user=1, op="check", check="auth == 'ok'")  # somebody else, so that time goes on in the capture
OPEN_OR_OVER = healthy(also={"stage": ANYWHERE, "mechanism": ["clean_close", "too_short"]}, why="well as far as the capture goes")
OPEN = healthy(stage="session", also={"stage": ["idle", "auth", "close"]}, why="the capture ends in the middle of good work")
MIDSTREAM = unclear("midstream", ("success", "clean_close"), "only the last frames are there")
ONE_SIDED = unclear("one_sided", ("success",), "the direction that would tell it is not in the capture")
LOST = unclear("capture_loss", (), "the frame with the answer is not in the capture")
CUT_WELL = dict(
    WELL, also_ok={"stage": ANYWHERE, "mechanism": ["truncated", "clean_close"]}, why="a good session of which the first bytes of each frame are left"
)
SHORT = unclear("too_short", (), "the capture ends before it is decided")


def alone(m, rng):
    good, bad = (OK_PLAIN, REFUSED) if m["tls"] == "none" else (OK_INSIDE, REFUSED_INSIDE)
    return [run(m["client"], good, check="auth == 'ok'")] if m["login"] == "good" else [run(m["client"], bad, password="wrong", check="auth == 'no'")]


def lesser_of(m):
    """What is left of one session, by kind of login and by what may still be seen."""
    if m["tls"] == "none":
        good = [
            ("nostart", ("from", 6), [("True", WELL)]),
            ("tail", ("from", -1), [("True", MIDSTREAM)]),
            ("noend", ("until", 8), [("True", OPEN)]),
            ("clientonly", ("only", "client"), [("True", dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["one_sided"])))]),
            ("serveronly", ("only", "server"), [("True", WELL)]),
            ("snap96", ("snap", 96), [("True", CUT_WELL)]),
            ("snap54", ("snap", 54), [("True", CUT)]),
        ]
        bad = [
            ("clientonly", ("only", "client"), [("True", ONE_SIDED)]),
            ("serveronly", ("only", "server"), None),
            ("noanswer", ("lose", " NO "), [("True", LOST)]),
            ("snap54", ("snap", 54), [("True", CUT)]),
        ]
    else:
        good = [
            ("tail", ("from", -1), [("True", MIDSTREAM)]),
            ("noend", ("until", -3), [("True", OPEN)]),
            ("clientonly", ("only", "client"), [("True", dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["one_sided"])))]),
            ("snap66", ("snap", 66), [("True", CUT)]),
        ]
        bad = [
            ("clientonly", ("only", "client"), [("True", ONE_SIDED)]),
            ("tail", ("from", -1), [("True", MIDSTREAM)]),
            ("snap66", ("snap", 66), [("True", CUT)]),
        ]
    return good if m["login"] == "good" else bad


UNANSWERED = "syns >= 3 and not synacks and not rst_server and not icmp"
NO_AUTH = label("auth_timeout", "auth", "server", "server_down", why="LOGIN is acknowledged and never answered")
VICTIM = "was != 'success'"
SCENARIOS = [
    scenario(
        "less_{login}_{tls}_{client}_{server}",
        alone,
        {"login": ("good", "bad"), "tls": ("none", "implicit"), "client": ("curl", "imaplib", "perl"), "server": ("dovecot", "cyrus", "courier")},
        server="{server}",
        net={"offload": False, "rtt": (4, 40)},
        mailbox={"messages": 3},
        derive=lesser_of,
        skip=lambda m: (m["client"], m["server"]) in (("curl", "cyrus"), ("perl", "courier")),
    ),
    scenario(
        "less_silence_{client}",
        lambda m, rng: [
            ALIVE,
            fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
            run(m["client"], DROPPED, seconds=9, cut=14, check=UNANSWERED),
        ],
        {"client": ("imaplib", "perl", "curl")},
        derive=[
            ("snap96", ("snap", 96), [("was == 'success'", CUT_WELL)]),
            ("clientonly", ("only", "client"), [(VICTIM, ONE_SIDED), ("True", dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["one_sided"])))]),
        ],
    ),
    scenario(
        "less_silence_alone_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
            run(
                m["client"],
                label(
                    "connect_timeout",
                    "connect",
                    "unknown",
                    "server_down",
                    also={"culprit": ["network", "middlebox", "server"], "cause": ["weak_connection", "firewall_antivirus"]},
                    why="SYNs unanswered, nothing shows the host alive",
                ),
                seconds=9,
                cut=14,
                check=UNANSWERED,
            ),
        ],
        {"client": ("imaplib", "perl", "curl")},
        derive=[("snap96", ("snap", 96), None), ("twosyns", ("syns", 2), [("True", SHORT)])],
    ),
    scenario(
        "less_unanswered_{client}",
        lambda m, rng: [
            run(m["client"], NO_ANSWER, seconds=13, cut=20, wait=False, name="x", check="auth == 'ok' and duration > 11"),
            wait(11.5),
            ALIVE_CHECK,
            join("x"),
        ],
        {"client": ("imaplib", "perl")},
        server="scripted",
        options={"script": {"on": {"FETCH": ["!silent"]}}},
        net={"rtt": (4, 40)},
        derive=[
            ("nostart", ("from", 5), None),
            (
                "early",
                ("seconds", 5),
                [("True", dict(SHORT, also_ok=dict(SHORT["also_ok"], mechanism=["success"])))],
            ),  # nothing comes after the command
            ("late", ("seconds", 12.5), [("was == 'success'", OPEN_OR_OVER)]),
            (
                "clientonly",
                ("only", "client"),
                [(VICTIM, ONE_SIDED), ("True", dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["one_sided", "clean_close"])))],
            ),
        ],
    ),
    scenario(
        "less_login_unanswered_{client}",
        lambda m, rng: [run(m["client"], NO_AUTH, seconds=13, cut=20, check="auth == 'none' and said and duration > 11")],
        {"client": ("imaplib", "perl", "curl")},
        server="scripted",
        options={"script": {"on": {"LOGIN": ["!silent"], "AUTHENTICATE": ["!silent"]}}},
        net={"rtt": (4, 40)},
        derive=[("early", ("seconds", 4), [("True", SHORT)]), ("clientonly", ("only", "client"), [("True", ONE_SIDED)])],
    ),
    scenario(
        "less_greeting_{client}",
        lambda m, rng: [
            server("freeze"),
            run(
                m["client"],
                label("greeting_timeout", "greeting", "server", "server_down", why="the stopped server says nothing"),
                seconds=13,
                cut=18,
                check="established and not data_server and duration > 11",
            ),
        ],
        {"client": ("imaplib", "curl")},
        derive=[("early", ("seconds", 4), [("True", SHORT)]), ("clientonly", ("only", "client"), [("True", ONE_SIDED)])],
    ),
    scenario(
        "less_busy_{server}_{share}",
        lambda m, rng: [
            run("imaplib", OK_PLAIN, sessions_each=8, host=h, user=u, gap=0.1, cut=60, check="auth == 'ok'") for h, u in (("c1", 0), ("c2", 1))
        ],
        {"server": ("dovecot", "courier", "scripted"), "share": (2, 10)},
        server="{server}",
        net={"rtt": (4, 30), "offload": False},
        quick=lambda m: m == {"server": "scripted", "share": 2},
        derive=lambda m: [
            (
                "holes",
                ("lose_share", m["share"] / 100),
                [("True", dict(WELL, also_ok=dict(WELL["also_ok"], mechanism=["clean_close", "capture_loss"])))],
            )
        ],
    ),
]
