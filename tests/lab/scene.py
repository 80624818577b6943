"""Plays one scenario in one set of namespaces, and writes its capture and its label."""
import contextlib
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import types

import check
import clients
import derive
import net
import pki
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
NAMES = (
    "anna ben carla dmitri elif farid greta hassan ines jonas kemal lena mira nadia " "oskar petra quinn rosa samir tilda umar vera wafa yusuf zoe"
).split()
DOMAINS = ("here.example", "post.example", "office.example.org", "kontor.test")
LETTERS = "abcdefghijkmnopqrstuvwxyzABCDEFGHJKLMNPQRSTUVWXYZ23456789"
# A datagram to a port on which nobody listens: the answer by ICMP shows that the way is open, there and back.
WARM = """
import socket, sys
one = socket.socket(socket.AF_INET6 if ":" in sys.argv[1] else socket.AF_INET, socket.SOCK_DGRAM)
one.settimeout(1)
one.connect((sys.argv[1], 9))
for _ in range(8):
    try:
        one.send(b"?")
        one.recv(1)
    except TimeoutError:
        continue
    except ConnectionRefusedError:
        sys.exit(0)
sys.exit("no answer")
"""
BLOCK = 500  # local ports set aside for each client that runs, so that its connections are known by their ports


class Dropped(Exception):
    """The run did not show what its label says."""


def users_of(rng):
    at = rng.choice(DOMAINS)
    with_domain = rng.random() < 0.7
    names = rng.sample(NAMES, 3)
    forms = ("{0}", "{0}.{1}", "{0}{2}")
    return {
        rng.choice(forms).format(n, rng.choice(NAMES), rng.randrange(10, 99))
        + ("@" + at if with_domain else ""): "".join(rng.choice(LETTERS) for _ in range(rng.randrange(8, 21)))
        for n in names
    }


def wrong(rng, right):
    """A password as people mistype it: another length, case, one letter off, or an old one."""
    kind = rng.randrange(4)
    return {0: right[:-1], 1: right.swapcase(), 2: right[:3] + "x" + right[3:], 3: "".join(rng.choice(LETTERS) for _ in range(rng.randrange(6, 24)))}[
        kind
    ]


