"""What firewalls and their like do to sessions that stand, to clients that were refused, to names and words; and what looks like it."""
from scenarios.breaks import ALIVE
from words import OK_INSIDE, REFUSED, REFUSED_INSIDE, box, fw, join, label, run, scenario, server, shell, wait

IN = ["!line", "a login {user} {password}", "!until a OK", "b select inbox", "!until b OK"]
SELECTING = ("curl", "mbsync", "fetchmail", "imapflow", "neomutt")  # for words that stand in every client's session
ALIVE_INSIDE = run("imaplib", OK_INSIDE, host="c2", user=1, check="auth == 'ok'")
FORGED = label(
    "reset_injected",
    "auth",
    "middlebox",
    "firewall_antivirus",
    also={"stage": ["greeting", "session"]},
    why="the reset comes from a box nearer than the server",
)
SWALLOWED = label(
    "content_dropped",
    "auth",
    "middlebox",
    "firewall_antivirus",
    also={"stage": ["session"]},
    why="from one payload on everything is swallowed, others are served",
)
ALONE = label(
    "peer_vanished",
    "auth",
    "network",
    "weak_connection",
    also={
        "mechanism": ["content_dropped"],
        "stage": ["session", "tls"],
        "culprit": ["server", "unknown", "middlebox"],
        "cause": ["firewall_antivirus", "server_down"],
    },
    why="one payload is never acknowledged, nothing shows the server alive",
)
EXPIRED = label(
    "state_expired",
    "idle",
    "middlebox",
    "firewall_antivirus",
    also={"stage": ["session"]},
    why="after a long quiet the data is swallowed while others are served",
)
STALE = label(
    "reset_stale_connection",
    "idle",
    "middlebox",
    "firewall_antivirus",
    also={"culprit": ["server", "unknown", "network"], "stage": ["session"]},
    why="after a long quiet the data is answered by a reset",
)
BANNED = label(
    "client_banned",
    "connect",
    "server",
    "account_settings",
    also={"culprit": ["middlebox"]},
    why="refused logins, then this client alone is shut out",
)
STRIPPED = label("starttls_stripped", "greeting", "middlebox", "firewall_antivirus", also={"stage": ["tls"]}, why="STARTTLS is masked on the way")
INTERCEPTED = label(
    "tls_intercepted", "tls", "middlebox", "firewall_antivirus", why="the certificate shown is a product's own, and the client refuses it"
)
NOT_OFFERED = label(
    "starttls_refused",
    "greeting",
    "server",
    "account_settings",
    also={"mechanism": ["starttls_stripped"], "stage": ["tls"], "culprit": ["client", "middlebox"], "cause": ["server_down", "firewall_antivirus"]},
    why="STARTTLS is not offered, nothing shows that it was taken out",
)
FORGED_CHECK = "rst_server and any(t not in server_ttl for t in rst_ttl)"


def word(text, deed):
    return fw('-I FORWARD -s {c1} -p tcp -m string --algo bm --string "%s" -j %s' % (text, deed))


def swallowed(m, rng):
    """Every segment of the client from the one with that word on is dropped: the connection is marked."""
    text = {"LOGIN": "LOGIN", "SELECT": "SELECT", "FETCH": "FETCH"}[m["word"]]
    rules = [
        shell("fw", 'iptables -t mangle -I FORWARD 1 -s {c1} -p tcp -m string --icase --algo bm --string "%s" -j CONNMARK --set-mark 7' % text),
        fw("-I FORWARD -s {c1} -m connmark --mark 7 -j DROP"),
    ]
    want = SWALLOWED if m["word"] == "LOGIN" else dict(SWALLOWED, stage="session", also_ok={"stage": ["auth", "idle"]})
    served = [ALIVE] if m["others"] == "served" else []
    want = want if served else dict(ALONE, stage=want["stage"])
    return [
        *rules,
        run(m["client"], want, seconds=10, cut=15, auth="login", check="retrans_client >= 3 and not icmp and not rst_server"),
        *served,
        wait(1),
    ]


