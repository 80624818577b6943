"""Look-ups by other roads: aliases, search domains, answers cut short, resolvers that come late or are fenced off; wrong addresses."""
from words import CLEAR, OK_PLAIN, dns, failed_lookup, fw, label, run, scenario, shell

ALSO = {"culprit": ["network", "unknown", "client"], "cause": ["weak_connection", "account_settings"]}
NO_ADDRESS = failed_lookup("no_address", "client", "account_settings", "dns and all(c == 0 for _, _, c in dns)", ALSO)
NOWHERE = failed_lookup("nxdomain", "client", "account_settings", "dns and all(c == 3 for _, _, c in dns)", ALSO)
LATE = failed_lookup("dns_timeout", "network", "weak_connection", "dns and status != 0", ALSO)
FENCED = failed_lookup(
    "resolver_unreachable",
    "network",
    "weak_connection",
    "dns and all(c is None for _, _, c in dns)",
    {
        "mechanism": ["refused", "dns_timeout"],
        "culprit": ["unknown", "server", "middlebox"],
        "cause": ["account_settings", "firewall_antivirus", "server_down"],
    },
)
SEARCH = shell("c1", "printf 'search branch.corp.test corp.test\\noptions ndots:4\\n' >> {t1}/../resolv.conf")
ELSEWHERE = label(
    "connection_refused",
    "connect",
    "client",
    "account_settings",
    also={"culprit": ["server"], "cause": ["server_down"]},
    why="the name leads to a host that has no such service",
)
FAULTS = {"loop": NO_ADDRESS, "dangling": NOWHERE}
SCENARIOS = [
    scenario(
        "second_alias_{fault}_{client}",
        lambda m, rng: [dns(m["fault"]), run(m["client"], seconds=8, cut=14, lookup=FAULTS[m["fault"]])],
        {"fault": ("loop", "dangling"), "client": ("perl", "mbsync")},
        skip=lambda m: (m["fault"] == "loop") != (m["client"] == "perl"),
    ),
    scenario(
        "second_search_well_{client}",
        lambda m,
        rng: [SEARCH, run(m["client"], CLEAR, seconds=8, cut=12, check="auth == 'ok'")],
        {"client": ("fetchmail",)},
    ),
    scenario(
        "second_search_nowhere_{client}",
        lambda m, rng: [SEARCH, run(m["client"], to="imap.exmaple.test", seconds=8, cut=14, lookup=NOWHERE)],
        {"client": ("imaplib",)},
    ),
    scenario(
        "second_over_tcp_well_{client}",
        lambda m,
        rng: [dns("truncated"), run(m["client"], CLEAR, seconds=8, cut=14, check="auth == 'ok'")],
        {"client": ("curl",)},
    ),
    scenario(
        "second_one_type_silent_{client}",
        lambda m, rng: [dns("silent", fault_type="AAAA"), run(m["client"], CLEAR, seconds=14, cut=25, check="auth == 'ok'")],
        {"client": ("perl",)},
    ),
    scenario(
        "second_answers_late_{client}",
        lambda m, rng: [dns(None, delay=9), run(m["client"], seconds=20, cut=25, lookup=LATE)],
        {"client": ("curl",)},
    ),
    scenario(
        "second_resolver_fenced_{how}",
        lambda m, rng: [
            fw("-A FORWARD -d {dns} -j REJECT --reject-with icmp-admin-prohibited", role="gw")
            if m["how"] == "off"
            else shell("gw", "ip link set dns0 down; ip route add unreachable {dns}/32"),
            run("perl" if m["how"] == "off" else "imapflow", seconds=8, cut=14, lookup=FENCED),
        ],
        {"how": ("off", "gone")},
    ),
    scenario(
        "second_wrong_address_{client}",
        lambda m, rng: [
            run(m["client"], ELSEWHERE, to="imap.moved.example", seconds=8, cut=12, check="rst_server and not synacks"),
            run(m["client"], OK_PLAIN, check="auth == 'ok'"),
        ],
        {"client": ("imaplib",)},
        names={"imap.moved.example": "s2"},
    ),
    scenario(
        "second_two_addresses_{client}",
        lambda m, rng: [
            run(
                m["client"],
                [
                    (
                        "rst_server and not synacks",
                        dict(
                            ELSEWHERE,
                            culprit="server",
                            cause="server_down",
                            outcome="degraded",
                            also_ok={
                                "outcome": ["failed", "healthy"],
                                "mechanism": ["superseded"],
                                "culprit": ["client", None],
                                "cause": ["account_settings", None],
                            },
                        ),
                    ),
                    ("auth == 'ok'", OK_PLAIN),
                ],
                to="imap.two.example",
                seconds=8,
                cut=12,
                sessions=2,
            )
        ],
        {"client": ("curl",)},
        names={"imap.two.example": "fw+s1"},
    ),
]
