"""A third look at the network, TLS, look-ups and views: written when the program had been mended by the second, to see whether that holds."""
from scenarios.breaks import ALIVE
from scenarios.firewall import ALIVE_INSIDE
from scenarios.second_ends import ABORTED, CLOSED, RESET
from scenarios.second_names import NOWHERE
from scenarios.second_network import BIG, REJECTED, SWALLOWED, UNREACHABLE, VANISHED
from scenarios.second_tls import HUNG_UP, NO_HELLO, SERVER_HELLO
from words import CLEAR, OK_INSIDE, OK_PLAIN, REFUSED, SLOW, dns, failed_lookup, fw, join, run, scenario, server, shell, unclear, wait

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
BYE = ["z logout", "!read"]
NEAR = {"rtt": (4, 40)}
# One direction shows an end, and not whether work was under way.
HALF = [("True", unclear("one_sided", ("success", "clean_close", "closed_by_server", "reset_by_client"), "the other direction would tell it"))]
WHOLE = {"rtt": (4, 40), "offload": False}
SEARCH = shell("c1", "printf 'search branch.corp.test corp.test\\n' >> {t1}/../resolv.conf")
NO_ANSWER = failed_lookup(
    "dns_timeout",
    "network",
    "weak_connection",
    "dns and status != 0",
    {"culprit": ["unknown", "client", "middlebox"], "cause": ["account_settings", "firewall_antivirus"]},
)
ALONE = dict(
    VANISHED,
    also_ok={
        "mechanism": ["content_dropped", "state_expired"],
        "culprit": ["server", "unknown", "middlebox"],
        "cause": ["server_down", "firewall_antivirus"],
        "stage": ["session"],
    },
)


def frozen(m, rng):
    """The server's machine stands still for some seconds, and goes on."""
    first = [] if m["tls"] == "implicit" else [run("imaplib", OK_PLAIN, check="auth == 'ok'")]
    want = {"slow": SLOW, "pause": OK_PLAIN if m["tls"] == "none" else OK_INSIDE}[m["for"]]
    return first + [
        server("freeze"),
        run(m["client"], want, seconds=25, cut=30, wait=False, name="x", check="auth == 'ok' or hellos"),
        wait({"slow": 6.3, "pause": 2.5}[m["for"]]),
        server("thaw"),
        join("x"),
    ]


