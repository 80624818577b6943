"""The network by other means: routes, narrow links, connection tables, rates, pauses and windows; real kernels do it all."""
from scenarios.breaks import ALIVE
from words import DROPPED, NO_GREETING, OK_PLAIN, REJECTED, SLOW, end, fw, join, label, run, scenario, server, shell, wait, wire

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
BYE = ["z logout", "!read"]
UNREACHABLE = label(
    "host_unreachable",
    "connect",
    "network",
    "server_down",
    also={"cause": ["weak_connection"], "culprit": ["server", "unknown"]},
    why="a router says that there is no way",
)
BIG = label(
    "path_mtu_blackhole",
    "session",
    "network",
    "weak_connection",
    also={"culprit": ["middlebox", "unknown"], "cause": ["firewall_antivirus"]},
    why="a link is narrower than the segments, and the ICMP that says so is thrown away",
)
UNSEEN_BIG = dict(
    BIG,
    also_ok={
        "mechanism": ["tls_no_response", "command_timeout", "peer_vanished"],
        "culprit": ["middlebox", "unknown", "server"],
        "cause": ["firewall_antivirus", "server_down"],
    },
)
BY_SERVER = label("reset_by_server", "greeting", "server", "server_down", why="the kernel resets what its accept queue can't hold")
SWALLOWED = label("content_dropped", "session", "middlebox", "firewall_antivirus", why="from one byte on everything is swallowed, others are served")
GONE = label(
    "client_vanished",
    "idle",
    "client",
    "mobile_sync",
    also={"culprit": ["network", "unknown"], "cause": ["weak_connection"], "stage": ["session"]},
    why="the device answers no keep-alive probe",
)
VANISHED = label(
    "peer_vanished",
    "idle",
    "network",
    "weak_connection",
    also={"culprit": ["server", "unknown"], "cause": ["server_down"], "stage": ["session"]},
    why="the server answers no keep-alive probe",
)
FAR = label("high_latency", "close", "network", "weak_connection", "degraded", also={"stage": ["session", "auth"]}, why="a round trip takes 430 ms")
LOST = label(
    "packet_loss", "close", "network", "weak_connection", "degraded", also={"stage": ["session", "auth", "idle"]}, why="sent again and again"
)
PROXIED = dict(
    NO_GREETING,
    also_ok={"mechanism": ["zero_window"], "culprit": ["middlebox", "unknown"], "cause": ["firewall_antivirus"]},
    why="a SYN proxy answers for a server that is not there",
)
SYN_PROXY = [
    shell("fw", "iptables -t raw -A PREROUTING -i out -p tcp --syn -j CT --notrack"),
    shell("fw", "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"),
    fw("-A FORWARD -i out -p tcp -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460"),
]


def router(m, rng):
    """A router without a route, or with one that forbids."""
    deed = "ip route add %s {s1}/32" if m["family"] == "4" else "ip -6 route add %s {s1_6}/128"
    want = REJECTED if m["kind"] == "prohibit" else UNREACHABLE
    return [shell("fw", deed % m["kind"]), run(m["client"], want, seconds=8, cut=11, check="icmp and not synacks")]


def narrow(m, rng):
    """A link of less than 1,500 bytes behind the first router: Linux says so by ICMP, unless somebody forbids it."""
    mtu = {"4": 900, "6": 1300}[m["family"]]
    steps = [shell("fw", "ip link set out mtu %d" % mtu)]
    if m["icmp"] == "told":
        return steps + [run(m["client"], OK_PLAIN, check="auth == 'ok'", cut=20)]
    steps.append(
        fw("-A OUTPUT -p icmpv6 --icmpv6-type packet-too-big -j DROP" if m["family"] == "6" else "-A OUTPUT -p icmp -j DROP", six=m["family"] == "6"),
    )
    want = BIG if m["vantage"] == "server" else UNSEEN_BIG
    check = "retrans_server >= 3" if m["vantage"] == "server" else "silence > 4"
    return steps + [run(m["client"], want, seconds=15, cut=18, check=check + " and established and not icmp"), wait(1)]


def narrow_certificate(m, rng):
    want = dict(BIG, stage="tls") if m["vantage"] == "server" else dict(UNSEEN_BIG, stage="tls")
    check = "retrans_server >= 3" if m["vantage"] == "server" else "silence > 4"
    return [
        shell("fw", "ip link set out mtu 800"),
        fw("-A OUTPUT -p icmp -j DROP"),
        run(m["client"], want, seconds=10, cut=13, check=check + " and hellos and not icmp"),
        wait(1),
    ]


