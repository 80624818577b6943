"""The words that scenarios are written in: steps and labels. See README.md."""

TOUCH = ["session", "idle", "auth"]
ANYWHERE = ["resolve", "connect", "tls", "greeting", "auth", "session", "idle", "close"]


def label(mechanism, stage, culprit, cause, outcome="failed", also=None, keylog=None, why="", ambiguous=False):
    """A verdict in the words of docs/verdicts.md; its class is looked up by the scorer's table."""
    found = {"outcome": outcome, "mechanism": mechanism, "stage": stage, "culprit": culprit, "cause": cause, "also_ok": also or {}, "why": why}
    if keylog:
        found["with_keylog"] = keylog
    if ambiguous:
        found["ambiguous"] = True
    return found


def healthy(mechanism="success", stage="close", also=None, why=""):
    return label(mechanism, stage, None, None, "healthy", also, why=why)


def unclear(mechanism, also=(), why=""):
    """Nothing can be said; `also` are words that a careful reader might say as well."""
    return label(mechanism, "session", "unknown", None, "inconclusive", also={"stage": ANYWHERE, "mechanism": list(also)}, why=why)


OK_INSIDE = healthy(also={"stage": TOUCH}, why="inside TLS a normal login, and what the client wanted")
OK_PLAIN = healthy(also={"stage": ["session"]}, why="logged in, worked, ended as meant")
REFUSED_INSIDE = label(
    "rejected_inside_tls",
    "auth",
    "client",
    "account_settings",
    also={"stage": ["close", "session"], "culprit": ["unknown"]},
    keylog={"class": "auth_failure", "mechanism": "invalid_credentials", "stage": "auth"},
    why="inside TLS every login was refused",
)
REFUSED = label("invalid_credentials", "auth", "client", "account_settings", why="LOGIN or AUTHENTICATE answered NO")
NO_LOGIN_INSIDE = healthy(
    "clean_close", also={"mechanism": ["success", "probe"], "stage": TOUCH + ["tls", "greeting"]}, why="TLS, no login tried, closed as meant"
)

# what several scenario files show
DROPPED = label("syn_dropped", "connect", "middlebox", "firewall_antivirus", why="SYNs unanswered while another device is served")
SILENT = label(
    "connect_timeout",
    "connect",
    "unknown",
    "server_down",
    also={"culprit": ["network", "middlebox", "server"], "cause": ["weak_connection", "firewall_antivirus"]},
    why="SYNs unanswered, nothing shows the host alive",
)
CUT = unclear("truncated", ("success", "clean_close", "too_short"), "the frames are cut before what was said")
NO_ANSWER = label("command_timeout", "session", "server", "server_down", why="a command is acknowledged and never answered")
REJECTED = label("icmp_rejected", "connect", "middlebox", "firewall_antivirus", why="a router says that it is prohibited")
NO_GREETING = label("greeting_timeout", "greeting", "server", "server_down", why="the connection stands, no greeting comes")
PLAIN_PORT = label(
    "tls_to_plaintext_port", "tls", "client", "account_settings", also={"stage": ["greeting"]}, why="a ClientHello to a port that speaks in clear"
)
PROTOCOL = label(
    "client_protocol_error",
    "session",
    "client",
    "mail_app",
    also={"stage": ["greeting", "auth"]},
    why="the client's commands are answered BAD, and its work ended with that",
)

SLOW = label(
    "slow_server", "close", "server", "server_down", "degraded", also={"stage": TOUCH}, why="it worked, but an answer took more than five seconds"
)

# what a login turned out to be, told by the packets (and the key log): for clients that decide themselves
# how often they try. No label fits what lies at the bound of slow.
# A login that was refused first is healthy even where the server made it wait for that.
CALM = (
    " and ended_ok and retrans_client + retrans_server < 3"  # nothing else went wrong: the last command was granted, hardly anything was sent twice
)
INSIDE = [
    ("auth == 'no+ok'" + CALM, OK_INSIDE),
    ("auth == 'ok' and worst_ok < 4.5" + CALM, OK_INSIDE),
    ("auth == 'ok' and worst_ok > 5.5" + CALM, SLOW),
    ("auth == 'no'", REFUSED_INSIDE),
]
CLEAR = [
    ("auth == 'no+ok'" + CALM, OK_PLAIN),
    ("auth == 'ok' and worst_ok < 4.5" + CALM, OK_PLAIN),
    ("auth == 'ok' and worst_ok > 5.5" + CALM, SLOW),
    ("auth == 'no'", REFUSED),
]