SCENARIOS = [
    scenario(
        "third_starttls_{then}",
        lambda m, rng: [run("imaplib", HUNG_UP if m["then"] == "half" else NO_HELLO, seconds=8, cut=12, check="hellos and data_server")],
        {"then": ("half", "stalls")},
        server="scripted",
        options=lambda m: {
            "tls": "starttls",
            "script": {
                "on": {
                    "STARTTLS": ["{tag} OK go ahead", "!recv"]
                    + (["!raw " + SERVER_HELLO[:80], "!close"] if m["then"] == "half" else ["!raw " + SERVER_HELLO, "!silent"])
                }
            },
        },
    ),
    scenario(
        "third_killed_inside",
        lambda m, rng: [
            run(
                "imaplib",
                dict(RESET, also_ok={"stage": ["idle", "close"]}),
                seconds=15,
                cut=18,
                wait=False,
                name="x",
                check="rst_server and hellos and data_server > 90000",
            ),
            wait(2.6),
            shell("s1", 'ss -K state established "( sport = :{port} )"'),
            join("x"),
        ],
        options={"tls": "implicit"},
        mailbox={"messages": 2, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20},
    ),
    scenario(
        "third_keepalive_fenced",
        lambda m, rng: [
            run(
                "raw",
                ALONE,
                lines=["!keepalive 1"] + IN + ["c idle", "!line", "!line"],
                seconds=30,
                cut=20,
                wait=False,
                name="x",
                check="auth == 'ok' and rst_client",
            ),
            wait(2),
            fw("-I FORWARD -s {c1} -p tcp -j DROP"),
            ALIVE,
            join("x"),
            wait(0.5),
        ],
        net=NEAR,
    ),
    scenario("third_search_behind", lambda m, rng: [SEARCH, run("curl", to="imap.exmaple.test", seconds=8, cut=14, lookup=NOWHERE)]),
    scenario(
        "third_search_broken_well",
        lambda m, rng: [SEARCH, dns("servfail", fault_first=2), run("perl", CLEAR, seconds=12, cut=20, check="auth == 'ok'")],
    ),
    scenario(
        "third_tcp_lookup_fenced",
        lambda m, rng: [
            dns("truncated"),
            fw("-A FORWARD -d {dns} -p tcp -j DROP", role="gw"),
            run("mbsync", seconds=12, cut=22, lookup=NO_ANSWER),
        ],
    ),
    scenario(
        "third_narrow_upload_{icmp}",
        lambda m, rng: [
            shell("gw", "ip link set wan mtu 900"),
            *([fw("-A OUTPUT -p icmp -j DROP", role="gw")] if m["icmp"] == "lost" else []),
            run(
                "imaplib",
                OK_PLAIN if m["icmp"] == "told" else BIG,
                append=40000,
                most=1,
                seconds=12,
                cut=15,
                check="auth == 'ok' and '3/4' in icmp" if m["icmp"] == "told" else "retrans_client >= 3 and not icmp",
            ),
            wait(1),
        ],
        {"icmp": ("told", "lost")},
        mailbox={"messages": 1, "size": (300, 600)},
        net=WHOLE,
    ),
    scenario(
        "third_clamped_well",
        lambda m, rng: [fw("-t mangle -A FORWARD -p tcp --syn -j TCPMSS --set-mss 600"), run("fetchmail", OK_PLAIN, check="auth == 'ok'")],
        mailbox={"messages": 3, "size": (3000, 5000)},
        net=NEAR,
    ),
    scenario(
        "third_frozen_{for}_{tls}_{client}",
        frozen,
        {"for": ("slow", "pause"), "tls": ("none", "implicit"), "client": ("imaplib",)},
        skip=lambda m: (m["for"], m["tls"]) == ("pause", "implicit"),
        mailbox={"messages": 2},
        net=NEAR,
    ),
    scenario(
        "third_policy_fails_six",
        lambda m, rng: [
            fw("-A FORWARD -s {c1_6} -p tcp -j REJECT --reject-with icmp6-policy-fail", six=True),
            run("perl", REJECTED, seconds=8, cut=11, check="'1/5' in icmp"),
        ],
        family="6",
    ),
    scenario(
        "third_hops_run_out_six",
        lambda m, rng: [
            shell("fw", "ip6tables -t mangle -I PREROUTING -i out -p tcp -j HL --hl-set 1"),
            run("curl", UNREACHABLE, seconds=8, cut=11, check="'3/0' in icmp and not synacks"),
        ],
        family="6",
    ),
    scenario(
        "third_host_prohibited_by_itself",
        lambda m, rng: [
            shell("s1", "iptables -A INPUT -p tcp --dport {port} -j REJECT --reject-with icmp-host-prohibited"),
            run("getmail", REJECTED, seconds=8, cut=11, check="'3/10' in icmp and not synacks"),
        ],
    ),
    scenario(
        "third_killed_in_download",
        lambda m, rng: [
            run(
                "raw",
                dict(CLOSED, also_ok={"mechanism": ["reset_by_server"]}),
                lines=IN + ["c fetch 1 body[]", "!until c OK"],
                seconds=9,
                cut=14,
                wait=False,
                name="x",
                check="auth == 'ok' and fin_server and data_server > 50000",
            ),
            wait(2),
            server("signal", process="imap", how="KILL"),
            join("x"),
        ],
        mailbox={"messages": 1, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20},
    ),
    scenario(
        "third_cut_inside",
        lambda m, rng: [
            fw("-I FORWARD -p tcp --dport 993 -s {c1} -m connbytes --connbytes 2600: --connbytes-dir original --connbytes-mode bytes -j DROP"),
            ALIVE_INSIDE,
            run(
                "imaplib",
                dict(SWALLOWED, also_ok={"stage": ["auth", "idle", "greeting", "tls"]}),
                seconds=9,
                cut=13,
                check="hellos and retrans_client >= 3 and not icmp",
            ),
            wait(1),
        ],
        options={"tls": "implicit"},
        mailbox={"messages": 8},
        net=NEAR,
    ),
    scenario(
        "third_rate_rejected",
        lambda m, rng: [
            fw("-A FORWARD -p tcp --syn -s {c1} -m recent --name r --update --seconds 60 --hitcount 2 -j REJECT --reject-with icmp-port-unreachable"),
            fw("-A FORWARD -p tcp --syn -s {c1} -m recent --name r --set"),
            run("mbsync", OK_PLAIN, check="auth == 'ok'"),
            run("mbsync", OK_PLAIN, check="auth == 'ok'"),
            run("mbsync", dict(REJECTED, also_ok={"mechanism": ["rate_limited"]}), seconds=8, cut=11, check="'3/3' in icmp and not synacks"),
            ALIVE,
        ],
        net=NEAR,
    ),
    scenario(
        "third_view_cut_{login}",
        lambda m, rng: [
            run("imaplib", OK_PLAIN if m["login"] == "good" else REFUSED, password="right" if m["login"] == "good" else "wrong", check="auth != 'none'")
        ],
        {"login": ("good", "bad")},
        mailbox={"messages": 2},
        net=WHOLE,
        derive=[("snap160", ("snap", 160), None), ("swap3", ("swap", 3), None)],
    ),
    scenario(
        "third_view_hung_up",
        lambda m, rng: [
            run(
                "raw",
                dict(CLOSED, stage="idle", also_ok={"stage": ["session"]}),
                lines=IN + ["c idle", "!line", "!line"],
                seconds=9,
                cut=12,
                check="fin_server and ('IDLE', 'OK') not in answers",
            )
        ],
        server="scripted",
        options={"script": {"on": {"IDLE": ["+ idling", "!sleep 2", "!close"]}}},
        net=WHOLE,
        derive=[("nostart", ("from", 4), None), ("serveronly", ("only", "server"), HALF)],
    ),
    scenario(
        "third_view_killed_client",
        lambda m, rng: [
            run(
                "raw",
                ABORTED,
                lines=IN + ["c fetch 1 body[]", "!until c OK"],
                seconds=9,
                cut=12,
                wait=False,
                name="x",
                check="rst_client and not fin_client",
            ),
            wait(1.9),
            shell("c1", 'ss -K state established "( dport = :{port} )"'),
            join("x"),
            wait(0.5),
        ],
        mailbox={"messages": 1, "size": (2000000, 2100000)},
        net={"rate": 3000, "rtt": 20, "offload": False},
        derive=[("clientonly", ("only", "client"), HALF), ("nostart", ("from", 3), None), ("swap", ("swap", 7), None)],
    ),
    scenario(
        "third_stall_up",
        lambda m, rng: [
            run(
                "raw",
                OK_PLAIN,
                lines=IN + ["c append inbox {60000+}", "!pump 60000", "!raw \\r\\n", "!until c OK"] + BYE,
                seconds=20,
                cut=25,
                check="auth == 'ok'",
            ),
        ],
        server="scripted",
        vantage="server",
        net=WHOLE,
        derive=[("swap", ("swap", 4), None), ("twice", ("twice", 0), None)],
    ),
]
