"""A set of network namespaces of the lab: who stands where, with which address, and how a program is started in one.

    c1, c2 ── gw ── wire ── fw ── s1, s2        (dns hangs on gw)

`gw` bridges the clients' network and routes it on: the capture "client" is taken on that bridge. `wire` forwards frames
with delay, jitter and loss (wire.py). `fw` filters, and takes as many hops off the TTL as the path is to be long; the
capture "server" is taken on its inner bridge. Nothing is ever made in the root namespace.
"""
import ipaddress
import os
import signal
import subprocess
import time

HERE = os.path.dirname(os.path.abspath(__file__))
PREFIX = "iwlab"
ROLES = ("c1", "c2", "gw", "wire", "fw", "s1", "s2", "dns")
TAPS = {"client": ("gw", "br0"), "server": ("fw", "br1"), "wan": ("gw", "wan")}

CLIENT_NETS = (
    "192.168.0.0/24",
    "192.168.1.0/24",
    "192.168.2.0/24",
    "192.168.178.0/24",
    "192.168.88.0/24",
    "10.0.0.0/24",
    "10.7.31.0/24",
    "10.112.4.0/24",
    "172.16.9.0/24",
    "172.20.10.0/28",
    "100.64.7.0/24",
)
SERVER_NETS = ("192.0.2.0/24", "198.51.100.0/24", "203.0.113.0/24")
ENTER = (
    'while [ "$1" != -- ]; do case $1 in '
    'overlay:*) mount -t overlay lab -o "lowerdir=${1#overlay:}:$2" "$2";; *) mount --bind "$1" "$2";; esac || exit 97; '
    'shift 2; done; shift; exec "$@"'
)


class Addresses:
    """The addresses, host lifetimes and hop counts of one set, chosen by the seed."""

    def __init__(self, rng):
        lan = ipaddress.ip_network(rng.choice(CLIENT_NETS))
        srv, res = (ipaddress.ip_network(n) for n in rng.sample(SERVER_NETS, 2))
        first, second = rng.sample(range(2, lan.num_addresses - 2), 2)
        one, two = rng.sample(range(20, 250), 2)
        # Global: from a local prefix (fc00::/7) hosts prefer IPv4 to far servers (RFC 6724, section 6), and no race is ever run.
        near = "2001:db8:%x:%x" % (rng.randrange(2, 65536), rng.randrange(1, 65536))
        far = "2001:db8:%x:%x" % (rng.randrange(1, 65536), rng.randrange(1, 65536))
        self.v4 = {
            "gw": str(lan[1]),
            "c1": str(lan[first]),
            "c2": str(lan[second]),
            "fw": str(srv[1]),
            "s1": str(srv[one]),
            "s2": str(srv[two]),
            "dns": str(res[53]),
            "dnsgw": str(res[1]),
        }
        self.v6 = {
            "gw": near + "::1",
            "c1": "%s::%x" % (near, rng.randrange(0x100, 0xFFFF)),
            "c2": "%s::1:%x" % (near, rng.randrange(0x100, 0xFFFF)),
            "fw": far + "::1",
            "s1": "%s::%x" % (far, one),
            "s2": "%s::%x" % (far, two),
        }
        self.lan_bits = lan.prefixlen
        self.ttl = {
            "c1": rng.choice((64, 64, 128)),
            "c2": rng.choice((64, 128)),
            "s1": rng.choice((64, 64, 64, 128)),
            "s2": 64,
            "fw": rng.choice((64, 255)),
        }
        self.hops = rng.randrange(3, 14)
        self.mac = {r: "%02x:%02x:%02x:%02x:%02x:%02x" % (0x02 | rng.randrange(0, 256, 4), *[rng.randrange(256) for _ in range(5)]) for r in ROLES}


def settings(**values):
    return "\n".join("echo %s > /proc/sys/net/%s" % (value, name) for name, value in values.items())


