"""Healthy sessions of every shape, many in one capture, and those that only look like failures."""
from scenarios.breaks import ALIVE
from words import (
    CLEAR,
    INSIDE,
    NO_LOGIN_INSIDE,
    OK_INSIDE,
    OK_PLAIN,
    REFUSED,
    SLOW,
    end,
    fw,
    healthy,
    join,
    label,
    run,
    scenario,
    server,
    shell,
    wait,
    wire,
)

SERVERS = ("dovecot", "cyrus", "courier", "nginx", "stunnel", "haproxy")
IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
CALM = "auth == 'ok' and worst_ok < 4.5 and retrans_client + retrans_server < 4"
PROBE = healthy(
    "probe", "greeting", also={"mechanism": ["clean_close"], "stage": ["close", "connect", "tls"]}, why="connects and leaves, asks for nothing"
)
ASKS = healthy("probe", "greeting", also={"mechanism": ["clean_close"], "stage": ["close", "session"]}, why="asks for the capabilities and leaves")
OPEN = healthy("success", "idle", also={"stage": ["session", "close"]}, why="still open and well")
LOST_RACE = healthy(
    "superseded",
    "connect",
    also={"stage": ["greeting", "close", "tls", "session"], "mechanism": ["probe", "clean_close"]},
    why="the other address family won the race",
)
SPARE = healthy(
    "superseded",
    "greeting",
    also={"stage": ["close", "connect", "session"], "mechanism": ["probe", "clean_close"]},
    why="a spare connection that was never used",
)
LOST = label(
    "packet_loss",
    "close",
    "network",
    "weak_connection",
    "degraded",
    also={"stage": ["session", "auth"], "mechanism": ["high_latency"]},
    why="many segments are lost and sent again",
)
FAR = label(
    "high_latency",
    "close",
    "network",
    "weak_connection",
    "degraded",
    also={"stage": ["session", "auth"], "mechanism": ["packet_loss"]},
    why="a round trip takes more than 400 ms",
)


def well(m):
    return OK_PLAIN if m.get("tls", "none") == "none" else OK_INSIDE


def impossible(m):
    return m["tls"] == "starttls" and (
        m["server"] == "haproxy"
        or m["client"] in ("getmail", "imapfilter")
        or (m["server"] == "stunnel" and m["client"] in ("offlineimap", "imapflow"))
    )


def crowd(m, rng):
    """The same client again and again, then from the other device."""
    n = {"curl": 14, "mbsync": 10, "fetchmail": 8, "getmail": 6, "imapflow": 6, "perl": 10, "imapfilter": 8, "offlineimap": 3}[m["client"]]
    return [
        run(
            m["client"],
            CLEAR if m["tls"] == "none" else INSIDE,
            host=h,
            user=u,
            loop=n,
            gap=rng.choice((0, 0.05, 0.2)),
            op=rng.choice(("sync", "sync", "check")),
            cut=100,
            check=CALM,
        )
        for h, u in (("c1", 0), ("c2", 1))
    ]


def round_of_all(m, rng):
    """Every shape of a good session from one library: sizes, ends, mechanisms, thinking time."""
    return [
        run(
            "imaplib",
            well(m),
            host=rng.choice(("c1", "c2")),
            user=rng.randrange(3),
            op=rng.choice(("sync", "check", "sync", "idle")),
            most=rng.choice((1, 3, 8)),
            idle=1,
            sessions_each=n,
            gap=rng.choice((0, 0.1)),
            end=e,
            auth=rng.choice(("login", "plain")),
            think=rng.choice((0, 0, 0.3)),
            append=rng.choice((0, 0, 4000)),
            cut=150,
            seconds=20,
            check=CALM,
        )
        for n, e in ((14, "logout"), (14, "close"), (14, "logout"))
    ]


def checks(m, rng):
    """Health checks of five kinds, over and over, beside a session that works."""
    kinds = {
        "connect": ["!close"],
        "reset": ["!rst"],
        "banner": ["!line", "!close"],
        "banner_reset": ["!line", "!rst"],
        "capability": ["!line", "a CAPABILITY", "!until a OK", "!close"],
        "logout": ["!line", "a LOGOUT", "!read", "!close"],
        "capability_logout": ["!line", "a CAPABILITY", "!until a OK", "b LOGOUT", "!read", "!close"],
        "noop": ["!line", "a NOOP", "!until a OK", "b LOGOUT", "!read"],
    }
    return [
        run(
            "raw",
            ASKS if k in ("capability", "logout", "capability_logout", "noop") else PROBE,
            lines=kinds[k],
            loop=m["times"],
            gap=0.05,
            cut=60,
            check="auth == 'none' and established",
        )
        for k in rng.sample(list(kinds), 5)
    ] + [ALIVE]


