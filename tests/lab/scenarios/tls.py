"""Logins inside TLS: good, wrong, wrong and then right, tried again, checked and left, slow."""
from words import INSIDE, run, scenario

SERVERS = ("dovecot", "cyrus", "courier", "nginx", "stunnel", "haproxy")
CLIENTS = ("curl", "mbsync", "fetchmail", "getmail", "neomutt", "alpine", "imapfilter", "offlineimap", "imaplib", "perl", "imapflow")
TRIERS = ("imaplib", "perl")

RIGHT = "auth == 'ok' or auth == 'no+ok'"  # some try a mechanism that the server hasn't before the one that it has


def impossible(m):
    """STARTTLS where client or server has none; stunnel ends a session that asks for ID before STARTTLS."""
    return m["tls"] == "starttls" and (
        m["client"] == "getmail" or m["server"] == "haproxy" or (m["server"], m["client"]) == ("stunnel", "offlineimap")
    )


def good_and_bad(m, rng):
    """Wrong from one device, right from the other, in either order, and a look by a third account of the first."""
    bad = run(m["client"], INSIDE, password="wrong", host="c1", check="auth == 'no'")
    good = run(
        m["client"], INSIDE, host="c2", user=1, check=RIGHT, end=rng.choice(("logout", "logout", "close")), auth=rng.choice(("login", "plain"))
    )
    again = run(m["client"], INSIDE, host="c2", user=2, op="check", check=RIGHT)
    return rng.choice(([bad, good, again], [good, bad], [again, good, bad]))


def tries(m, rng):
    words = {
        "wrongright": ["wrong", "right"],
        "wrong2right": ["wrong", "wrong", "right"],
        "wrong2": ["wrong", "wrong"],
        "wrong3": ["wrong", "wrong", "wrong"],
    }[m["tries"]]
    return [
        run(
            m["client"],
            INSIDE,
            tries=words,
            seconds=45,
            pause=rng.choice((0, 1, 2)),
            op=rng.choice(("sync", "check")),
            end=rng.choice(("logout", "close")),
        )
    ]


COMMON = {"server": SERVERS, "tls": ("implicit", "starttls"), "version": ("1.3", "1.2")}
SCENARIOS = [
    scenario("tls_login_{server}_{client}_{tls}_{version}", good_and_bad, dict(COMMON, client=CLIENTS), server="{server}", skip=impossible),
    scenario(
        "tls_tries_{server}_{client}_{tries}_{tls}_{version}",
        tries,
        {
            "server": SERVERS,
            "client": TRIERS,
            "tries": ("wrongright", "wrong2right", "wrong2", "wrong3"),
            "tls": ("implicit", "starttls"),
            "version": ("1.3", "1.2"),
        },
        server="{server}",
        skip=lambda m: impossible(m) or (m["client"] == "perl" and m["tries"] in ("wrong2right", "wrong3")),
    ),
    scenario(
        "tls_slow_{server}_{client}_{tls}",
        lambda m, rng: [
            run(m["client"], INSIDE, check=RIGHT, seconds=15),
            run(m["client"], INSIDE, password="wrong", host="c2", check="auth == 'no'", seconds=15),
        ],
        {
            "server": ("dovecot", "cyrus", "courier", "nginx"),
            "client": ("curl", "mbsync", "imaplib", "perl", "imapflow", "fetchmail"),
            "tls": ("implicit", "starttls"),
        },
        server="{server}",
        # nginx asks the accounts' helper, and its backend asks again: twice 2.5 s lie at the bound of slow, where no label fits.
        options=lambda m: {"slow": 3.4 if m["server"] == "nginx" else 2.5},
        skip=impossible,
    ),
]
