"""The namespaces in which resets are staged: client ── box ── edge ── inner, and the addresses there. They have names: one run at a time."""
import contextlib
import ctypes
import fcntl
import os
import subprocess
import tempfile

NAMES = {"client": "irstc", "box": "irstb", "edge": "irste", "inner": "irsti"}
CLIENT, PLAIN, NAT, PROXY, SYNPROXY, HIDDEN = "192.0.2.10", "198.51.100.7", "198.51.100.8", "198.51.100.9", "203.0.113.7", "203.0.113.8"
BEHIND = {"plain": PLAIN, "balancer": PLAIN, "nat": NAT, "haproxy": PROXY, "synproxy": SYNPROXY}
HAPROXY = """global
 maxconn 100
defaults
 mode tcp
 timeout connect 2s
 timeout client 5s
 timeout server 5s
frontend f
 bind %s:143
 default_backend b
backend b
 server s %s:144
""" % (
    PROXY,
    HIDDEN,
)
LIBC = ctypes.CDLL(None, use_errno=True)


def enter(role):
    """This thread alone goes into that namespace."""
    with open("/run/netns/" + NAMES[role]) as handle:
        if LIBC.setns(handle.fileno(), 0x40000000):
            raise OSError(ctypes.get_errno(), "setns")


def sh(*lines):
    for line in lines:
        subprocess.run(line, shell=True, check=True, stdout=subprocess.DEVNULL)


def inside(role, line):
    return "ip netns exec %s %s" % (NAMES[role], line)


def raise_net():
    c, b, e, i = (NAMES[r] for r in ("client", "box", "edge", "inner"))
    sh(*("ip netns add " + n for n in (c, b, e, i)))
    sh(
        "ip link add eth0 netns %s type veth peer name left netns %s" % (c, b),
        "ip link add right netns %s type veth peer name eth0 netns %s" % (b, e),
        "ip link add in0 netns %s type veth peer name eth0 netns %s" % (e, i),
    )
    for n, device in ((c, "eth0"), (b, "left"), (b, "right"), (e, "eth0"), (e, "in0"), (i, "eth0")):
        sh(
            "ip -n %s link set lo up" % n,
            "ip -n %s link set %s up" % (n, device),
            inside({v: k for k, v in NAMES.items()}[n], "ethtool -K %s tx off tso off gso off gro off" % device),
        )
    sh(
        "ip -n %s addr add %s/24 dev eth0" % (c, CLIENT),
        "ip -n %s route add default via 192.0.2.1 dev eth0" % c,
        *("ip -n %s addr add %s/24 dev eth0" % (e, a) for a in (PLAIN, NAT, PROXY)),
        "ip -n %s addr add 203.0.113.1/24 dev in0" % e,
        "ip -n %s route add default via 198.51.100.1 dev eth0" % e,
        *("ip -n %s addr add %s/24 dev eth0" % (i, a) for a in (SYNPROXY, HIDDEN)),
        "ip -n %s route add default via 203.0.113.1" % i
    )
    mac = {
        r: subprocess.run(inside(r, "cat /sys/class/net/eth0/address"), shell=True, capture_output=True, text=True).stdout.strip()
        for r in ("client", "edge")
    }
    sh(
        "ip -n %s neigh add 192.0.2.1 lladdr %s dev eth0" % (c, mac["edge"]),
        "ip -n %s neigh add 198.51.100.1 lladdr %s dev eth0" % (e, mac["client"]),
        inside("edge", "sysctl -qw net.ipv4.ip_forward=1"),
        inside("edge", "iptables -t nat -A PREROUTING -p tcp -d %s --dport 143 -j DNAT --to %s" % (NAT, HIDDEN)),
        inside("edge", "iptables -t raw -A PREROUTING -p tcp -d %s --syn -j CT --notrack" % SYNPROXY),
        inside(
            "edge",
            "iptables -A FORWARD -p tcp -d %s -m conntrack --ctstate INVALID,UNTRACKED -j SYNPROXY --sack-perm --timestamp --wscale 7 --mss 1460"
            % SYNPROXY,
        ),
        inside("edge", "sysctl -qw net.netfilter.nf_conntrack_tcp_loose=0"),
    )


@contextlib.contextmanager
def alone():
    """The namespaces have names: one run at a time on a machine. What a killed run left is cleared away first."""
    with open(os.path.join(tempfile.gettempdir(), "imapwhy-resets.lock"), "w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        drop_net()
        try:
            raise_net()
            yield
        finally:
            drop_net()


def drop_net():
    for name in NAMES.values():
        subprocess.run("ip netns del " + name, shell=True, stderr=subprocess.DEVNULL)
