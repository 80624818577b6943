"""Incidents: crowds of devices that share a fault, and crowds that share none. What must be told of each stands in `expect`."""
from words import (
    OK_INSIDE,
    OK_PLAIN,
    REFUSED,
    REFUSED_INSIDE,
    crowd,
    dns,
    failed_lookup,
    fw,
    incident,
    label,
    scenario,
    server,
    shell,
    wait,
    wire,
)

BACK = 62  # an incident closes when nobody was hit for a minute
GONE = label("connection_refused", "connect", "server", "server_down", why="the server's process is gone: its host refuses")
REFUSES = "rst_server and not synacks"
UNANSWERED = label(
    "connect_timeout",
    "connect",
    "unknown",
    "server_down",
    also={"cause": ["weak_connection", "firewall_antivirus"], "mechanism": ["syn_dropped"], "culprit": ["middlebox"]},
    why="nothing comes back",
)
DROPPED = label("syn_dropped", "connect", "middlebox", "firewall_antivirus", why="the firewall drops what this network sends to the port")
REJECTED = label("icmp_rejected", "connect", "middlebox", "firewall_antivirus", why="the firewall says so itself")
BANNED = label("client_banned", "connect", "server", "account_settings", also={"culprit": ["middlebox"]}, why="dropped after refused logins, alone")
EXPIRED = label(
    "certificate_rejected",
    "tls",
    "server",
    "server_down",
    also={"cause": ["account_settings"], "culprit": ["client"]},
    why="the certificate has expired",
)
UNTRUSTED = label(
    "certificate_rejected",
    "tls",
    "client",
    "account_settings",
    also={"culprit": ["server"], "cause": ["server_down"]},
    why="this device does not know the authority",
)
STUCK = label(
    "greeting_timeout",
    "greeting",
    "server",
    "server_down",
    also={"mechanism": ["tls_no_response"], "stage": ["tls"]},
    why="accepted by the system, never greeted",
)
HANGS = label("auth_timeout", "auth", "server", "server_down", why="LOGIN is never answered")
UNAVAILABLE = label("temporarily_unavailable", "auth", "server", "server_down", why="the server says that it can't")
LOCKED = label("account_action_required", "auth", "client", "account_settings", why="the account is locked")
BLOCKED = "{tag} NO LOGIN failed. Account is blocked. Login to your account via a web browser to verify your identity."
CULPRIT = {"servfail": ("network", "account_settings"), "nxdomain": ("client", "account_settings"), "silent": ("network", "weak_connection")}
TOLD = {"silent": "dns_timeout"}
SILENT = "syns >= 3 and not synacks and not rst_server"
# inside TLS a key may be missing for one of many: then the device itself says how it went
LOGGED_IN = "auth == 'ok' or ('EXAMINE', 'OK') in answers or (tls and client_ip + ' ' not in output)"
REFUSED_LOGIN = "auth == 'no' or (tls and client_ip + ' refused' in output)"
KEPT_OUT = {"DROP": (DROPPED, SILENT), "REJECT": (REJECTED, "icmp")}
EITHER = [
    (REFUSES, GONE),
    ("auth == 'ok' and ended_ok and fin_client", OK_PLAIN),
    ("established", label("closed_by_server", "session", "server", "server_down", ambiguous=True, why="cut off in its midst")),
]


def well(network, members=(None,), m=None, **more):
    """Devices whose work goes well."""
    inside = bool(m) and m["tls"] != "none"
    return crowd(network, OK_INSIDE if inside else OK_PLAIN, members, check=LOGGED_IN, **more)


def broken(network, what, check, members=(None,), **more):
    return crowd(network, what, members, check=check, **{"seconds": 9, **more})


def lookup_of(fault):
    causes = {"cause": ["weak_connection", "server_down", "account_settings"]}
    return failed_lookup(TOLD.get(fault, fault), *CULPRIT[fault], "len(dns) >= 24", also=causes)


def returned(*networks, m=None):
    """Service is back, everybody is served again; after a minute somebody is served once more."""
    return [well(n, m=m) for n in networks] + [wait(BACK), well(networks[0], (0, 3), m=m)]