def plan(ns, a, offload):
    """What raises a set: links (ip -batch), each namespace's addresses and routes (ip -batch) and its settings and filters (shell)."""
    n = {r: ns + r for r in ROLES}
    links = ["netns add " + n[r] for r in ROLES]

    def veth(left, left_name, right, right_name):
        links.append("link add name %s netns %s type veth peer name %s netns %s" % (left_name, n[left], right_name, n[right]))

    veth("c1", "eth0", "gw", "lan1"), veth("c2", "eth0", "gw", "lan2"), veth("dns", "eth0", "gw", "dns0")
    veth("gw", "wan", "wire", "left"), veth("wire", "right", "fw", "out"), veth("fw", "in1", "s1", "eth0"), veth("fw", "in2", "s2", "eth0")
    per = {r: ["link set lo up"] for r in ROLES}
    more = {r: [] for r in ROLES}

    def bridge(role, name, ports):
        per[role] += ["link add %s type bridge forward_delay 0 mcast_snooping 0" % name, "link set %s up" % name]
        per[role] += ["link set %s master %s up" % (p, name) for p in ports]

    bridge("gw", "br0", ("lan1", "lan2")), bridge("fw", "br1", ("in1", "in2"))
    for role, end, v4, bits in (
        ("c1", "gw", a.v4["c1"], a.lan_bits),
        ("c2", "gw", a.v4["c2"], a.lan_bits),
        ("s1", "fw", a.v4["s1"], 24),
        ("s2", "fw", a.v4["s2"], 24),
    ):
        per[role] += [
            "link set eth0 address %s up" % a.mac[role],
            "addr add %s/%d dev eth0" % (v4, bits),
            "addr add %s/64 dev eth0 nodad" % a.v6[role],
            "route add default via " + a.v4[end],
            "route add default via " + a.v6[end],
        ]
    per["dns"] += ["link set eth0 up", "addr add %s/24 dev eth0" % a.v4["dns"], "route add default via " + a.v4["dnsgw"]]
    per["wire"] += ["link set left up promisc on", "link set right up promisc on"]
    forward = settings(**{"ipv4/ip_forward": 1, "ipv6/conf/all/forwarding": 1, "ipv4/icmp_ratelimit": 0, "ipv6/icmp/ratelimit": 0})
    more["gw"] += [forward]
    more["fw"] += [
        forward,
        "printf '*mangle\\n-A FORWARD -j TTL --ttl-dec %d\\nCOMMIT\\n' | iptables-restore" % a.hops,
        "printf '*mangle\\n-A FORWARD -j HL --hl-dec %d\\nCOMMIT\\n' | ip6tables-restore" % a.hops,
    ]
    per["gw"] += [
        "link set br0 address " + a.mac["gw"],
        "link set wan up",
        "link set dns0 up",
        "addr add %s/%d dev br0" % (a.v4["gw"], a.lan_bits),
        "addr add %s/64 dev br0 nodad" % a.v6["gw"],
        "addr add 198.18.0.1/30 dev wan",
        "addr add 2001:db8:0:1::1/64 dev wan nodad",
        "addr add %s/24 dev dns0" % a.v4["dnsgw"],
        "route add default via 198.18.0.2",
        "route add default via 2001:db8:0:1::2",
    ]
    per["fw"] += [
        "link set out up",
        "addr add 198.18.0.2/30 dev out",
        "addr add 2001:db8:0:1::2/64 dev out nodad",
        "addr add %s/24 dev br1" % a.v4["fw"],
        "addr add %s/64 dev br1 nodad" % a.v6["fw"],
        "route add default via 198.18.0.1",
        "route add default via 2001:db8:0:1::1",
    ]
    for role, ttl in a.ttl.items():
        more[role].append(settings(**{"ipv4/ip_default_ttl": ttl, "ipv6/conf/all/hop_limit": ttl, "ipv6/conf/default/hop_limit": ttl}))
    for role, devices in (("gw", ("wan",)), ("fw", ("out",)), ("wire", ("left", "right"))):
        more[role] += ["ethtool -K %s tx off tso off gso off gro off >/dev/null" % d for d in devices]
    if not offload:
        for role, devices in (
            ("c1", ("eth0",)),
            ("c2", ("eth0",)),
            ("s1", ("eth0",)),
            ("s2", ("eth0",)),
            ("gw", ("lan1", "lan2")),
            ("fw", ("in1", "in2")),
        ):
            more[role] += ["ethtool -K %s tx off tso off gso off gro off >/dev/null" % d for d in devices]
    return links, per, more