def checks_inside(m, rng):
    kinds = {
        "hello": ["!close"],
        "banner": ["!line", "!close"],
        "logout": ["!line", "a LOGOUT", "!read", "!close"],
        "capability": ["!line", "a CAPABILITY", "!until a OK", "b LOGOUT", "!read", "!close"],
    }
    return [run("raw", NO_LOGIN_INSIDE, lines=kinds[k], loop=m["times"], gap=0.05, cut=60, check="auth == 'none' and hellos") for k in kinds]


def nagios(m, rng):
    """The monitoring plugins' check, now and then, of a server that serves its users meanwhile."""
    inside = m["how"] != "plain"
    user = run("imaplib", OK_INSIDE if inside else OK_PLAIN, host="c2", user=1, check="auth == 'ok'")
    check = run(
        "nagios",
        NO_LOGIN_INSIDE if inside else ASKS,
        args=["-D", "7"] if m["how"] == "certificate" else [],
        check="auth == 'none' and established and not rst_server",
    )
    return [user, check, wait(3), check, user] if m["often"] == "twice" else [check, user]


def balanced(m, rng):
    """A load balancer asks every second or two whether the server is well, beside a user."""
    inside = m["tls"] == "implicit"
    well, words = (OK_INSIDE, NO_LOGIN_INSIDE) if inside else (OK_PLAIN, PROBE if m["how"] in ("connect", "banner") else ASKS)
    check = "auth == 'none' and established and (%s)" % ("hellos" if inside else "not data_client or not rst_server")
    return [
        run("balancer", words, how=m["how"], every=m["every"], cut=8 if m["every"] > 1000 else 5, wait=False, name="b", check=check),
        run("imaplib", well, host="c2", user=1, check="auth == 'ok'"),
        join("b"),
    ]


def long_idle(m, rng):
    lines = IN + ["c idle", "!line", "!sleep %d" % m["idle"], "done", "!until c OK", "d logout", "!read"]
    return [
        run(
            "raw",
            OK_PLAIN,
            lines=lines,
            seconds=m["idle"] + 20,
            wait=False,
            name="x%d" % i,
            cut=m["idle"] + 30,
            host=h,
            user=i,
            check="auth == 'ok' and ended_ok and silence > %d" % min(50, m["idle"] - 2),
        )
        for i, h in ((0, "c1"), (1, "c2"))
    ] + [join("x0"), join("x1")]


def still_open(m, rng):
    """The capture ends while a session waits for mail."""
    lines = {"idle": IN + ["c idle", "!line", "!sleep 60"], "quiet": IN + ["!sleep 60"]}[m["how"]]
    return [
        run(
            "raw",
            OPEN if m["how"] == "idle" else dict(OPEN, stage="session", also_ok={"stage": ["idle", "close"]}),
            lines=lines,
            seconds=90,
            wait=False,
            name="x",
            check="auth == 'ok' and not fin_client",
        ),
        wait(9),
    ]


def end_kinds(m, rng):
    """Closes of every kind after the work is done."""
    ends = {
        "logout_rst": IN + ["c logout", "!until c OK", "!rst"],
        "fin": IN + ["!close"],
        "shut": IN + ["c logout", "!shut", "!read"],
        "after_close": IN + ["!shut", "!read"],
        "unselect": IN + ["c close", "!until c OK", "d logout", "!read"],
        "noops": IN + [w for k in range(4) for w in ("n%d noop" % k, "!until n%d OK" % k, "!sleep 0.2")] + ["c logout", "!read"],
    }
    return [
        run("raw", dict(OK_PLAIN, also_ok={"stage": ["session", "idle"]}), lines=lines, loop=4, gap=0.05, cut=40, check="auth == 'ok'")
        for lines in ends.values()
    ]