def overflow(m, rng):
    """Four at once for a queue of two: the kernel is told to reset what is too many."""
    unheard = label(
        "connect_timeout",
        "connect",
        "server",
        "server_down",
        also={"mechanism": ["syn_dropped"], "culprit": ["unknown"]},
        why="the accept queue is full: those who came before were accepted and never greeted",
    )
    want = [("rst_server", BY_SERVER), ("not synacks", unheard), ("True", NO_GREETING)]
    check = "not data_server and (rst_server or duration > 9)"
    several = [
        run("raw", want, host=h, lines=["!sleep 11", "!close"], seconds=12, wait=False, name="%s%d" % (h, i), check=check)
        for i in range(2)
        for h in ("c1", "c2")
    ]
    return [shell("s1", "sysctl -qw net.ipv4.tcp_abort_on_overflow=1"), server("freeze"), *several, *[join(s["name"]) for s in several]]


def table(m, rng):
    """A firewall's connection table that forgets, and what it does with packets of a connection that it does not know."""
    deed = "DROP" if m["deed"] == "drop" else "REJECT --reject-with tcp-reset"
    rules = [
        fw("-A FORWARD -m conntrack --ctstate NEW,ESTABLISHED,RELATED -j ACCEPT"),
        fw("-A FORWARD -p tcp -j " + deed),
        shell("fw", "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0 net.netfilter.nf_conntrack_tcp_timeout_established=%d" % m["after"]),
    ]
    if m["deed"] == "kept":
        noops = [w for i in range(5) for w in ("!sleep 2.5", "n%d noop" % i, "!until n%d OK" % i)]
        return rules + [run("raw", OK_PLAIN, lines=IN + noops + BYE, seconds=20, cut=25, check="auth == 'ok'")]
    want = {
        "drop": label("state_expired", "idle", "middlebox", "firewall_antivirus", also={"stage": ["session"]}, why="the firewall forgot it"),
        "reset": label(
            "reset_stale_connection",
            "idle",
            "middlebox",
            "firewall_antivirus",
            also={"culprit": ["server", "unknown", "network"], "stage": ["session"]},
            why="the firewall forgot it and resets",
        ),
    }[m["deed"]]
    check = "auth == 'ok' and silence > 60 and " + ("rst_server" if m["deed"] == "reset" else "retrans_client >= 3")
    lines = IN + ["!sleep 75", "c noop", "!line"]
    return rules + [
        run("raw", want, lines=lines, seconds=12, cut=100, wait=False, name="x", check=check),
        wait(73),
        ALIVE,
        join("x"),
        wait(1),
    ]


def passing(m, rng):
    """A packet of the handshake is lost once: the retry gets through, and a second later all is well."""
    rule = {"syn": "FORWARD -s {c1} -p tcp --syn -j DROP", "synack": "FORWARD -d {c1} -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP"}[m["lost"]]
    return [
        fw("-I " + rule),
        shell("fw", "(sleep 1; iptables -D %s) >/dev/null 2>&1 &" % rule),
        run(m["client"], OK_PLAIN, seconds=15, cut=20, check="auth == 'ok' and 2 <= syns <= 3"),
    ]


def mid_session(m, rng):
    """A router changes its mind while a session stands: for good, or for a moment."""
    deed = {
        "prohibit": ["iptables -I FORWARD -s {c1} -p tcp -j REJECT --reject-with icmp-admin-prohibited"],
        "unreachable": ["ip route add unreachable {s1}/32"],
        "moment": ["ip route add unreachable {s1}/32; (sleep 0.9; ip route del unreachable {s1}/32) >/dev/null 2>&1 &"],
    }[m["deed"]]
    want = {
        "prohibit": dict(REJECTED, stage="session", also_ok={"stage": ["idle"]}),
        "unreachable": dict(UNREACHABLE, stage="session", also_ok=dict(UNREACHABLE["also_ok"], stage=["idle"], mechanism=["peer_vanished"])),
        "moment": OK_PLAIN,
    }[m["deed"]]
    lines = IN + ["!sleep 2.2", "c noop", "!until c OK"] + BYE
    return [
        run("raw", want, lines=lines, seconds=9, cut=13, wait=False, name="x", check="auth == 'ok' and icmp and retrans_client"),
        wait(2),
        *[shell("fw", line) for line in deed],
        *([ALIVE] if m["deed"] == "prohibit" else []),
        join("x"),
        wait(1),
    ]