def more_network(rng, number):
    """Another network of clients behind the gateway, /24; `number` keeps those of one set apart."""
    return ipaddress.ip_network("10.%d.%d.0/24" % (130 + 20 * number + rng.randrange(20), rng.randrange(256)))


def output_of(argv):
    return subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, check=True).stdout


class Net:
    """One raised set. `tmp` is its folder; everything started in it dies with close()."""

    def __init__(self, name, rng, tmp, offload=True):
        self.ns, self.tmp, self.a, self.procs, self.taps, self.inside = name, tmp, Addresses(rng), [], [], {}
        links, per, more = plan(self.ns, self.a, offload)
        subprocess.run(["ip", "-batch", "-"], input="\n".join(links), text=True, check=True)
        for role in ROLES:
            subprocess.run(["ip", "-netns", self.ns + role, "-batch", "-"], input="\n".join(per[role]), text=True, check=True)
            if more[role]:
                self.shell(role, "\n".join(more[role]))
        with open(os.path.join(tmp, "resolv.conf"), "w") as out:
            out.write("nameserver %s\noptions timeout:2 attempts:2\n" % self.a.v4["dns"])

    def add_crowd(self, role, network, count):
        """Gives a client's namespace so many addresses of a further network, and the gateway one to answer them; the addresses."""
        hosts = [str(network[i]) for i in range(10, 10 + count)]
        self.shell("gw", "ip addr add %s/24 dev br0" % network[1])
        self.shell(role, "\n".join("ip addr add %s/24 dev eth0" % h for h in hosts))
        return hosts

    def command(self, role, argv, binds=()):
        binds = [("%s/resolv.conf" % self.tmp, "/etc/resolv.conf")] + list(binds)
        flat = [word for pair in binds for word in pair]
        return ["nsenter", "--net=/run/netns/" + self.ns + role, "unshare", "-m", "sh", "-c", ENTER, "sh", *flat, "--", *argv]

    def start(self, role, argv, log=None, binds=(), env=None, stdin=subprocess.DEVNULL, **more):
        """Starts a program in a namespace; its output goes to the file `log` of the set's folder."""
        out = open(os.path.join(self.tmp, log), "ab") if log else subprocess.DEVNULL
        proc = subprocess.Popen(self.command(role, argv, binds), stdin=stdin, stdout=out, stderr=subprocess.STDOUT, env=env, cwd=self.tmp, **more)
        self.procs.append(proc)
        self.inside[role] = proc.pid
        return proc

    def run(self, role, argv, timeout=20, **more):
        """Runs a program in a namespace to its end; (status, output). Status None: it was cut off after `timeout`."""
        log = "run-%d.log" % len(self.procs)
        proc = self.start(role, argv, log=log, **more)
        try:
            status = proc.wait(timeout)
        except subprocess.TimeoutExpired:
            kill_tree(proc)
            status = None
        with open(os.path.join(self.tmp, log), errors="replace") as text:
            return status, text.read()

    def shell(self, role, line):
        done = subprocess.run(
            ["nsenter", "--net=/run/netns/" + self.ns + role, "sh", "-ec", line], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        if done.returncode:
            raise RuntimeError("%s: %s: %s" % (role, line, done.stdout.strip()))
        return done.stdout

    def sockets(self, role, table):
        """A namespace's table of sockets, read beside the last program started in it, or in a shell of its own where that has ended."""
        here = "/proc/%d/" % self.inside.get(role, 0)
        try:
            if os.stat(here + "ns/net").st_ino == os.stat("/run/netns/" + self.ns + role).st_ino:
                return "".join(open(here + "net/" + name).read() for name in (table, table + "6"))
        except OSError:
            pass
        return self.shell(role, "cat /proc/net/%s /proc/net/%s6" % (table, table))

    def wait_bridges(self, seconds=5):
        """Waits until every port of the bridges passes frames on, for which the kernel takes up to a second: what is sent before is lost."""
        end = time.monotonic() + seconds
        for role, bridge in (("gw", "br0"), ("fw", "br1")):
            ask = ["ip", "-netns", self.ns + role, "-o", "link", "show", "master", bridge]
            while any(" state UP " not in line for line in output_of(ask).splitlines()):
                if time.monotonic() > end:
                    raise RuntimeError("a port of %s's bridge stays down" % role)
                time.sleep(0.05)

    def wait_port(self, role, port, seconds=12, table="tcp"):
        """Waits until something listens on that port of a namespace."""
        end = time.monotonic() + seconds
        want, waiting = ":%04X" % port, {"tcp": "0A", "udp": "07"}[table]
        while time.monotonic() < end:
            listening = self.sockets(role, table)
            if any(cells[1].endswith(want) and cells[3] == waiting for cells in map(str.split, listening.splitlines()) if len(cells) > 3):
                return
            time.sleep(0.05)
        raise RuntimeError("nothing listens on port %d of %s" % (port, role))

    def capture(self, vantage, path, ng=False):
        """Starts a capture and returns when it captures."""
        role, device = TAPS[vantage]
        err = os.path.join(self.tmp, "tap-%s.log" % vantage)
        only = "not (icmp6 and ip6[40] > 132) and not ip6 proto 0 and not arp"  # neither neighbour discovery nor group reports
        argv = (
            ["dumpcap", "-q", "-i", device, "-f", only, "-w", path]
            if ng
            else ["tcpdump", "-n", "-Z", "root", "--immediate-mode", "-U", "-i", device, "-w", path, only]
        )
        proc = self.start(role, argv, log=os.path.basename(err))
        self.taps.append(proc)
        end = time.monotonic() + 10
        while time.monotonic() < end:
            text = open(err).read()
            if "listening on" in text or "File:" in text or "Capturing on" in text and os.path.exists(path):
                return
            if proc.poll() is not None:
                break
            time.sleep(0.02)
        raise RuntimeError("capture did not start: " + open(err).read()[-300:])

    def stop_captures(self):
        time.sleep(0.25)
        for proc in self.taps:
            proc.send_signal(signal.SIGINT)
        for proc in self.taps:
            proc.wait(10)
        self.taps = []

    def close(self):
        sweep([self.ns + role for role in ROLES])
        for proc in self.procs:
            proc.wait()


def kill_tree(proc):
    """Kills a program and its children (a client under `script` has some)."""
    children = subprocess.run(["ps", "-o", "pid=", "--ppid", str(proc.pid)], stdout=subprocess.PIPE, text=True).stdout.split()
    for pid in [int(c) for c in children] + [proc.pid]:
        try:
            os.kill(pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
    proc.wait()


def namespaces():
    try:
        return [name for name in os.listdir("/run/netns") if name.startswith(PREFIX)]
    except FileNotFoundError:
        return []


def pids_in(names):
    """The processes that run in these namespaces: one look at /proc for all of them (`ip netns pids` looks once for each)."""
    places, found = {os.stat("/run/netns/" + name).st_ino for name in names}, []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            if os.stat("/proc/%s/ns/net" % pid).st_ino in places:
                found.append(int(pid))
        except OSError:
            pass
    return found


def sweep(names):
    """Kills what runs in these namespaces and removes them."""
    here = [name for name in names if os.path.exists("/run/netns/" + name)]
    if not here:
        return
    for _ in range(5):
        pids = pids_in(here)
        if not pids:
            break
        for pid in pids:
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        time.sleep(0.05)
    subprocess.run(["ip", "-batch", "-"], input="".join("netns del %s\n" % name for name in here), text=True)


def sweep_stale():
    """Removes what an earlier run left whose process is gone. Names are iwlab<pid>x<run><role>."""
    for name in namespaces():
        pid = name[len(PREFIX) :].split("x")[0]
        if not pid.isdigit() or not os.path.exists("/proc/" + pid):
            sweep([name])
