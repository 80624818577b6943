"""Nothing comes: servers that stand still, ways that are cut, windows that stay shut; with and without the proof of who is to blame."""
from scenarios.breaks import ALIVE, SHORT
from words import NO_ANSWER, NO_GREETING, OK_PLAIN, SILENT, end, fw, join, label, run, scenario, server, shell, wait, wire

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
TRIO = {"client": ("curl", "imaplib", "mbsync")}
SERVER = {"culprit": ["unknown"]}
NO_HELLO = label("tls_no_response", "tls", "server", "server_down", why="the ClientHello is acknowledged, no ServerHello comes")
NO_AUTH = label("auth_timeout", "auth", "server", "server_down", why="LOGIN or AUTHENTICATE is acknowledged and never answered")
NO_ANSWER_INSIDE = label(
    "command_timeout",
    "session",
    "server",
    "server_down",
    also={"mechanism": ["auth_timeout", "greeting_timeout"], "stage": ["auth", "greeting"]},
    why="a record inside TLS is acknowledged and never answered",
)
VANISHED = label(
    "peer_vanished",
    "session",
    "network",
    "weak_connection",
    also={"culprit": ["server", "unknown"], "cause": ["server_down"], "stage": ["idle", "auth"]},
    why="what the client sends is never acknowledged",
)
GONE = label(
    "client_vanished",
    "idle",
    "client",
    "mobile_sync",
    also={"culprit": ["network", "unknown"], "cause": ["weak_connection"], "stage": ["session"]},
    why="what the server sends is never acknowledged",
)
SHUT = "zero_window >= 2 and duration > 10"
BIG = label(
    "path_mtu_blackhole",
    "session",
    "network",
    "weak_connection",
    also={"culprit": ["middlebox", "unknown"], "cause": ["firewall_antivirus"]},
    why="only full-size segments are lost",
)
HALF = label(
    "handshake_incomplete",
    "connect",
    "network",
    "weak_connection",
    also={"culprit": ["client", "middlebox", "unknown"], "cause": ["firewall_antivirus", "mobile_sync"]},
    why="SYN-ACKs again and again, the client's ACK never comes",
)
UNREACHABLE = label(
    "host_unreachable",
    "connect",
    "network",
    "server_down",
    also={"cause": ["weak_connection"], "culprit": ["server", "unknown"]},
    why="ICMP says that there is no way to the host",
)
DROPPED = label("syn_dropped", "connect", "middlebox", "firewall_antivirus", why="SYNs unanswered while the host is alive for others")
NO_SYNACK = "syns >= 3 and not synacks and not rst_server and not icmp"
IMPLICIT = {"tls": "implicit"}


def asleep(command, tls):
    """A scripted server that never answers one command."""
    return {"script": {"on": {command: ["!silent"]}}, "tls": tls}


def full_queue(m, rng):
    """A stopped server whose accept queue is full: the kernel drops the SYNs of all that come later."""
    first = [
        run("raw", NO_GREETING, host="c2", lines=["!hang"], wait=False, name="f%d" % i, seconds=20, check="established and not data_server")
        for i in range(2)
    ]
    blame = label(
        "connect_timeout",
        "connect",
        "server",
        "server_down",
        also={"mechanism": ["syn_dropped", "greeting_timeout"], "stage": ["greeting"], "culprit": ["unknown"]},
        why="the accept queue is full: those who came before were accepted and never greeted",
    )
    return [
        server("freeze"),
        *first,
        wait(0.5),
        run(m["client"], blame, seconds=9, cut=14, check="syns >= 3 and not data_server"),
        wait(3),
        *[end("f%d" % i, "KILL") for i in range(2)],
    ]


def cut_off(m, rng):
    """The way is cut in mid-session, for all or for this client alone while another is served."""
    blocked = [wire(down=True)] if m["proof"] == "alone" else [fw("-I FORWARD -s {c1} -p tcp -j DROP"), fw("-I FORWARD -d {c1} -p tcp -j DROP")]
    return [
        run(
            "raw",
            VANISHED,
            lines=IN + ["!sleep 2.5", "c noop", "!line"],
            seconds=m["patience"],
            cut=40,
            wait=False,
            name="x",
            check="auth == 'ok' and retrans_client >= 3 and not icmp",
        ),
        wait(2),
        *blocked,
        join("x"),
        wait(6),
    ]