def refused_word(m, rng):
    """A NO or BAD to one command in a session that goes on."""
    kinds = {
        "mailbox": ["c select Nope", "!until c NO"],
        "unknown": ["c XYZZY", "!until c"],
        "getquota": ["c getquotaroot Nope", "!until c"],
        "copy": ["c copy 1 Nope", "!until c NO"],
        "delete": ["c delete Nope", "!until c NO"],
    }
    return [
        run(
            "raw",
            dict(OK_PLAIN, also_ok={"stage": ["session", "idle"]}),
            lines=IN + lines + ["d noop", "!until d OK", "e select inbox", "!until e OK", "f fetch 1 flags", "!until f OK", "g logout", "!read"],
            loop=3,
            gap=0.05,
            cut=40,
            check="auth == 'ok' and any(s != 'OK' for _, s in answers)",
        )
        for lines in kinds.values()
    ]


def wrong_then_right(m, rng):
    return [
        run("imaplib", OK_PLAIN, tries=["wrong"] * k + ["right"], seconds=40, pause=rng.choice((0.2, 1)), user=k % 3, host=h, check="auth == 'no+ok'")
        for k, h in ((1, "c1"), (2, "c2"), (1, "c2"))
    ]


def family_lost(m, rng):
    """Both address families, of which one loses the race or meets a fault while the other serves the client at once."""
    kind = m["kind"]
    fallen = {
        "culprit": ["server", "middlebox", "network", "client", "unknown"],
        "outcome": ["healthy"],
        "cause": ["server_down", "firewall_antivirus", "account_settings", "weak_connection", None],
    }
    want = {
        "late": LOST_RACE,
        "dropped": label(
            "syn_dropped",
            "connect",
            "middlebox",
            "firewall_antivirus",
            "degraded",
            also=dict(fallen, mechanism=["superseded", "connect_timeout"]),
            why="IPv6 is dropped, IPv4 serves the same client",
        ),
        "rejected": label(
            "icmp_rejected", "connect", "middlebox", "firewall_antivirus", "degraded", why="IPv6 is rejected, IPv4 serves the same client at once"
        ),
        "refused": label(
            "connection_refused",
            "connect",
            "server",
            "server_down",
            "degraded",
            also={"cause": ["account_settings"], "culprit": ["client"]},
            why="IPv6 is refused, IPv4 serves the same client at once",
        ),
    }[kind]
    rule = {
        "late": wire(delay6=m.get("ms", 300)),
        "dropped": fw("-A FORWARD -s {c1_6} -p tcp -j DROP", six=True),
        "rejected": fw("-A FORWARD -s {c1_6} -p tcp -j REJECT --reject-with icmp6-adm-prohibited", six=True),
        "refused": shell("s1", "ip6tables -A INPUT -p tcp --dport {port} -j REJECT --reject-with tcp-reset"),
    }[kind]
    if kind == "late":  # either family may win: the other one's attempt says nothing, and who is served the slow way is served slowly
        served = [("auth == 'ok' and ':' in client_ip", FAR), ("auth == 'ok'", OK_PLAIN)]
        return [rule, run(m["client"], served + [("True", want)], seconds=9, cut=30, sessions=2, check="auth == 'ok' or not data_client")]
    # Asked once, and given up before it was asked again: such an attempt is no session (docs/verdicts.md), it is only counted.
    first = [
        ("':' in client_ip and syns == 1 and packets == 1 and not icmp", None),
        ("':' in client_ip and auth != 'ok'", want),
        ("auth == 'ok'", OK_PLAIN),
    ]
    return [rule, run(m["client"], first, seconds=9, cut=30, sessions=2, check="auth == 'ok' or ':' in client_ip")]


def spare(m, rng):
    """A second connection opened beside the first and never used."""
    lines = {"fin": ["!line", "!sleep 1", "!close"], "rst": ["!line", "!sleep 1", "!rst"], "left": ["!line", "!sleep 30"]}[m["how"]]
    return [
        run("raw", SPARE, lines=lines, seconds=30, wait=False, name="x", check="auth == 'none' and said"),
        run("imaplib", OK_PLAIN, check="auth == 'ok'"),
        run("imaplib", OK_PLAIN, check="auth == 'ok'", op="check"),
        wait(1.2),
    ] + ([] if m["how"] == "left" else [join("x")])


def after_work_killed(m, rng):
    """The client is killed when all it asked for was answered."""
    want = dict(OK_PLAIN, also_ok={"stage": ["session", "idle"]})
    return [
        run(
            "raw",
            want,
            lines=IN + ["c fetch 1 body[]", "!until c OK", "!sleep 20"],
            seconds=30,
            wait=False,
            name="x",
            check="auth == 'ok' and (fin_client or rst_client)",
        ),
        wait(2),
        end("x", "KILL"),
        wait(0.5),
    ]