def name_swallowed(m, rng):
    want = dict(SWALLOWED, stage="tls") if m["others"] == "served" else dict(ALONE, stage="tls")
    served = [ALIVE_INSIDE] if m["others"] == "served" else []
    return [
        shell("fw", "iptables -I FORWARD -s {c1} -p tcp --dport 993 -m length --length 200:65535 -m string --algo bm --string {host} -j DROP"),
        *served,
        run(m["client"], want, seconds=10, cut=15, check="hellos and retrans_client >= 2 and not data_server"),
        wait(1),
    ]


def forgotten(m, rng):
    """A box forgets a connection that was quiet: what comes later is dropped, or answered by a reset."""
    deed = {
        "drop": ["-I FORWARD -s {c1} -p tcp -j DROP", "-I FORWARD -d {c1} -p tcp -j DROP"],
        "reset": ["-I FORWARD -s {c1} -p tcp -j REJECT --reject-with tcp-reset", "-I FORWARD -d {c1} -p tcp -j DROP"],
    }[m["deed"]]
    lines = IN + (["c idle", "!line"] if m["in"] == "idle" else []) + ["!sleep %d" % m["quiet"], "done" if m["in"] == "idle" else "c noop", "!line"]
    want, check = (
        (EXPIRED, "retrans_client >= 3 and not rst_server and silence > %d" % (m["quiet"] - 30))
        if m["deed"] == "drop"
        else (STALE, "rst_server and silence > %d" % (m["quiet"] - 30))
    )
    return [
        run("raw", want, lines=lines, seconds=12, cut=m["quiet"] + 25, wait=False, name="x", check="auth == 'ok' and " + check),
        wait(m["quiet"] - 3),
        *[fw(d) for d in deed],
        ALIVE,
        join("x"),
        wait(1),
    ]


def restarted(m, rng):
    """The server is restarted behind a way that was cut: it knows the old connection no more."""
    return [
        run(
            "raw",
            dict(STALE, culprit="server", also_ok={"culprit": ["middlebox", "unknown", "network"], "stage": ["session"]}),
            lines=IN + ["c idle", "!line", "!sleep %d" % m["quiet"], "done", "!line"],
            seconds=12,
            cut=m["quiet"] + 25,
            wait=False,
            name="x",
            check="auth == 'ok' and rst_server and silence > 50",
        ),
        wait(2),
        shell("s1", "sysctl -qw net.ipv4.tcp_orphan_retries=1"),
        fw("-I FORWARD -d {c1} -p tcp -j DROP"),
        server("kill"),
        wait(8),
        server("start"),
        wait(m["quiet"] - 16),
        fw("-D FORWARD -d {c1} -p tcp -j DROP"),
        join("x"),
    ]


def banned(m, rng):
    refusal, alive = (REFUSED_INSIDE, ALIVE_INSIDE) if m.get("tls") == "implicit" else (REFUSED, ALIVE)
    wrong = [run("imaplib", refusal, password="wrong", seconds=25, check="auth == 'no'") for _ in range(m["refused"])]
    deed = {
        "reject": "iptables -I INPUT -s {c1} -p tcp -m multiport --dports 143,993 -j REJECT --reject-with icmp-port-unreachable",
        "drop": "iptables -I INPUT -s {c1} -p tcp -j DROP",
        "edge": "iptables -I FORWARD -s {c1} -p tcp -j DROP",
    }[m["deed"]]
    check = "icmp and not synacks" if m["deed"] == "reject" else "syns >= 3 and not synacks"
    return [*wrong, shell("fw" if m["deed"] == "edge" else "s1", deed), alive, run(m["client"], BANNED, seconds=9, cut=14, check=check), alive]


