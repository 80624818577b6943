"""Logins in clear: good, wrong, and many good ones in one capture."""
from words import CLEAR, OK_INSIDE, OK_PLAIN, run, scenario

RIGHT = "auth == 'ok' or auth == 'no+ok'"
CLIENTS = ("curl", "mbsync", "fetchmail", "getmail", "neomutt", "alpine", "imapfilter", "offlineimap", "imaplib", "perl", "imapflow")


def good_and_bad(m, rng):
    bad = run(m["client"], CLEAR, password="wrong", host="c1", check="auth == 'no'")
    good = run(m["client"], CLEAR, host="c2", user=1, check=RIGHT, end=rng.choice(("logout", "logout", "close")), auth=rng.choice(("login", "plain")))
    return rng.choice(([bad, good], [good, bad]))


def many(m, rng):
    """Thirty sessions of one client, one after another."""
    return [
        run(
            m["client"],
            OK_PLAIN if m["tls"] == "none" else OK_INSIDE,
            host=rng.choice(("c1", "c2")),
            user=rng.randrange(3),
            op=rng.choice(("sync", "check")),
            most=3,
            sessions_each=30,
            sessions=30,
            gap=0.05,
            seconds=20,
            cut=150,
            check="auth == 'ok'",
        )
    ]


SCENARIOS = [
    scenario(
        "plain_login_{server}_{client}", good_and_bad, {"server": ("dovecot", "cyrus", "courier", "nginx"), "client": CLIENTS}, server="{server}"
    ),
    scenario(
        "healthy_batch_{server}_{client}_{tls}",
        many,
        {"server": ("dovecot", "cyrus", "courier", "nginx", "haproxy"), "client": ("imaplib",), "tls": ("none", "implicit")},
        server="{server}",
        net={"rtt": (2, 30)},
    ),
]