def reconnects(m, rng):
    """The server is restarted between two sessions of the same client; nobody is there in between."""
    return [
        run("imaplib", OK_PLAIN, check="auth == 'ok'"),
        server("restart"),
        wait(0.5),
        run("imaplib", OK_PLAIN, check="auth == 'ok'"),
        run("curl", OK_PLAIN, host="c2", user=1, check="auth == 'ok'"),
    ]


MORE_TLS = ("none", "starttls", "implicit")
SCENARIOS = [
    scenario(
        "crowd_{server}_{client}_{tls}",
        crowd,
        {"server": SERVERS, "client": ("curl", "mbsync", "fetchmail", "getmail", "imapflow", "perl", "imapfilter", "offlineimap"), "tls": MORE_TLS},
        server="{server}",
        net={"rtt": (2, 40)},
        skip=lambda m: impossible(m) or (m["server"], m["tls"]) == ("stunnel", "none") or sum(map(ord, "".join(m.values()))) % 3 == 0,
    ),
    scenario(
        "round_{server}_{tls}_{version}",
        round_of_all,
        {"server": SERVERS, "tls": MORE_TLS, "version": ("1.3", "1.2")},
        server="{server}",
        net={"rtt": (2, 40)},
        skip=lambda m: impossible(dict(m, client="")) or (m["tls"] == "none" and (m["version"] == "1.2" or m["server"] == "stunnel")),
    ),
    scenario(
        "checks_{server}",
        checks,
        {"server": SERVERS, "times": (6,)},
        server="{server}",
        skip=lambda m: m["server"] == "stunnel",
        net={"rtt": (2, 40)},
        seeds=2,
    ),
    scenario(
        "checks_inside_{server}_{version}",
        checks_inside,
        {"server": SERVERS, "version": ("1.2", "1.3"), "times": (5,)},
        server="{server}",
        options={"tls": "implicit"},
        net={"rtt": (2, 40)},
    ),
    scenario(
        "nagios_{how}_{often}_{server}_{version}",
        nagios,
        {"how": ("plain", "inside", "certificate"), "often": ("once", "twice"), "server": ("dovecot", "cyrus", "courier", "nginx"), "version": ("1.2", "1.3")},
        server="{server}",
        options=lambda m: {"tls": "none" if m["how"] == "plain" else "implicit"},
        net={"rtt": (2, 40)},
        skip=lambda m: m["how"] == "plain" and m["version"] == "1.2",
    ),
    scenario(
        "balanced_{how}_{every}_{server}_{tls}",
        balanced,
        {"how": ("connect", "banner", "capability", "logout"), "every": (900, 2000), "server": ("dovecot", "courier", "nginx"), "tls": ("none", "implicit")},
        server="{server}",
        net={"rtt": (2, 40)},
        skip=lambda m: (m["every"] == 2000) == (m["server"] == "dovecot"),
    ),
    scenario(
        "long_idle_{idle}_{server}",
        long_idle,
        {"idle": (60, 150), "server": ("dovecot", "cyrus", "courier")},
        server="{server}",
        net={"rtt": (2, 40)},
    ),
    scenario("still_open_{how}_{server}", still_open, {"how": ("idle", "quiet"), "server": ("dovecot", "cyrus", "courier")}, server="{server}"),
    scenario("ends_{server}", end_kinds, {"server": ("dovecot", "cyrus", "courier", "nginx", "haproxy")}, server="{server}", net={"rtt": (2, 40)}),
    scenario("one_no_{server}", refused_word, {"server": ("dovecot", "cyrus", "courier")}, server="{server}", net={"rtt": (2, 40)}),
    scenario(
        "wrong_then_right_{server}", wrong_then_right, {"server": ("dovecot", "cyrus", "courier", "nginx", "haproxy")}, server="{server}", seeds=2
    ),
    scenario(
        "family_{kind}_{client}",
        family_lost,
        {"kind": ("dropped", "rejected", "refused"), "client": ("curl", "imaplib", "imapflow", "mbsync")},
        family="46",
    ),
    scenario(
        "race_{ms}_{client}",
        lambda m, rng: family_lost(dict(m, kind="late"), rng),
        {"ms": (230, 400), "client": ("curl", "imapflow")},
        family="46",
        net={"rtt": (4, 20)},
        seeds=2,
    ),
    scenario("spare_{how}_{server}", spare, {"how": ("fin", "rst", "left"), "server": ("dovecot", "courier", "nginx")}, server="{server}"),
    scenario("killed_after_work_{server}", after_work_killed, {"server": ("dovecot", "cyrus", "courier")}, server="{server}"),
    scenario("restarted_between_{server}", reconnects, {"server": ("dovecot", "courier", "haproxy", "scripted")}, server="{server}"),
    scenario(
        "light_loss_{client}",
        lambda m, rng: [
            run(
                m["client"],
                [
                    ("retrans_client + retrans_server <= 3 and max(retrans_server, retrans_client) * 25 < data_server / 1400", OK_PLAIN),
                    ("auth == 'ok'", dict(OK_PLAIN, ambiguous=True)),
                ],
                loop=2,
                cut=60,
                check="auth == 'ok'",
            )
        ],
        {"client": ("curl", "imaplib", "perl")},
        net={"loss": 0.01, "offload": False, "rtt": (4, 60)},
        mailbox={"messages": 8, "size": (20000, 30000)},
        seeds=2,
    ),
    scenario(
        "far_{rtt}_{client}",
        lambda m, rng: [run(m["client"], FAR, seconds=50, cut=90, check="auth == 'ok'")],
        {"rtt": (520, 760), "client": ("curl", "imaplib", "perl")},
        net=lambda m: {"rtt": m["rtt"], "jitter": 20},
        mailbox={"messages": 3},
    ),
    scenario(
        "far_but_well_{client}",
        lambda m, rng: [run(m["client"], OK_PLAIN, seconds=50, cut=90, check="auth == 'ok'")],
        {"client": ("curl", "imaplib", "mbsync")},
        net={"rtt": 270, "jitter": 5},
        mailbox={"messages": 2, "size": (300, 900)},
    ),
    scenario(
        "lossy_{way}_{share}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                LOST,
                seconds=60,
                cut=110,
                check="auth == 'ok' and retrans_client + retrans_server >= 10 and (retrans_%s * 14 > data_%s / 1448)" % (("server",) * 2),
            )
        ],
        {"client": ("imaplib", "perl"), "share": (9, 15), "way": ("loss", "loss_down")},
        vantage="server",
        net=lambda m: {"rtt": 40, "offload": False, m["way"]: m["share"] / 100},
        mailbox={"messages": 6, "size": (40000, 70000)},
    ),
    scenario(
        "slow_answer_{command}_{client}",
        lambda m, rng: [run(m["client"], SLOW, seconds=30, cut=60, check="auth == 'ok' and worst_ok > 5.5 and status is not None")],
        {"command": ("SELECT", "FETCH", "LOGIN"), "client": ("curl", "imaplib", "perl")},
        server="scripted",
        mailbox={"messages": 1},
        options=lambda m: {
            "script": {"on": {c: ["!sleep 7", "!default"] for c in ({m["command"], "AUTHENTICATE"} if m["command"] == "LOGIN" else {m["command"]})}}
        },
    ),
    scenario(
        "slow_login_{server}_{client}",
        lambda m, rng: [run(m["client"], SLOW, seconds=30, cut=60, check="auth == 'ok' and worst_ok > 5.5")],
        {"server": ("courier", "cyrus", "dovecot"), "client": ("curl", "imaplib")},
        server="{server}",
        options={"slow": 7},
    ),
    scenario(
        "nearly_slow_{client}",
        lambda m, rng: [run(m["client"], OK_PLAIN, seconds=30, cut=60, check="auth == 'ok' and 2 < worst_ok < 4.6")],
        {"client": ("curl", "imaplib", "perl")},
        server="scripted",
        options={"script": {"on": {"SELECT": ["!sleep 3.5", "!default"]}}},
    ),
    scenario(
        "refused_then_other_device_{server}",
        lambda m, rng: [
            run("imaplib", REFUSED, password="wrong", check="auth == 'no'"),
            run("imaplib", OK_PLAIN, check="auth == 'ok'"),
            run("curl", OK_PLAIN, host="c2", user=1, check="auth == 'ok'"),
        ],
        {"server": ("dovecot", "courier", "cyrus", "nginx")},
        server="{server}",
    ),
]