def window(m, rng):
    """A reader that pauses, and one that is stopped for good."""
    if m["how"] == "pause":
        lines = ["!rcvbuf 4096"] + IN + ["c fetch 1 body[]", "!sleep 6.5", "!until c OK"] + BYE
        return [run("raw", OK_PLAIN, lines=lines, seconds=20, cut=30, check="('LOGOUT', 'OK') in answers and zero_window")]
    return [
        shell("c1", "sysctl -qw net.ipv4.tcp_rmem='4096 32768 65536'"),
        run(
            "curl",
            label("zero_window", "session", "client", "mail_app", why="the mail program is stopped in the middle of a message"),
            seconds=40,
            wait=False,
            name="x",
            check="zero_window >= 3 and duration > 8",
        ),
        wait(2),
        end("x", "STOP"),
        wait(9),
        dict(ALIVE, op="check"),  # so that time goes on in the capture
    ]


def stall(m, rng):
    """The air is dead for a while in the middle of a session, and comes back."""
    want = OK_PLAIN if m["for"] < 2 else LOST
    lines = IN + ["!sleep 1.7", "c noop", "!until c OK", "d fetch 1 flags", "!until d OK"] + BYE
    return [
        run("raw", want, lines=lines, seconds=25, cut=30, wait=False, name="x", check="auth == 'ok' and retrans_client"),
        wait(1.2),
        wire(down=True),
        wait(m["for"] - 0.3),
        wire(down=False),
        join("x"),
    ]


def keepalive(m, rng):
    if m["who"] == "server":
        return [
            shell("s1", "sysctl -qw net.ipv4.tcp_keepalive_time=2 net.ipv4.tcp_keepalive_intvl=1 net.ipv4.tcp_keepalive_probes=5"),
            run("raw", GONE, lines=IN + ["c idle", "!line", "!hang"], wait=False, name="x", check="auth == 'ok' and rst_server"),
            wait(1.5),
            shell("c1", "iptables -A INPUT -j DROP; iptables -A OUTPUT -j DROP"),
            ALIVE,
            wait(10),
            end("x", "KILL"),
        ]
    lines = ["!keepalive 2"] + IN + ["c idle", "!line"] + (["!sleep 7", "done", "!until c OK"] + BYE if m["who"] == "answered" else ["!line"])
    if m["who"] == "answered":
        return [run("raw", OK_PLAIN, lines=lines, seconds=20, cut=25, check="auth == 'ok' and silence < 4")]
    return [
        run("raw", VANISHED, lines=lines, seconds=30, cut=25, wait=False, name="x", check="auth == 'ok' and rst_client and not fin_server"),
        wait(2.5),
        wire(down=True),
        join("x"),
        wait(1),
    ]


def rate_limited(m, rng):
    """A firewall that allows a device so many connections a minute, or at once."""
    if m["limit"] == "minute":
        return [
            fw("-A FORWARD -p tcp --syn -s {c1} -m recent --name s --update --seconds 60 --hitcount 3 -j DROP"),
            fw("-A FORWARD -p tcp --syn -s {c1} -m recent --name s --set"),
            *[run("imaplib", OK_PLAIN, check="auth == 'ok'") for _ in range(3)],
            ALIVE,
            run(m["client"], dict(DROPPED, also_ok={"mechanism": ["rate_limited"]}), seconds=9, cut=12, check="syns >= 3 and not synacks"),
            ALIVE,
        ]
    hold = [run("raw", OK_PLAIN, lines=IN + ["!sleep 6"] + BYE, wait=False, name="h%d" % i, seconds=20, check="auth == 'ok'") for i in range(2)]
    want = label(
        "reset_injected",
        "connect",
        "middlebox",
        "firewall_antivirus",
        also={"mechanism": ["connection_refused", "connection_limit"], "culprit": ["server", "unknown"], "cause": ["server_down", "account_settings"]},
        why="a firewall resets what is more than two connections",
    )
    return [
        fw("-A FORWARD -p tcp --syn -m connlimit --connlimit-above 2 -j REJECT --reject-with tcp-reset"),
        *hold,
        run(m["client"], want, seconds=9, cut=12, check="rst_server and not synacks"),
        *[join(h["name"]) for h in hold],
    ]


