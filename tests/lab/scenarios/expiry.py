"""Boxes on the way that forget a connection which is quiet for longer than their timer, by their own connection tables; and those that do not."""
from scenarios.breaks import ALIVE
from scenarios.firewall import ALIVE_INSIDE, EXPIRED, IN, STALE
from words import OK_INSIDE, OK_PLAIN, join, label, run, scenario, shell, wait

FORGOTTEN_ALONE = label(
    "peer_vanished",
    "idle",
    "network",
    "weak_connection",
    also={"stage": ["session"], "culprit": ["server", "unknown"], "cause": ["server_down"]},
    why="after a long quiet nothing is acknowledged any more, and nothing shows the server alive",
)
FORGETS = "sysctl -qw net.netfilter.nf_conntrack_tcp_loose={loose} net.netfilter.nf_conntrack_tcp_timeout_established={timer}"
NEW_ONLY = "iptables -A FORWARD -m conntrack --ctstate INVALID -j DROP"
BOXES = {  # where it stands, and what makes it what it is
    "firewall": ("fw", NEW_ONLY),
    "nat": ("gw", NEW_ONLY + " && iptables -t nat -A POSTROUTING -o wan -j MASQUERADE"),
    "balancer": ("fw", NEW_ONLY + " && iptables -t nat -A PREROUTING -d {s1} -p tcp -j DNAT --to-destination {s2}"),
    "anew": ("gw", "iptables -t nat -A POSTROUTING -o wan -j MASQUERADE --random-fully"),  # gives it another mapping when it speaks again
}
STILL = "imap_idle_notify_interval = 0\n"  # else Dovecot says now and then that it is still there
SWALLOWED = "auth == 'ok' and retrans_client >= 3 and not rst_server and silence > %d"


def client(m, labels, check):
    """A client that is quiet for so long, in IDLE or with nothing asked for, and then speaks."""
    quiet, more = m["quiet"], {"seconds": 12, "cut": m["quiet"] + 25, "wait": False, "name": "x", "check": check}
    if m["client"] != "raw":
        return run(m["client"], labels, op="idle", idle=quiet, **more)
    lines = {
        "idle": ["c idle", "!line", "!sleep %d" % quiet, "done", "!until c OK"],
        "quiet": ["!sleep %d" % quiet, "c noop", "!until c OK"],
    }[m["how"]]
    return run("raw", labels, lines=IN + lines + ["d logout", "!read"], **more)


def box_of(m, timer):
    role, rules = BOXES[m["box"]]
    return shell(role, rules + " && " + FORGETS.format(loose=int(m["box"] == "anew"), timer=timer))


def expired(m, rng):
    """Others are served while it is quiet ("meanwhile"), right after it found out ("later"), or nobody is there ("none")."""
    served = ALIVE_INSIDE if m["tls"] == "implicit" else ALIVE
    found_out = [wait(m["quiet"] - 4), served] if m["others"] == "meanwhile" else []
    want, check = (FORGOTTEN_ALONE if m["others"] == "none" else EXPIRED), SWALLOWED % (m["quiet"] - 15)
    if m["box"] == "anew":
        want, check = STALE, "auth == 'ok' and rst_server and silence > %d" % (m["quiet"] - 15)
    after = [served] if m["others"] == "later" else []
    return [box_of(m, m["quiet"] - rng.choice((12, 20, 30))), client(m, want, check), *found_out, join("x"), *after, wait(1)]


def remembered(m, rng):
    """The same box, with a timer that is longer than the quiet."""
    well = OK_INSIDE if m["tls"] == "implicit" else OK_PLAIN
    return [box_of(m, 3 * m["quiet"]), client(m, well, "auth == 'ok' and ended_ok and silence > %d" % (m["quiet"] - 15)), join("x")]


def staged(name, play, matrix, skip=None):
    """Behind a balancer the server stands on the second host, and the first one's address is the balancer's."""
    return [
        scenario(
            name,
            play,
            dict(matrix, box=boxes),
            server="dovecot" if boxes != ("balancer",) else None,
            server2=None if boxes != ("balancer",) else "dovecot",
            net={"rtt": (4, 60)},
            options={"extra": STILL},
            options2={"extra": STILL},
            skip=skip,
        )
        for boxes in (tuple(b for b in matrix["box"] if b != "balancer"), tuple(b for b in matrix["box"] if b == "balancer"))
        if boxes
    ]


def mixed(m, share=9):
    """Some of all combinations, and each value with each other one."""
    impossible = m["client"] != "raw" and m["how"] == "quiet"
    return impossible or sum(map(ord, "".join(map(str, m.values())))) % share != 0


SCENARIOS = [
    *staged(
        "expired_{box}_{client}_{how}_{quiet}_{tls}_{others}",
        expired,
        {
            "box": ("firewall", "nat", "balancer"),
            "client": ("raw", "imaplib", "perl"),
            "how": ("idle", "quiet"),
            "quiet": (70, 90, 115, 185),
            "tls": ("none", "implicit"),
            "others": ("meanwhile", "later", "none"),
        },
        skip=mixed,
    ),
    *staged(
        "forgotten_{box}_{client}_{how}_{quiet}_{tls}_{others}",
        expired,
        {"box": ("anew",), "client": ("raw",), "how": ("idle", "quiet"), "quiet": (70, 100), "tls": ("none", "implicit"), "others": ("meanwhile", "later")},
        skip=lambda m: mixed(m, 3),
    ),
    *staged(
        "remembered_{box}_{client}_{how}_{quiet}_{tls}",
        remembered,
        {
            "box": ("firewall", "nat", "balancer"),
            "client": ("raw", "imaplib", "perl"),
            "how": ("idle", "quiet"),
            "quiet": (70, 100),
            "tls": ("none", "implicit"),
        },
        skip=mixed,
    ),
]