SCENARIOS = [
    # the server's process ends: some devices at first, then all; it is started again
    scenario(
        "incident_outage_{server}_{tls}",
        lambda m, rng: [
            well("one", m=m),
            server("kill"),
            broken("one", GONE, REFUSES, (0, 4)),
            broken("one", GONE, REFUSES, sessions_each=2),
            server("start"),
            *returned("one", m=m),
        ],
        {"server": ("dovecot", "courier", "nginx"), "tls": ("none", "implicit")},
        server="{server}",
        vantage=lambda m: "server" if m["server"] == "nginx" else "client",  # there no look-ups are seen
        crowds={"one": 24},
        expect=[incident("connection_refused", "server", 24, closed=True, grown=True)],
    ),
    # the same, cut off while it lasts: quick
    scenario(
        "incident_outage_now_{tls}",
        lambda m, rng: [well("one", m=m), server("kill"), broken("one", GONE, REFUSES, sessions_each=2)],
        {"tls": ("none", "implicit")},
        crowds={"one": 24},
        quick=lambda m: m["tls"] == "none",
        expect=[incident("connection_refused", "server", 24)],
    ),
    # the whole host hangs, and answers nothing
    scenario(
        "incident_host_hangs",
        [
            well("one"),
            shell("s1", "iptables -A INPUT -p tcp -j DROP"),
            broken("one", UNANSWERED, SILENT),
            shell("s1", "iptables -F INPUT"),
            *returned("one"),
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[incident(["connect_timeout", "syn_dropped"], "server", 24, closed=True)],
    ),
    # the devices come one after another, each again and again, when an outage of half a minute falls upon them
    scenario(
        "incident_outage_day",
        [
            crowd("one", EITHER, sessions_each=5, gap=11, spread=11, wait=False, name="all"),
            crowd("two", OK_PLAIN, check=LOGGED_IN, sessions_each=5, gap=11, spread=11, to="mail.elsewhere.test", wait=False, name="others"),
            wait(18),
            server("kill"),
            wait(28),
            server("start"),
            {"do": "join", "name": "all"},
            {"do": "join", "name": "others"},
            wait(BACK),
            well("one", (0, 3)),
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24, "two": 20},
        names={"mail.elsewhere.test": "s2"},
        expect=[incident("connection_refused", "server", (22, 24), (0, 2), closed=True)],
    ),
    # gone again after it was back: two outages, two incidents
    scenario(
        "incident_outage_twice",
        [
            well("one"),
            server("kill"),
            broken("one", GONE, REFUSES),
            server("start"),
            *returned("one"),
            server("kill"),
            broken("one", GONE, REFUSES),
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[incident("connection_refused", "server", 24, closed=True), incident("connection_refused", "server", 24)],
    ),
    # logins hang, because the process that knows the accounts does
    scenario(
        "incident_logins_hang",
        [
            well("one"),
            server("signal", process="auth", how="STOP"),
            broken("one", [("said", HANGS), ("established", STUCK)], "auth == 'none'"),
            server("signal", process="auth", how="CONT"),
            wait(2),
            *returned("one"),
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[incident(["auth_timeout", "greeting_timeout"], "server", 24, closed=True)]  # the greeting waits for that process, too,
    ),
    # the server says itself that it can't
    scenario(
        "incident_unavailable",
        [
            well("one"),
            server("script", script={"on": {"LOGIN": ["{tag} NO [UNAVAILABLE] Temporary authentication failure."]}}),
            broken("one", UNAVAILABLE, REFUSED_LOGIN, sessions_each=2),
            server("script", script={"on": {}}),
            *returned("one"),
        ],
        {"tls": ("none",)},
        server="scripted",
        crowds={"one": 24},
        expect=[incident("temporarily_unavailable", "server", 24, closed=True)],
    ),
    # two faults at once that have nothing to do with each other
    scenario(
        "incident_two_at_once",
        [
            well("one"),
            well("two", to="mail.elsewhere.test"),
            server("kill"),
            fw("-A FORWARD -s {two_3} -p tcp --dport {port} -j REJECT"),
            broken("one", GONE, REFUSES, sessions_each=2, gap=5, wait=False, name="hit"),
            broken("two", REJECTED, "icmp", (3, 4), to="mail.elsewhere.test", sessions_each=6, gap=1, wait=False, name="hit2"),
            wait(2),
            well("two", (4, 20), to="mail.elsewhere.test"),
            {"do": "join", "name": "hit"},
            {"do": "join", "name": "hit2"},
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24, "two": 20},
        names={"mail.elsewhere.test": "s2"},
        expect=[incident("connection_refused", "server", 24), incident("icmp_rejected", "device", 1, (16, 19), subject="{two_3}")],
    ),
    # two ports of one server that is gone are one outage
    scenario(
        "incident_outage_both_ports",
        [
            well("one", m={"tls": "none"}, tls="none"),
            server("kill"),
            broken("one", GONE, REFUSES, (0, 12), tls="none"),
            broken("one", GONE, REFUSES, (12, 24), tls="implicit"),
        ],
        crowds={"one": 24},
        expect=[incident("connection_refused", "server", 24)],
    ),
    # the process hangs: the system still accepts
    scenario(
        "incident_frozen",
        [well("one"), server("freeze"), broken("one", STUCK, "established and not data_server"), server("kill"), server("start"), *returned("one")],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[incident("greeting_timeout", "server", 24, closed=True)],
    ),
    # the certificate expires, and is renewed
    scenario(
        "incident_expired_certificate_{tls}",
        lambda m, rng: [
            well("one", m=m),
            server("certificate", cert="expired"),
            broken("one", EXPIRED, "hellos and auth == 'none'", sessions_each=2),
            server("certificate", cert=""),
            *returned("one", m=m),
        ],
        {"tls": ("implicit", "starttls")},
        crowds={"one": 24},
        expect=[incident("certificate_rejected", "server", 24, closed=True)],
    ),
    # one account's password was changed: its devices go on with the old one, the others work
    scenario(
        "incident_account_{tls}",
        lambda m, rng: [
            well("one", (5, 24), m=m, users=(1, 2)),
            crowd("one", REFUSED, (0, 5), users=(0,), password="wrong", check=REFUSED_LOGIN, sessions_each=3, gap=3, wait=False, name="hit"),
            well("one", (5, 24), m=m, users=(1, 2)),
            {"do": "join", "name": "hit"},
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        quick=True,
        expect=[incident("invalid_credentials", "account", 5, 19)],
    ),
    # one account is locked; one of its devices is still known, and served
    scenario(
        "incident_account_locked",
        [
            well("one", (6, 24), users=(1, 2)),
            crowd("one", LOCKED, (0, 5), users=(0,), password="wrong", check=REFUSED_LOGIN, sessions_each=2, gap=4, wait=False, name="hit"),
            well("one", (5, 6), users=(0,)),
            well("one", (6, 24), users=(1, 2)),
            {"do": "join", "name": "hit"},
        ],
        {"tls": ("none",)},
        server="scripted",
        options={"script": {"on": {"LOGIN_BAD": [BLOCKED]}}},
        crowds={"one": 24},
        expect=[incident("account_action_required", "account", 5, 19)],
    ),
    # inside TLS nobody sees whose account it is: devices that are refused often are told as such; with a key log it is one account
    scenario(
        "incident_account_{tls}",
        lambda m, rng: [
            well("one", (3, 24), m=m, users=(1, 2)),
            crowd("one", REFUSED_INSIDE, (0, 3), users=(0,), password="wrong", check=REFUSED_LOGIN, sessions_each=6, wait=False, name="hit"),
            wait(3),
            well("one", (3, 24), m=m, users=(1, 2)),
            {"do": "join", "name": "hit"},
        ],
        {"tls": ("implicit", "starttls")},
        crowds={"one": 24},
        expect=[
            incident("rejected_inside_tls", "device", 1, 21, subject="{one_%d}" % i, with_keylog=more)
            for i, more in ((0, {"mechanism": "invalid_credentials", "scope": "account", "hit": [3, 3], "subject": None}), (1, None), (2, None))
        ],
    ),
    # a firewall that keeps one network from the port, and serves the other
    scenario(
        "incident_firewall_{how}_{tls}",
        lambda m, rng: [
            well("one", m=m),
            fw("-A FORWARD -s {one} -p tcp --dport {port} -j " + m["how"]),
            well("two", m=m),
            broken("one", *KEPT_OUT[m["how"]], sessions_each=2, gap=6, wait=False, name="hit"),
            wait(3),
            well("two", m=m),
            {"do": "join", "name": "hit"},
            fw("-F FORWARD"),
            *returned("one", m=m),
        ],
        {"how": ("DROP", "REJECT"), "tls": ("none", "implicit")},
        skip=lambda m: m["how"] == "REJECT" and m["tls"] != "none",
        crowds={"one": 24, "two": 20},
        expect=lambda m: [incident("syn_dropped" if m["how"] == "DROP" else "icmp_rejected", "network", 24, 20, closed=True, subject="{one}")],
    ),
    # the resolver fails one network alone
    scenario(
        "incident_dns_{fault}",
        lambda m, rng: [
            well("one"),
            dns(m["fault"], fault_net="{one}"),
            crowd(
                "one",
                sessions_each=2,
                gap=6,
                wait=False,
                name="hit",
                lookup=lookup_of(m["fault"]),
            ),
            wait(3),
            well("two"),
            {"do": "join", "name": "hit"},
            wait(12),  # who asks once more within seconds and is answered had no failure
            dns(None),
            *returned("one"),
        ],
        {"fault": ("servfail", "silent"), "tls": ("none",)},
        crowds={"one": 24, "two": 20},
        expect=lambda m: [incident(TOLD.get(m["fault"], m["fault"]), "network", 24, 20, closed=True, subject="{one}")],
    ),
    # the resolver fails all, and the name itself is gone
    scenario(
        "incident_dns_all_{fault}",
        lambda m, rng: [
            well("one"),
            well("two"),
            dns(m["fault"]),
            *[
                crowd(
                    n,
                    sessions_each=2,
                    gap=5,
                    wait=False,
                    name=n,
                    lookup=lookup_of(m["fault"]),
                )
                for n in ("one", "two")
            ],
            {"do": "join", "name": "one"},
            {"do": "join", "name": "two"},
            wait(6),
            dns(None),
            *returned("one", "two"),
        ],
        {"fault": ("servfail", "nxdomain"), "tls": ("none",)},
        crowds={"one": 24, "two": 20},
        expect=lambda m: [incident(m["fault"], "server", 44, closed=True, subject="{host}" if m["fault"] == "nxdomain" else None)],
    ),
    # one device that the firewall keeps out, again and again
    scenario(
        "incident_device_dropped",
        [
            fw("-A FORWARD -s {one_3} -p tcp --dport {port} -j DROP"),
            well("one", (4, 24)),
            broken("one", DROPPED, SILENT, (3, 4), sessions_each=6, gap=1, wait=False, name="hit"),
            wait(25),
            well("one", (4, 24)),
            {"do": "join", "name": "hit"},
            well("one", (4, 24)),
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[incident("syn_dropped", "device", 1, 20, subject="{one_3}")],
    ),
    # one device that does not know the authority which all others trust
    scenario(
        "incident_device_certificate",
        lambda m, rng: [
            well("one", (4, 24), m=m),
            broken("one", UNTRUSTED, "hellos and auth == 'none'", (3, 4), sessions_each=6, gap=2, trust="untrusted.pem", wait=False, name="hit"),
            wait(2),
            well("one", (4, 24), m=m),
            {"do": "join", "name": "hit"},
        ],
        {"tls": ("implicit",)},
        crowds={"one": 24},
        quick=True,
        expect=[incident("certificate_rejected", "device", 1, 20, subject="{one_3}")],
    ),
    # logins refused, then the address is banned
    scenario(
        "incident_ban_{how}",
        lambda m, rng: [
            well("one", (4, 24), users=(1, 2)),
            crowd("one", REFUSED, (3, 4), users=(0,), password="wrong", check=REFUSED_LOGIN, sessions_each=5),
            fw("-A FORWARD -s {one_3} -p tcp --dport {port} -j " + m["how"]),
            broken("one", BANNED, SILENT if m["how"] == "DROP" else "icmp", (3, 4), users=(0,), sessions_each=4, wait=False, name="hit"),
            wait(5),
            well("one", (4, 24), users=(1, 2)),
            {"do": "join", "name": "hit"},
            well("one", (4, 24), users=(1, 2)),
        ],
        {"how": ("DROP", "REJECT"), "tls": ("none",)},
        crowds={"one": 24},
        expect=[incident("client_banned", "device", 1, 20, subject="{one_3}")],
    ),
    # both servers of a provider are gone
    scenario(
        "incident_provider_{tls}",
        lambda m, rng: [
            well("one", (0, 12), m=m),
            well("one", (12, 24), m=m, to="second.{host}"),
            server("kill"),
            server("kill", role="s2"),
            broken("one", GONE, REFUSES, (0, 12), sessions_each=2),
            broken("one", GONE, REFUSES, (12, 24), to="second.{host}", sessions_each=2),
            server("start"),
            server("start", role="s2"),
            well("one", (12, 24), to="second.{host}", m=m),
            well("one", (0, 12), m=m),
            wait(BACK),
            well("one", (0, 3), m=m),
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24},
        expect=[incident("connection_refused", "provider", 24, closed=True)],
    ),
    # nothing passes any more, for anybody, to several providers; and for one network alone
    scenario(
        "incident_everyone",
        [
            well("one"),
            well("two", to="mail.elsewhere.test"),
            wire(down=True),
            broken("one", UNANSWERED, SILENT, wait=False, name="hit"),
            broken("two", UNANSWERED, SILENT, to="mail.elsewhere.test"),
            {"do": "join", "name": "hit"},
            wire(down=False),
            *returned("one"),
            well("two", to="mail.elsewhere.test"),
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24, "two": 20},
        names={"mail.elsewhere.test": "s2"},
        expect=[incident(["connect_timeout", "syn_dropped"], "everyone", 44, closed=True)]  # that the servers lived a moment before, others showed,
    ),
    scenario(
        "incident_uplink_of_one_network",
        [
            well("one", (0, 12)),
            well("one", (12, 24), to="mail.elsewhere.test"),
            wire(down=True),
            broken("one", UNANSWERED, SILENT, (0, 12), wait=False, name="hit"),
            broken("one", UNANSWERED, SILENT, (12, 24), to="mail.elsewhere.test"),
            {"do": "join", "name": "hit"},
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24},
        names={"mail.elsewhere.test": "s2"},
        expect=[incident(["connect_timeout", "syn_dropped"], "network", 24, subject="{one}")],
    ),
    scenario(
        "incident_network_cut_off",
        [
            well("one", (0, 12)),
            well("one", (12, 24), to="mail.elsewhere.test"),
            shell("fw", "iptables -A FORWARD -s {one} -j DROP"),
            broken("one", DROPPED, SILENT, (0, 12), wait=False, name="hit"),
            broken("one", DROPPED, SILENT, (12, 24), to="mail.elsewhere.test", wait=False, name="hit2"),
            wait(3),
            well("two"),
            well("two", to="mail.elsewhere.test"),
            {"do": "join", "name": "hit"},
            {"do": "join", "name": "hit2"},
            well("two", (0, 3)),
        ],
        {"tls": ("none",)},
        server2="dovecot",
        crowds={"one": 24, "two": 20},
        names={"mail.elsewhere.test": "s2"},
        expect=[incident("syn_dropped", "network", 24, 20, subject="{one}")],
    ),
    # too few to say whom it hits
    scenario(
        "incident_two_clients",
        [well("one", (0, 2)), server("kill"), broken("one", GONE, REFUSES, (0, 1), sessions_each=6)],
        {"tls": ("none",)},
        crowds={"one": 2},
        expect=[incident("connection_refused", "unknown", 1, (0, 1))],
    ),
    # four hundred sessions, one line
    scenario(
        "incident_four_hundred",
        [well("one", spread=12, seconds=20), server("kill"), broken("one", GONE, REFUSES, sessions_each=2, spread=4, gap=5)],
        {"tls": ("none",)},
        crowds={"one": 200},
        expect=[incident("connection_refused", "server", 200)],
    ),
    # nothing is wrong, or nothing that is shared
    scenario(
        "incident_none_crowd_{tls}",
        lambda m, rng: [
            well("one", m=m, sessions_each=3, gap=4, spread=8),
            well("two", m=m, sessions_each=3, gap=4, spread=8, **({"to": "second.{host}"} if m["tls"] == "none" else {})),
            crowd("one", REFUSED if m["tls"] == "none" else REFUSED_INSIDE, (0, 2), password="wrong", check=REFUSED_LOGIN, sessions_each=2),
            well("one", m=m),
        ],
        {"tls": ("none", "implicit", "starttls")},
        server2="dovecot",
        crowds={"one": 40, "two": 24},
        quick=lambda m: m["tls"] == "none",
        expect=[],
    ),
    # single faults of several kinds on one day, each soon over
    scenario(
        "incident_none_mixed",
        [
            well("one"),
            fw("-A FORWARD -s {one_5} -p tcp --dport {port} -j DROP"),
            broken("one", DROPPED, SILENT, (5, 6), wait=False, name="hit"),
            wait(2),
            well("one", (6, 24)),
            crowd("one", REFUSED, (8, 9), password="wrong", check=REFUSED_LOGIN, sessions_each=3),
            {"do": "join", "name": "hit"},
            fw("-F FORWARD"),
            server("restart"),
            well("one"),
            crowd("one", REFUSED, (11, 12), password="wrong", check=REFUSED_LOGIN, users=(1,)),
            well("one"),
        ],
        {"tls": ("none",)},
        crowds={"one": 24},
        expect=[],
    ),
]