def masked(m, rng):
    kind, server_offers = m["mode"], run("imaplib", OK_INSIDE, host="c2", user=1, tls="starttls", check="auth == 'ok'")
    if kind == "strip" and m["others"] == "none":
        # a client that has seen only the greeting was told nothing, and leaves like a probe
        mute = dict(NOT_OFFERED, also_ok=dict(NOT_OFFERED["also_ok"], mechanism=["starttls_stripped", "probe", "clean_close"]))
        return [
            box(kind),
            run(
                m["client"],
                mute if m["client"] == "mbsync" else NOT_OFFERED,
                tls="starttls",
                check="'STARTTLS' not in said and not hellos and established",
            ),
        ]
    others = [server_offers] if m["others"] == "served" else []
    want = STRIPPED
    if (
        kind == "command"
    ):  # before the box everything looks as if the server refused; that another was granted STARTTLS at the same time speaks against it
        want = label(
            "starttls_refused",
            "greeting",
            "server",
            "account_settings",
            also={
                "mechanism": ["starttls_stripped"],
                "stage": ["tls"],
                "culprit": ["client", "middlebox"],
                "cause": ["server_down", "firewall_antivirus"],
            },
            why="the client's STARTTLS is masked on the way and answered BAD",
        )
    check = {"mask": "'XXXX' in said", "strip": "'STARTTLS' not in said", "command": "'STARTTLS' in said"}[kind]
    return [box(kind), *others, run(m["client"], want, tls="starttls", check="not hellos and established and " + check), *others]


def intercepted(m, rng):
    served = [ALIVE_INSIDE] if rng.random() < 0.5 else []
    return [
        box("intercept", product=m["product"], max="1.2"),
        *served,
        run(m["client"], INTERCEPTED, check="hellos and auth == 'none' and (alerts or not data_client > 2000)"),
    ]