class Scene:
    def __init__(self, spec, ns, tmp, lab):
        self.spec, self.lab, self.tmp, self.rng = spec, lab, tmp, random.Random(spec["seed"])
        self.net = net.Net.__new__(net.Net)
        self.users = users_of(self.rng)
        self.cert, self.host = self.rng.choice(lab.hosts)
        shape = spec["net"]
        self.net = net.Net(ns, self.rng, tmp, offload=shape.get("offload", self.rng.random() < 0.6))
        rtt = shape.get("rtt", (4, 120))
        rtt = rtt if isinstance(rtt, (int, float)) else rtt[0] * (rtt[1] / rtt[0]) ** self.rng.random()
        self.rule = dict({k: v for k, v in shape.items() if k not in ("rtt", "offload")}, delay=rtt / 2, seed=spec["seed"] % 100000)
        self.rule.setdefault("jitter", rtt * 0.05 * self.rng.random())
        self.zone = {"names": {}, "fault": None}
        self.blocks = list(range(32768, 60999 - BLOCK, BLOCK))
        self.rng.shuffle(self.blocks)
        self.servers, self.done, self.by_name, self.crowds = {}, [], {}, {}

    # --- raising ---
    def save(self, name, value):
        with open(self.tmp + "/" + name + ".new", "w") as out:
            json.dump(value, out)
        os.replace(self.tmp + "/" + name + ".new", self.tmp + "/" + name)

    def raise_all(self):
        a, family = self.net.a, self.spec["family"]
        self.zone["names"][self.host] = [a.v4["s1"]] * ("4" in family) + [a.v6["s1"]] * ("6" in family)
        self.zone["names"]["second." + self.host] = [a.v4["s2"]]
        self.zone["names"].update({name: [a.v4[r] for r in roles.split("+")] for name, roles in self.spec["names"].items()})
        for number, (network, count) in enumerate(self.spec["crowds"].items()):
            lan = net.more_network(self.rng, number)
            self.crowds[network] = str(lan), self.net.add_crowd("c%d" % (number + 1), lan, count)
        self.save("wire.json", self.rule)
        self.save("zone.json", self.zone)
        python = [sys.executable, "-SEI"]
        self.net.start("wire", python + [HERE + "/wire.py", "left", "right", self.tmp + "/wire.json"], log="wire.log")
        self.net.start("dns", python + [HERE + "/resolver.py", a.v4["dns"], self.tmp + "/zone.json"], log="dns.log")
        self.net.wait_port("dns", 53, table="udp")
        for role, kind, options in (("s1", self.spec["server"], self.spec["options"]), ("s2", self.spec["server2"], self.spec["options2"])):
            if kind:
                self.add_server(role, kind, options)
        self.net.wait_bridges()
        if "6" in family:
            self.warm(a)

    def warm(self, a):
        """Lets the routers learn their neighbours, as they have where anybody was on line before: else the first IPv6 SYN waits a second for them."""
        for far in [a.v6["s1"]] + [a.v4["s1"]] * ("4" in self.spec["family"]):
            status, text = self.net.run("c1", [sys.executable, "-SEI", "-c", WARM, far])
            if status:
                raise RuntimeError("%s can't be reached: %s" % (far, text[-200:]))

    def add_server(self, role, kind, options):
        box = {"messages": self.rng.choice((1, 1, 3, 8, 20)), "size": (300, self.rng.choice((1500, 6000, 30000))), "seed": self.rng.getrandbits(32)}
        box.update(self.spec["mailbox"])
        cert = "%s/%s%s" % (self.lab.pki, self.cert, "-" + options["cert"] if "cert" in options else "")
        made = servers.KINDS[kind](self.net, role, "%s/%s" % (self.tmp, role), self.lab.pki, cert, self.users, dict(options), box)
        self.servers[role] = made
        made.start()
        made.ready()

    # --- steps ---
    def play(self, steps):
        for step in steps:
            getattr(self, "do_" + step["do"])(step)

    def filled(self, text):
        a = self.net.a
        return text.format(
            port=self.port,
            ttl=a.hops,
            **{k: a.v4[k] for k in ("c1", "c2", "s1", "s2", "gw", "fw", "dns")},
            **{k + "_6": a.v6[k] for k in ("c1", "c2", "s1", "s2")},
            t1=self.tmp + "/s1",
            pki=self.lab.pki,
            host=self.host,
            **{name: lan for name, (lan, _) in self.crowds.items()},
            **{"%s_%d" % (name, i): ip for name, (_, ips) in self.crowds.items() for i, ip in enumerate(ips)},
            **{"u%d" % i: u for i, u in enumerate(self.users)}
        )

    @property
    def port(self):
        return 993 if self.spec["tls"] == "implicit" else 143

    def do_wait(self, step):
        time.sleep(step["seconds"])

    def do_fw(self, step):
        self.net.shell(step["role"], ("ip6tables " if step["six"] else "iptables ") + self.filled(step["rule"]))

    def do_shell(self, step):
        self.net.shell(step["role"], self.filled(step["line"]))

    def do_wire(self, step):
        self.rule.update(step["set"])
        self.save("wire.json", self.rule)
        time.sleep(0.3)

    def do_box(self, step):
        """A middlebox on the gateway that takes a client's connections upon itself: box.py."""
        place = self.tmp + "/box"
        os.makedirs(place, exist_ok=True)
        if step["mode"] == "intercept":
            pki.leaf(place, "leaf", self.host, pki.QUICK, issuer=self.lab.pki + "/" + pki.product_file(step["product"]))
        with open(place + "/box.json", "w") as out:
            json.dump(dict(step, cert=place + "/leaf.pem", key=place + "/leaf.key"), out)
        self.net.start("gw", [sys.executable, "-SEI", HERE + "/box.py", place + "/box.json", "10999"], log="box.log")
        self.net.wait_port("gw", 10999)
        self.net.shell("gw", "sysctl -qw net.bridge.bridge-nf-call-iptables=0 || true")  # else the bridge itself redirects, before the capture
        self.net.shell(
            "gw", "iptables -t nat -A PREROUTING -s %s -p tcp --dport %d -j REDIRECT --to-ports 10999" % (self.net.a.v4[step["host"]], self.port)
        )

    def do_dns(self, step):
        self.zone.update({k: v for k, v in step.items() if k != "do"})
        if "fault_net" in step:
            self.zone["fault_net"] = self.filled(step["fault_net"]).rsplit(".", 1)[0] + "."
        self.save("zone.json", self.zone)

    def do_server(self, step):
        server, act = self.servers[step["role"]], step["act"]
        signals = {"stop": signal.SIGTERM, "kill": signal.SIGKILL, "freeze": signal.SIGSTOP, "thaw": signal.SIGCONT}
        if act in signals:
            self.signal_role(step["role"], signals[act])
            if act in ("stop", "kill"):
                for one in (server, getattr(server, "behind", server)):
                    with contextlib.suppress(subprocess.TimeoutExpired):
                        one.proc.wait(5)
        elif act == "signal":
            self.signal_role(step["role"], getattr(signal, "SIG" + step["how"]), step["process"])
        elif act == "start":
            server.again()
        elif act == "restart":
            self.signal_role(step["role"], signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                server.proc.wait(5)
            self.signal_role(step["role"], signal.SIGKILL)
            server.again()
        elif act == "certificate":
            self.do_server(dict(step, act="stop"))
            self.signal_role(step["role"], signal.SIGKILL)
            server.cert, server.launched = "%s/%s%s" % (self.lab.pki, self.cert, "-" + step["cert"] if step["cert"] else ""), []
            server.start()
            server.ready()
        elif act == "know":
            server.know(**{k: v for k, v in step.items() if k not in ("do", "act", "role")})
        elif act == "script":
            path = server.tmp + "/script.json"
            script = dict(json.load(open(path)), **step["script"])
            server.write("script.json", json.dumps(script))
        else:
            raise ValueError("server can't " + act)

    def signal_role(self, role, number, name=None):
        """Every process of a server's namespace (clients have theirs elsewhere), or those of one name."""
        for pid in net.pids_in([self.net.ns + role]):
            with contextlib.suppress(ProcessLookupError, FileNotFoundError):
                if name is None or open("/proc/%d/comm" % pid).read().strip() == name:
                    os.kill(pid, number)

    def password(self, word, user):
        right = self.users[user]
        return {"right": right, "wrong": wrong(self.rng, right), "empty": ""}.get(word, word)

    def job(self, step, index):
        user = list(self.users)[step.get("user", 0)]
        tries = step["tries"] or [step["password"]]
        passwords = [self.password(word, user) for word in tries]
        step = dict(step, accounts=[[u, self.password(step["password"], u)] for u in (list(self.users)[i] for i in step.get("users", ()))])
        place = "%s/job%d" % (self.tmp, index)
        os.mkdir(place)
        tls = step["tls"] or self.spec["tls"]
        host = step.get("to") or {"s1": self.host, "s2": "second." + self.host}[step["server"]]
        if step.get("by_address"):
            host = self.net.a.v4[step["server"]]
        return types.SimpleNamespace(
            dir=place,
            host=self.filled(host),
            port=step["port"] or (993 if tls == "implicit" else 143),
            tls=tls,
            user=user,
            password=passwords[-1],
            passwords=passwords,
            op=step["op"],
            seconds=step["seconds"],
            ca=self.lab.pki + "/ca.pem",
            more={
                k: [self.filled(w) for w in v] if k == "args" else v for k, v in step.items() if isinstance(v, (str, int, float, list, bool))
            },
        )

    def members(self, step):
        """The addresses that a step's clients have."""
        if not step.get("crowd"):
            return [self.net.a.v4[step["host"]], self.net.a.v6[step["host"]]]
        return self.crowds[step["crowd"]][1][slice(*step["members"])]

    def do_run(self, step):
        block, members = self.blocks.pop(), self.members(step)
        if step.get("crowd"):
            step = dict(step, addresses=members, first_port=block)
        with contextlib.suppress(FileNotFoundError):
            self.net.shell(step["host"], "echo %d %d > /proc/sys/net/ipv4/ip_local_port_range" % (block, block + BLOCK - 1))
        job = self.job(step, len(self.done))
        argv, env, _ = clients.KINDS[step["client"]](job)
        if step.get("loop"):
            argv = ["sh", "-c", 'i=0; while [ $i -lt %d ]; do "$@"; i=$((i+1)); sleep %s; done' % (step["loop"], step.get("gap", 0)), "sh", *argv]
        proc = self.net.start(step["host"], argv, log="job%d.log" % len(self.done), binds=[(self.lab.pki + "/certs", "/etc/ssl/certs")], env=env)
        ran = types.SimpleNamespace(
            step=step,
            members=members,
            block=block,
            proc=proc,
            log="%s/job%d.log" % (self.tmp, len(self.done)),
            status=None,
            host=job.host,
            port=job.port,
            begun=time.time(),
        )
        self.done.append(ran)
        if step["name"]:
            self.by_name[step["name"]] = ran
        if step["wait"]:
            self.finish(ran)
        else:
            self.connected(ran)

    def connected(self, ran, seconds=3):
        """Waits until a background client has its first socket, so that the next one's ports aren't taken for its own."""
        end = time.monotonic() + seconds
        while time.monotonic() < end and ran.proc.poll() is None:
            for name in ("tcp", "tcp6"):
                with contextlib.suppress(OSError):
                    for line in open("/proc/%d/net/%s" % (ran.proc.pid, name)).read().splitlines()[1:]:
                        if ran.block <= int(line.split()[1].rsplit(":", 1)[1], 16) < ran.block + BLOCK:
                            return
            time.sleep(0.03)

    def finish(self, ran):
        try:
            ran.status = ran.proc.wait(ran.step.get("cut", ran.step["seconds"] + 25))
        except subprocess.TimeoutExpired:
            net.kill_tree(ran.proc)

    def do_join(self, step):
        self.finish(self.by_name[step["name"]])

    def do_end(self, step):
        ran = self.by_name[step["name"]]
        ran.proc.send_signal(getattr(signal, "SIG" + step["how"]))
        with contextlib.suppress(subprocess.TimeoutExpired):
            ran.status = ran.proc.wait(3)

    # --- the label ---
    def incident(self, want):
        """What is expected of an incident, with the addresses that its subject stands for."""
        words = {name: lan for name, (lan, _) in self.crowds.items()}
        words.update({"%s_%d" % (name, i): ip for name, (_, ips) in self.crowds.items() for i, ip in enumerate(ips)}, host=self.host)
        return dict(want, subject=want["subject"] and want["subject"].format(**words))

    def ports(self):
        return sorted({143, 993} | {ran.port for ran in self.done})

    def keys(self):
        text = "".join(open(s.keys).read() for s in self.servers.values())
        if not text:
            return None
        path = self.tmp + "/all.keys"
        with open(path, "w") as out:
            out.write(text)
        return path

    def sessions(self, capture, log):
        """The labels of a capture's sessions, checked against its packets. Raises Dropped."""
        connections, dns = check.read(capture, self.keys(), self.ports())
        found, left = [], set(map(id, connections))
        for ran in self.done:
            mine = [
                c
                for c in connections
                if c.client_ip in ran.members
                and ran.block <= c.client_port < ran.block + BLOCK
            ]
            left -= set(map(id, mine))
            about = {
                "dns": dns,
                "log": log,
                "status": ran.status,
                "output": open(ran.log, errors="replace").read(),
                "count": len(mine),
                "net": self.net.a,
            }
            found += self.labels_of(ran, mine, about)
        if left:
            raise Dropped("%d connections that no step made" % len(left))
        return found, connections

    def labels_of(self, ran, mine, about):
        step, what = ran.step, "%s (%s)" % (ran.step["client"], ran.step["password"])
        if step.get("lookup"):
            expression, want = step["lookup"]
            if not check.true(expression, None, about):
                raise Dropped("%s: the look-up is not %s: %s" % (what, expression, about["dns"]))
            return [(dict(want), ip, None, None, ran.host) for ip in ran.members if ":" not in ip]
        if step["labels"] is None:
            return []
        if not mine or step["sessions"] not in (None, len(mine)):
            raise Dropped("%s: %d connections; %s" % (what, len(mine), about["output"][-200:].replace("\n", " | ")))
        choices = step["labels"] if isinstance(step["labels"], list) else [("True", step["labels"])]
        found = []
        for c in mine:
            if step["check"] and not check.true(step["check"], c, about):
                raise Dropped("%s: not %s: %s" % (what, step["check"], told(c, about)))
            want = next((w for e, w in choices if check.true(e, c, about)), False)
            if want is None:
                continue
            if want is False:
                raise Dropped("%s: no label fits: %s" % (what, told(c, about)))
            if want["mechanism"] == "success" and not c.ended_ok:
                raise Dropped("%s: a good session whose last command was refused: %s" % (what, told(c, about)))
            found.append((dict(want), c.client_ip, c, c.client_port, None))
        return found


def told(c, about):
    keep = "syns synacks rst_client rst_server fin_client fin_server data_client data_server icmp hellos tls alerts answers".split()
    return " ".join("%s=%s" % (k, getattr(c, k)) for k in keep if getattr(c, k)) + " | status=%s | %s" % (
        about["status"],
        about["output"][-160:].replace("\n", " / "),
    )


def merged(found):
    """Like labels of one client and server become one, with a count."""
    groups = {}
    for want, ip, c, port, qname in found:
        key = (json.dumps(want, sort_keys=True), ip, c and c.server_ip, c and c.server_port, qname)
        entry = groups.setdefault(
            key, dict({"client_ip": ip, "server_ip": c and c.server_ip, "server_port": c and c.server_port, "count": 0}, **want)
        )
        entry["count"] += 1
        if port:
            entry.setdefault("client_ports", []).append(port)
        if qname:
            entry["qname"] = qname
    return list(groups.values())


def play(spec, ns, tmp, lab, out):
    """Plays a scenario; the entries for labels.json. Raises Dropped where the packets don't show what it should be."""
    os.makedirs(tmp)
    os.chmod(tmp, 0o755)
    scene = None
    try:
        scene = Scene(spec, ns, tmp, lab)
        scene.raise_all()
        vantages = ["client", "server"] if spec["vantage"] == "both" else [spec["vantage"]]
        files = []
        for vantage in vantages:
            ng = scene.rng.random() < 0.25 and not spec["derive"]
            files.append((vantage, "%s/%s.%s" % (tmp, vantage, "pcapng" if ng else "pcap")))
            scene.net.capture(vantage, files[-1][1], ng)
        scene.play(spec["steps"])
        scene.net.stop_captures()
        log = "".join(s.log() for s in scene.servers.values())
        if any(s.software == "scripted" for s in scene.servers.values()) and "Traceback" in log:
            raise Dropped("the scripted server broke: " + log[-300:].replace("\n", " | "))
        return [e for vantage, path in files for e in entries(scene, vantage, path, log, len(files) > 1, out)]
    finally:
        if scene:
            scene.net.close()
        else:
            net.sweep([ns + role for role in net.ROLES])


def entries(scene, vantage, path, log, several, out):
    """The capture's entry for labels.json, and those of what is derived from it."""
    found, connections = scene.sessions(path, log)
    name = scene.spec["file"] + ("-" + vantage if several else "")
    made = [entry(scene, vantage, path, name, found, connections, out)]
    for suffix, act, choices in scene.spec["derive"]:
        lesser = os.path.join(scene.tmp, suffix + ".pcap")
        left = derive.made(path, lesser, act, scene.ports(), scene.spec["seed"])
        kept = [(relabelled(want, choices, c), ip, c, port, qname) for want, ip, c, port, qname in found if port in left]
        made.append(entry(scene, vantage, lesser, name + "-" + suffix, [k for k in kept if k[0]], connections, out))
    return made


def relabelled(want, choices, c):
    about = {"was": want["mechanism"], "dns": [], "log": "", "status": None, "output": "", "count": 1, "net": None}
    return dict(want) if choices is None else next((w and dict(w) for e, w in choices if check.true(e, c, about)), dict(want))


def entry(scene, vantage, path, name, found, connections, out):
    spec, sessions = scene.spec, merged(found)
    for s in sessions:
        s["class"] = scene.lab.class_of[s["mechanism"]]
    target = "%s%s" % (name, os.path.splitext(path)[1])
    shutil.copy(path, os.path.join(out, target))
    keys, keylog = scene.keys(), None
    versions = sorted({c.tls for c in connections if c.tls})
    if keys and versions:
        keylog = "keylogs/%s.keys" % name
        shutil.copy(keys, os.path.join(out, keylog))
    used = sorted({ran.step["client"] for ran in scene.done})
    expected = {"incidents": [scene.incident(want) for want in spec["expect"]]} if spec["expect"] is not None else {}
    return {
        **expected,
        "file": target,
        "scenario": spec["name"],
        "seed": spec["seed"],
        "part": spec["part"],
        "pair": spec["pair"],
        "server_sw": " + ".join(scene.lab.software(s.software) for s in scene.servers.values()) or "none",
        "client_sw": " + ".join(scene.lab.client(c) for c in used),
        "tls": None if spec["tls"] == "none" else spec["tls"],
        "tls_version": "+".join(versions) or None,
        "vantage": {"client": "client-side gateway", "server": "server-side of the firewall", "wan": "outer side of the gateway"}[vantage],
        "keylog": keylog,
        "sessions": sessions,
        "notes": "; ".join("%s rc=%s" % (ran.step["client"], ran.status) for ran in scene.done),
    }