def run(
    client,
    labels=None,
    host="c1",
    password="right",
    tries=None,
    op="sync",
    seconds=8,
    wait=True,
    server="s1",
    port=None,
    tls=None,
    name=None,
    check=None,
    sessions=None,
    needs="all",
    **more
):
    """A client runs. password: "right", "wrong", "empty" or a text; tries: passwords of one session, one after another. labels: a label, or
    [(expression, label)] of which the first that holds for a connection names it; check: an expression that must hold for each of its connections."""
    return dict(
        more,
        do="run",
        client=client,
        labels=labels,
        host=host,
        password=password,
        tries=tries,
        op=op,
        seconds=seconds,
        wait=wait,
        server=server,
        port=port,
        tls=tls,
        name=name,
        check=check,
        sessions=sessions,
        needs=needs,
    )


def crowd(network, labels=None, members=(None,), users=(0, 1, 2), check=None, **more):
    """The devices of one of the scenario's `crowds` (`members`: a slice of them), each a session or more; they log in as `users`, in turn."""
    more.setdefault("host", {"one": "c1", "two": "c2"}[network])
    return run("crowd", labels, check=check, crowd=network, members=list(members), users=list(users), **more)


def incident(mechanism, scope, hit, served=(0, 0), closed=False, subject=None, grown=False, with_keylog=()):
    """An incident that a capture must show, once: the words of its newest document. hit and served: clients, from and to; grown: it was told as
    grown; subject: "{one}" (the network), "{one_3}" (a device of it) and "{host}" are filled in; with_keylog: what differs when the key log is
    used, None: it is not told then."""
    span = [(n, n) if isinstance(n, int) else n for n in (hit, served)]
    return dict(
        mechanism=mechanism,
        scope=scope,
        hit=span[0],
        served=span[1],
        closed=closed,
        subject=subject,
        grown=grown,
        with_keylog=None if with_keylog is None else dict(with_keylog),
    )


LOOKUPS = {
    "nxdomain": "the resolver says that there is no such name",
    "servfail": "the resolver says SERVFAIL",
    "refused": "the resolver refuses to answer",
    "no_address": "the name has no address",
    "dns_timeout": "the resolver never answers",
    "resolver_unreachable": "ICMP says that nobody answers at the resolver's address",
}


def failed_lookup(mechanism, culprit, cause, check, also=None):
    """A label for a look-up that no connection follows: goes into run(..., lookup=...)."""
    return check, label(mechanism, "resolve", culprit, cause, also=also, why=LOOKUPS[mechanism])


def wait(seconds):
    return {"do": "wait", "seconds": seconds}


def fw(rule, role="fw", six=False):
    """An iptables command in a namespace; {port} {c1} {c2} {s1} {s2} are filled in."""
    return {"do": "fw", "rule": rule, "role": role, "six": six}


def shell(role, line):
    """Any command in a namespace."""
    return {"do": "shell", "role": role, "line": line}


def server(act, role="s1", **more):
    """stop, kill (SIGKILL), freeze (SIGSTOP), thaw, start, restart; know (slow=seconds, fault=…); script (script=…); signal (process=, how=)."""
    return dict(more, do="server", act=act, role=role)


def wire(**more):
    """From now on: delay, jitter (ms one way), loss, loss_up, loss_down (shares), rate (kbit/s), down (True: cut), big (bytes)."""
    return {"do": "wire", "set": more}


def box(mode, host="c1", **more):
    """From now on a middlebox on the gateway takes the connections of a client: "intercept" (product=), "mask", "strip"."""
    return dict(more, do="box", mode=mode, host=host)


def dns(fault=None, **more):
    """From now on the resolver answers nxdomain, servfail, refused, empty, silent; None: well."""
    return {"do": "dns", "fault": fault, **more}


def end(name, how="TERM"):
    """Ends a client that runs in the background."""
    return {"do": "end", "name": name, "how": how}


def join(name):
    """Waits for a client that runs in the background."""
    return {"do": "join", "name": name}


def scenario(
    name,
    steps,
    matrix=None,
    server="dovecot",
    server2=None,
    options=None,
    options2=None,
    net=None,
    mailbox=None,
    vantage="client",
    seeds=1,
    skip=None,
    quick=False,
    family="4",
    derive=None,
    crowds=None,
    names=None,
    expect=None,
):
    """One scenario: `steps` is a list, or a function of the matrix' values (and rng) that returns one. See README.md."""
    return dict(
        name=name,
        steps=steps,
        matrix=matrix or {},
        server=server,
        server2=server2,
        options=options or {},
        options2=options2 or {},
        net=net or {},
        mailbox=mailbox or {},
        vantage=vantage,
        seeds=seeds,
        skip=skip,
        quick=quick,
        family=family,
        derive=derive or [],
        crowds=crowds or {},
        names=names or {},
        expect=expect,
    )