def asleep_device(m, rng):
    """A device that leaves the air: in IDLE, in a download, or one that comes back from another address."""
    lines = {"idle": IN + ["c idle", "!line", "!hang"], "fetch": IN + ["c fetch 1:* body[]", "!hang"]}[m["when"]]
    return [
        run(
            "raw",
            GONE if m["when"] == "idle" else dict(GONE, stage="session", also_ok=dict(GONE["also_ok"], stage=["idle"])),
            lines=lines,
            seconds=30,
            wait=False,
            name="x",
            check="auth == 'ok' and retrans_server >= 3",
        ),
        wait(1.5),
        shell("c1", "iptables -A INPUT -j DROP; iptables -A OUTPUT -j DROP"),
        ALIVE,
        wait(16),
        end("x", "KILL"),
    ]


def full_size(m, rng):
    """Segments of full size are lost in one direction, the small ones pass; no ICMP says so."""
    way = "big_up" if m["way"] == "up" else "big_down"
    more = (
        {}
        if m["way"] == m["vantage"] or m["way"] == "up"
        else {
            "mechanism": ["tls_no_response", "command_timeout", "peer_vanished"],
            "culprit": ["middlebox", "unknown", "server"],
            "cause": ["firewall_antivirus", "server_down"],
        }
    )  # lost before the capture: hardly to be told
    label_ = dict(BIG, also_ok=dict(BIG["also_ok"], **more, **({} if m["tls"] == "none" else {"stage": ["tls", "greeting", "auth"]})))
    check = "retrans_%s >= 3" % ("client" if m["way"] == "up" else "server") if m["way"] == "up" or m["vantage"] == "server" else "silence > 4"
    return [
        wire(**{way: m["most"]}),
        run("imaplib", label_, append=60000 if m["way"] == "up" else 0, seconds=14, cut=20, most=3, check=check + " and established and not icmp"),
        wait(1),
    ]


def late_deaf(m, rng):
    """A reader that stops reading: the window shuts and stays shut."""
    return [
        run(
            "raw",
            label("zero_window", "session", "client", "mail_app", why="the client reads no more"),
            lines=["!rcvbuf 4096"] + IN + ["c fetch 1:* body[]", "!hang"],
            seconds=30,
            wait=False,
            name="x",
            check=SHUT + " and auth == 'ok'",
        ),
        wait(16),
        end("x", "KILL"),
    ]