QUIET = (100, 150)
SCENARIOS = [
    scenario(
        "forged_reset_{text}_{client}",
        lambda m, rng: [
            word(m["text"], "REJECT --reject-with tcp-reset"),
            ALIVE,
            run(
                m["client"],
                dict(FORGED, stage="auth" if m["text"] == "LOGIN" else "session", also_ok={"stage": ["greeting", "session", "auth"]}),
                seconds=9,
                cut=14,
                auth="login",
                check=FORGED_CHECK,
            ),
        ],
        {"client": ("imaplib", "perl") + SELECTING, "text": ("LOGIN", "SELECT", "FETCH")},
        net={"rtt": (10, 40)},
        skip=lambda m: (m["text"] == "LOGIN" and m["client"] in SELECTING) or (m["text"] == "FETCH" and m["client"] not in ("imaplib", "perl", "curl")),
    ),
    scenario(
        "forged_refusal_{tls}_{client}",
        lambda m, rng: [
            ALIVE if m["tls"] == "none" else ALIVE_INSIDE,
            fw("-I FORWARD -s {c1} -p tcp --dport {port} -j REJECT --reject-with tcp-reset"),
            run(
                m["client"],
                label(
                    "reset_injected",
                    "connect",
                    "middlebox",
                    "firewall_antivirus",
                    also={"mechanism": ["connection_refused"], "culprit": ["server", "unknown"], "cause": ["server_down", "account_settings"]},
                    why="a nearer box answers the SYN with a reset",
                ),
                seconds=9,
                cut=14,
                check="rst_server and not synacks",
            ),
        ],
        {"client": ("curl", "imaplib", "perl"), "tls": ("none", "implicit")},
    ),
    scenario(
        "lone_refusal_{client}",
        lambda m, rng: [
            fw("-I FORWARD -s {c1} -p tcp --dport {port} -j REJECT --reject-with tcp-reset"),
            run(
                m["client"],
                label(
                    "connection_refused",
                    "connect",
                    "server",
                    "server_down",
                    also={
                        "mechanism": ["reset_injected"],
                        "culprit": ["middlebox", "unknown", "client"],
                        "cause": ["account_settings", "firewall_antivirus"],
                    },
                    why="RST answers the SYN, nothing to compare it with",
                ),
                seconds=9,
                cut=14,
                check="rst_server and not synacks",
            ),
        ],
        {"client": ("curl", "imaplib", "mbsync")},
    ),
    scenario(
        "forged_reset_hello_{client}",
        lambda m, rng: [
            ALIVE_INSIDE,
            shell(
                "fw",
                "iptables -I FORWARD -s {c1} -p tcp --dport 993 -m length --length 200:65535 -m string --algo bm --string "
                "{host} -j REJECT --reject-with tcp-reset",
            ),
            run(m["client"], dict(FORGED, stage="tls", also_ok={}), seconds=9, cut=14, check=FORGED_CHECK + " and hellos"),
        ],
        {"client": ("curl", "imaplib", "mbsync", "perl", "fetchmail", "getmail", "neomutt", "imapfilter")},
        options={"tls": "implicit"},
    ),
    scenario(
        "swallowed_{word}_{others}_{client}",
        swallowed,
        {"client": ("imaplib", "perl") + SELECTING, "word": ("LOGIN", "SELECT", "FETCH"), "others": ("served", "none")},
        net={"rtt": (4, 40)},
        skip=lambda m: (m["client"] in SELECTING and (m["word"] == "LOGIN" or (m["others"] == "none" and m["client"] != "mbsync")))
        or (m["word"] == "FETCH" and m["others"] == "none"),
    ),
    scenario(
        "swallowed_name_{others}_{client}",
        name_swallowed,
        {"client": ("curl", "imaplib", "mbsync", "perl", "fetchmail", "getmail", "neomutt", "imapfilter", "offlineimap"), "others": ("served", "none")},
        options={"tls": "implicit"},
        net={"rtt": (4, 40)},
        skip=lambda m: m["others"] == "none" and m["client"] not in ("curl", "imaplib", "mbsync", "perl"),
    ),
    scenario(
        "forgotten_{deed}_{in}_{quiet}",
        forgotten,
        {"deed": ("drop", "reset"), "in": ("idle", "quiet"), "quiet": QUIET},
        skip=lambda m: m["in"] == "idle" and m["quiet"] > 110,  # Dovecot says that it is still here every two minutes
        net={"rtt": (4, 40)},
    ),
    scenario(
        "server_restarted_{quiet}_{server}",
        restarted,
        {"quiet": (90, 130), "server": ("dovecot", "courier")},
        server="{server}",
        net={"rtt": (4, 40)},
    ),
    scenario(
        "banned_{deed}_{client}_{refused}",
        banned,
        {"deed": ("reject", "drop", "edge"), "client": ("curl", "imaplib", "mbsync", "perl", "fetchmail"), "refused": (3, 5)},
        skip=lambda m: m["refused"] == 5 and m["client"] not in ("curl", "imaplib"),
    ),
    scenario(
        "banned_inside_{deed}_{client}_{refused}_{tls}",
        banned,
        {"deed": ("reject", "drop", "edge"), "client": ("curl", "imaplib"), "refused": (4,), "tls": ("implicit",)},
    ),
    scenario(
        "masked_{mode}_{others}_{client}",
        masked,
        {"mode": ("mask", "strip", "command"), "client": ("curl", "imaplib", "perl", "mbsync"), "others": ("served", "none")},
        skip=lambda m: (m["mode"] == "command") != (m["client"] == "perl")
        and m["others"] == "none"
        or m["mode"] != "command"
        and m["client"] == "perl",
    ),
    scenario(
        "intercepted_{product}_{client}",
        intercepted,
        {
            "product": ("avast", "kaspersky", "eset", "fortinet", "zscaler", "bitdefender"),
            "client": ("curl", "imaplib", "perl", "mbsync", "fetchmail"),
        },
        options={"tls": "implicit", "version": "1.2"},
        skip=lambda m: hash_of(m) % 2 == 0,
    ),
    scenario(
        "interception_trusted_{product}",
        lambda m, rng: [
            box("intercept", product=m["product"], max="1.2"),
            run("imaplib", OK_INSIDE, check="hellos and fin_client", check_cert=False),
        ],
        {"product": ("avast", "eset", "fortinet")},
        options={"tls": "implicit"},
    ),
]


def hash_of(m):
    return sum(map(ord, "".join(map(str, m.values()))))