def counted_out(m, rng):
    """A box that lets so many bytes of one direction pass, and swallows the rest of that connection."""
    way = {"client": "original", "server": "reply"}[m["of"]]
    size = {"client": "700:", "server": "2500:"}[m["of"]]
    check = "retrans_client >= 3 and not icmp"
    also = {"stage": ["auth", "idle"]}
    if m["of"] == "server":  # the last acknowledgement may pass, and the answer behind it not: from here that looks like a server that fell silent
        also.update(mechanism=["command_timeout"], culprit=["server"], cause=["server_down"])
    return [
        fw("-I FORWARD -p tcp -m conntrack --ctorigsrc {c1} -m connbytes --connbytes %s --connbytes-dir %s --connbytes-mode bytes -j DROP" % (size, way)),
        run(m["client"], dict(SWALLOWED, also_ok=also), seconds=9, cut=13, check=check),
        ALIVE,
        wait(1),
    ]


SCENARIOS = [
    scenario(
        "second_route_{kind}_{family}_{client}",
        router,
        {"kind": ("prohibit", "unreachable"), "family": ("4", "6"), "client": ("perl", "imapflow")},
        skip=lambda m: (m["kind"], m["family"], m["client"]) not in (("prohibit", "6", "perl"), ("unreachable", "4", "imapflow")),
    ),
    scenario(
        "second_policy_route_drops",
        lambda m, rng: [
            ALIVE,
            shell("gw", "ip rule add from {c1} to {s1} blackhole"),
            run("fetchmail", DROPPED, seconds=10, cut=13, check="syns >= 3 and not synacks and not icmp"),
        ],
    ),
    scenario(
        "second_routes_in_a_ring",
        lambda m, rng: [
            shell("fw", "ip route add {s1}/32 via 198.18.0.1 dev out"),
            run("curl", UNREACHABLE, seconds=8, cut=11, check="'11/0' in icmp and not synacks"),
        ],
    ),
    scenario(
        "second_protocol_unreachable",
        lambda m, rng: [
            fw("-A FORWARD -s {c1} -p tcp -j REJECT --reject-with icmp-proto-unreachable"),
            run(
                "mbsync",
                dict(REJECTED, also_ok={"mechanism": ["host_unreachable"], "culprit": ["server", "network"], "cause": ["server_down"]}),
                seconds=8,
                cut=11,
                check="'3/2' in icmp and not synacks",
            ),
        ],
    ),
    scenario(
        "second_narrow_{icmp}_{family}_{vantage}_{client}",
        narrow,
        {"icmp": ("told", "lost"), "family": ("4", "6"), "vantage": ("server", "client"), "client": ("imaplib", "fetchmail")},
        vantage="{vantage}",
        mailbox={"messages": 3, "size": (9000, 15000)},
        net={"offload": False, "rtt": (4, 40)},
        skip=lambda m: tuple(m.values())
        not in (("told", "4", "server", "fetchmail"), ("lost", "6", "server", "imaplib"), ("lost", "4", "client", "imaplib")),
    ),
    scenario(
        "second_narrow_certificate_{version}_{vantage}_{client}",
        narrow_certificate,
        {"version": ("1.2", "1.3"), "vantage": ("server", "client"), "client": ("curl", "mbsync")},
        vantage="{vantage}",
        options={"tls": "implicit"},
        server="nginx",
        net={"offload": False, "rtt": (4, 40)},
        skip=lambda m: tuple(m.values()) not in (("1.2", "client", "mbsync"), ("1.3", "server", "curl")),
    ),
    scenario(
        "second_fragments_well",
        lambda m, rng: [
            shell("s1", "sysctl -qw net.ipv4.ip_no_pmtu_disc=1"),
            shell("fw", "ip link set out mtu 700"),
            run("getmail", OK_PLAIN, check="auth == 'ok' and retrans_client + retrans_server < 2"),
        ],
        mailbox={"messages": 3, "size": (4000, 6000)},
    ),
    scenario("second_queue_overflows", overflow, server="scripted", options={"script": {"backlog": 1}}, net={"rtt": 600}),
    scenario(
        "second_syn_proxy_{server_is}",
        lambda m, rng: [
            *SYN_PROXY,
            *([shell("s1", "iptables -A INPUT -p tcp -j DROP")] if m["server_is"] == "gone" else []),
            run(
                "imaplib",
                OK_PLAIN if m["server_is"] == "there" else PROXIED,
                seconds=13,
                cut=18,
                check="auth == 'ok'" if m["server_is"] == "there" else "established and not data_server and duration > 12",
            ),
            wait(1),
        ],
        {"server_is": ("there", "gone")},
    ),
    scenario(
        "second_table_{deed}_{after}",
        table,
        {"deed": ("drop", "kept"), "after": (5, 60)},
        skip=lambda m: (m["deed"] == "kept") != (m["after"] == 5),
        net={"rtt": (4, 40)},
    ),
    scenario("second_lost_{lost}_once_{client}", passing, {"lost": ("synack",), "client": ("curl",)}),
    scenario("second_mid_session_{deed}", mid_session, {"deed": ("prohibit", "unreachable", "moment")}, net={"rtt": (4, 40)}),
    scenario(
        "second_window_{how}",
        window,
        {"how": ("pause", "stopped")},
        mailbox=lambda m: {"messages": 1, "size": (300000, 310000) if m["how"] == "pause" else (4000000, 4200000)},
        net=lambda m: {"rtt": 20} if m["how"] == "pause" else {"rtt": 20, "rate": 4000},
    ),
    scenario("second_stall_{for}", stall, {"for": (1, 7)}, net={"rtt": (10, 40)}),
    scenario("second_keepalive_{who}", keepalive, {"who": ("server", "client", "answered")}, server="courier", net={"rtt": (4, 40)}),
    scenario("second_limit_{limit}_{client}", rate_limited, {"limit": ("minute", "at_once"), "client": ("perl",)}, net={"rtt": (4, 40)}),
    scenario(
        "second_counted_out_{of}_{client}",
        counted_out,
        {"of": ("client", "server"), "client": ("imaplib",)},
        net={"rtt": (4, 40)},
        mailbox={"messages": 8},
    ),
    scenario(
        "second_round_trip_{rtt}_{client}",
        lambda m, rng: [run(m["client"], FAR if m["rtt"] > 400 else OK_PLAIN, seconds=40, cut=60, check="auth == 'ok' and not retrans_server")],
        {"rtt": (385, 430), "client": ("mbsync",)},
        net=lambda m: {"rtt": m["rtt"], "jitter": 0},
        mailbox={"messages": 1, "size": (300, 900)},
    ),
    scenario(
        "second_slow_{what}",
        lambda m, rng: [run("imaplib", OK_PLAIN if m["what"] == "nearly" else SLOW, seconds=20, cut=25, check="auth == 'ok'")],
        {"what": ("middle", "nearly")},
        server="scripted",
        mailbox={"messages": 1},
        options=lambda m: {
            "script": {
                "middle": {"on": {"SEARCH": ["!raw * SEARCH", "!sleep 6", "!raw  1\\r\\n", "{tag} OK searched"]}},
                "nearly": {"on": {"LIST": ["!sleep 4.3", "!default"]}},
            }[m["what"]]
        },
        net={"rtt": (4, 40)},
    ),
    scenario(
        "second_server_off_{when}",
        lambda m, rng: [
            run(
                "raw",
                label(
                    "peer_vanished",
                    "auth",
                    "network",
                    "weak_connection",
                    also={"mechanism": ["host_unreachable"], "culprit": ["server", "unknown"], "cause": ["server_down"], "stage": ["greeting"]},
                    why="the server loses its power before LOGIN arrives",
                )
                if m["when"] == "login"
                else label(
                    "command_timeout",
                    "session",
                    "server",
                    "server_down",
                    also={"mechanism": ["peer_vanished"], "culprit": ["unknown", "network"], "cause": ["weak_connection"]},
                    why="the server loses its power in the middle of an answer",
                ),
                lines={
                    "login": ["!line", "!sleep 2", "a login {user} {password}", "!line"],
                    "fetch": IN + ["c fetch 1 body[]", "!until c OK"],
                }[m["when"]],
                seconds=9,
                cut=16,
                wait=False,
                name="x",
                check="retrans_client >= 3" if m["when"] == "login" else "duration > 8 and not fin_server",
            ),
            wait(1.5),
            shell("fw", "ip link set in1 down"),
            join("x"),
            wait(2),
        ],
        {"when": ("login", "fetch")},
        mailbox={"messages": 1, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20},
    ),
    scenario("second_port_again", lambda m, rng: [run("raw", OK_PLAIN, lines=IN + BYE + ["!again"] + IN + BYE, cut=20, check="auth == 'ok'")]),
    scenario(
        "second_one_way_route",
        lambda m, rng: [
            shell("gw", "ip route add blackhole {c1}/32"),
            run(
                "imapflow",
                by_address=True,
                labels=label(
                    "handshake_incomplete",
                    "connect",
                    "network",
                    "weak_connection",
                    also={"culprit": ["client", "middlebox", "unknown"], "cause": ["firewall_antivirus"]},
                    why="the way back is missing: SYN-ACKs again and again",
                ),
                seconds=9,
                cut=12,
                check="synacks >= 3 and not established",
            ),
        ],
        vantage="server",
    ),
]