SCENARIOS = [
    scenario(
        "hello_unanswered_{how}_{client}",
        lambda m, rng: [
            *([server("freeze")] if m["how"] == "stopped" else []),
            run(m["client"], NO_HELLO, tls="implicit", seconds=9, cut=14, check="hellos and not data_server and duration > 5"),
        ],
        dict(TRIO, how=("stopped", "mute")),
        server="scripted",
        options={"script": {"connect": ["!silent"]}, "tls": "implicit"},
    ),
    scenario(
        "hello_unanswered_real_{server}_{client}",
        lambda m, rng: [
            server("freeze"),
            run(m["client"], NO_HELLO, tls="implicit", seconds=9, cut=14, check="hellos and not data_server and duration > 5"),
        ],
        dict(TRIO, server=("dovecot", "stunnel", "nginx")),
        server="{server}",
        options=IMPLICIT,
    ),
    scenario(
        "no_greeting_{tls}_{client}",
        lambda m, rng: [
            run(
                m["client"],
                NO_GREETING
                if m["tls"] == "none"
                else dict(
                    NO_ANSWER_INSIDE,
                    mechanism="greeting_timeout",
                    stage="greeting",
                    also_ok={"mechanism": ["command_timeout", "tls_no_response"], "stage": ["session", "tls"]},
                ),
                seconds=9,
                cut=14,
                check="established and duration > 5 and not said",
            )
        ],
        {"client": ("curl", "imaplib", "perl", "mbsync", "fetchmail"), "tls": ("none", "implicit")},
        server="scripted",
        options={"script": {"greeting": ["!silent"]}},
    ),
    scenario(
        "courier_full_{client}",
        lambda m, rng: [
            run("raw", OK_PLAIN, host="c2", lines=IN + ["!sleep 13", "c logout", "!read"], wait=False, name="x", check="auth == 'ok'"),
            run(m["client"], NO_GREETING, seconds=8, cut=12, check="established and auth == 'none' and duration > 5"),
            join("x"),
        ],
        TRIO,
        server="courier",
        options={"maxprocs": 1},
    ),
    scenario(
        "auth_unanswered_{server}_{client}",
        lambda m, rng: [
            server("know", fault="silent"),
            run(m["client"], NO_AUTH, seconds=9, cut=14, check="auth == 'none' and said and duration > 5"),
        ],
        {"client": ("curl", "imaplib", "perl", "imapflow"), "server": ("courier", "cyrus", "nginx")},
        server="{server}",
    ),
    scenario(
        "auth_stopped_dovecot_{client}",
        lambda m, rng: [
            run("imaplib", OK_PLAIN, check="auth == 'ok'"),  # its authentication runs since the first who asks for it
            server("signal", process="auth", how="STOP"),
            run(
                m["client"],
                [("data_client", NO_AUTH), ("True", NO_GREETING)],
                seconds=9,
                cut=14,
                check="auth == 'none' and established and duration > 5",
            ),
            server("signal", process="auth", how="CONT"),
        ],
        {"client": ("curl", "imaplib", "perl", "mbsync")},
    ),
    scenario(
        "auth_unanswered_{tls}_{client}",
        lambda m, rng: [
            run(m["client"], NO_AUTH if m["tls"] == "none" else NO_ANSWER_INSIDE, seconds=9, cut=14, check="auth == 'none' and said and duration > 5")
        ],
        {"client": ("curl", "imaplib", "mbsync", "getmail"), "tls": ("none", "implicit")},
        server="scripted",
        options={"script": {"on": {"LOGIN": ["!silent"], "AUTHENTICATE": ["!silent"]}}},
    ),
    scenario(
        "command_unanswered_{command}_{tls}_{client}",
        lambda m, rng: [
            run(m["client"], NO_ANSWER if m["tls"] == "none" else NO_ANSWER_INSIDE, seconds=9, cut=14, check="auth == 'ok' and duration > 5")
        ],
        {"client": ("curl", "imaplib", "perl"), "tls": ("none", "implicit"), "command": ("SELECT", "FETCH")},
        server="scripted",
        options=lambda m: {"script": {"on": {m["command"]: ["!silent"]}}},
    ),
    scenario(
        "stopped_in_session_{server}",
        lambda m, rng: [
            run(
                "raw",
                NO_ANSWER,
                lines=IN + ["!sleep 2.5", "c noop", "!line"],
                seconds=9,
                wait=False,
                name="x",
                cut=20,
                check="auth == 'ok' and duration > 9",
            ),
            wait(2),
            server("freeze"),
            join("x"),
        ],
        {"server": ("dovecot", "courier", "cyrus")},
        server="{server}",
    ),
    scenario("cut_off_{proof}_{patience}", cut_off, {"proof": ("alone",), "patience": (12, 20)}, net={"rtt": (10, 60)}),
    scenario(
        "device_gone_{when}_{server}",
        asleep_device,
        {"when": ("fetch",), "server": ("dovecot", "courier")},
        server="{server}",
        mailbox={"messages": 20, "size": (20000, 30000)},
        net={"rate": 300},
    ),
    scenario(
        "device_gone_{when}_notices",
        asleep_device,
        {"when": ("idle",)},
        server="scripted",
        options={"script": {"on": {"IDLE": ["+ idling", "!sleep 3", "* 9 EXISTS", "!sleep 1", "* 10 EXISTS"]}}},
        seeds=3,
    ),
    scenario(
        "window_shut_client_{server}",
        late_deaf,
        {"server": ("scripted", "dovecot", "courier")},
        server="{server}",
        mailbox={"messages": 60, "size": (60000, 90000)},
        seeds=2,
    ),
    scenario(
        "window_shut_append_{server}",
        lambda m, rng: [
            run(
                "raw",
                label("zero_window", "session", "server", "server_down", why="the server reads no more"),
                lines=["!line", "a login {user} {password}", "!until a OK", "!sleep 2.2", "b append inbox {9000000+}", "!pump 9000000"],
                seconds=20,
                wait=False,
                name="x",
                cut=22,
                check=SHUT,
            ),
            wait(2),
            server("freeze"),
            join("x"),
        ],
        {"server": ("scripted", "dovecot")},
        server="{server}",
        seeds=2,
    ),
    scenario(
        "full_size_lost_{way}_{tls}_{most}_{vantage}",
        full_size,
        {"vantage": ("client", "server"), "way": ("up", "down"), "tls": ("none", "implicit"), "most": (1400, 1200)},
        vantage="{vantage}",
        mailbox={"messages": 4, "size": (20000, 40000)},
        net={"offload": False},
        skip=lambda m: (m["way"], m["vantage"]) == ("up", "server"),
    ),
    scenario(
        "ack_lost_{vantage}_{client}",
        lambda m, rng: [
            shell("c1", "iptables -A OUTPUT -p tcp --tcp-flags SYN,ACK ACK -j DROP")
            if m["vantage"] == "client"
            else fw("-A FORWARD -d {c1} -p tcp --tcp-flags SYN,ACK SYN,ACK -j DROP"),
            run(m["client"], HALF, seconds=9, cut=14, check="synacks >= 3 and not established"),
            wait(2),
        ],
        {"client": ("curl", "imaplib"), "vantage": ("client", "server")},
        vantage="{vantage}",
    ),
    scenario(
        "ack_lost_six_{client}",
        lambda m, rng: [
            shell("c1", "ip6tables -A OUTPUT -p tcp --tcp-flags SYN,ACK ACK -j DROP"),
            run(m["client"], HALF, seconds=9, cut=14, check="synacks >= 3 and not established"),
            wait(2),
        ],
        {"client": ("curl", "perl")},
        family="6",
    ),
    scenario(
        "unreachable_{kind}_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1} -p tcp -j REJECT --reject-with " + m["kind"]),
            run(m["client"], UNREACHABLE, seconds=8, cut=12, check="any(i in ('3/0', '3/1') for i in icmp) and not synacks"),
        ],
        {"client": ("curl", "imaplib", "mbsync"), "kind": ("icmp-host-unreachable", "icmp-net-unreachable")},
    ),
    scenario(
        "unreachable_six_{kind}_{client}",
        lambda m, rng: [
            fw("-A FORWARD -s {c1_6} -p tcp -j REJECT --reject-with " + m["kind"], six=True),
            run(m["client"], UNREACHABLE, seconds=8, cut=12, check="icmp and not synacks"),
        ],
        {"client": ("curl", "perl"), "kind": ("icmp6-no-route", "icmp6-addr-unreachable")},
        family="6",
    ),
    scenario(
        "host_is_off_{client}",
        lambda m, rng: [
            shell("fw", "ip link set in1 down"),
            shell("fw", "ip neigh flush dev br1"),
            run(m["client"], UNREACHABLE, seconds=12, cut=16, check="'3/1' in icmp and not synacks"),
        ],
        {"client": ("curl", "imaplib")},
        server=None,
    ),
    scenario(
        "hops_run_out_{client}",
        lambda m, rng: [
            shell("fw", "iptables -t mangle -I PREROUTING -i out -p tcp -j TTL --ttl-set 1"),
            run(m["client"], UNREACHABLE, seconds=12, cut=16, check="'11/0' in icmp and not synacks"),
        ],
        {"client": ("curl", "imaplib")},
    ),
    scenario("link_down_{client}", lambda m, rng: [wire(down=True), run(m["client"], SILENT, seconds=9, cut=14, check=NO_SYNACK)], dict(SHORT)),
    scenario(
        "dropped_but_other_port_{client}_{tls}",
        lambda m, rng: [
            fw("-A FORWARD -p tcp --dport {port} -j DROP"),
            run(m["client"], DROPPED, seconds=9, cut=14, check=NO_SYNACK),
            run("imaplib", None, tls="implicit" if m["tls"] == "none" else "none"),
        ],
        {"client": ("curl", "imaplib", "mbsync"), "tls": ("none", "implicit")},
    ),
    scenario(
        "dropped_{when}_{client}",
        lambda m, rng: {
            "before": [fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"), run(m["client"], DROPPED, seconds=9, cut=14, check=NO_SYNACK), ALIVE],
            "after": [
                ALIVE,
                fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
                run(m["client"], DROPPED, seconds=9, cut=14, check=NO_SYNACK),
                wait(1),
            ],
            "itself": [
                run(m["client"], OK_PLAIN, check="auth == 'ok'"),
                fw("-A FORWARD -s {c1} -p tcp --dport {port} -j DROP"),
                ALIVE,
                run(m["client"], DROPPED, seconds=9, cut=14, check=NO_SYNACK),
                ALIVE,
            ],
        }[m["when"]],
        {"client": ("curl", "imaplib", "perl"), "when": ("before", "after", "itself")},
    ),
    scenario("queue_full_{client}", full_queue, {"client": ("curl", "imaplib", "perl")}, server="scripted", options={"script": {"backlog": 1}}),
]
