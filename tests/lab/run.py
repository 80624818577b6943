"""make lab: plays the scenarios in parallel and writes captures and labels.json. Root; see README.md.

    run.py [--out DIR] [--only WORD[,WORD]] [--seed N] [--jobs N] [--quick] [--list] [--keep-logs DIR]
"""
import argparse
import ctypes
import hashlib
import importlib
import itertools
import json
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import sys
import time
import traceback

import clients
import net
import pace
import pki
import scene
import servers

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
INCIDENTS = "incidents.json"
LABELS = ("labels.json", INCIDENTS)
LONGEST = 300  # seconds that one scenario may take
PR_SET_PDEATHSIG = 1
WRITE_EVERY = 15  # seconds from one writing of the lists of labels to the next


def digest(*words):
    return int.from_bytes(hashlib.sha256("|".join(map(str, words)).encode()).digest()[:6], "big")


def classes_by_mechanism():
    with open(ROOT + "/docs/verdicts.md", encoding="utf-8") as page:
        text = page.read()
    found = {}
    for line in text.splitlines():
        cells = [re.findall(r"`(\w+)`", cell) for cell in line.split("|")[1:3]]
        if len(cells) == 2 and len(cells[0]) == 1 and cells[1]:
            found.update({m: cells[0][0] for m in cells[1] if m not in found})
    return found


class Lab:
    """What all runs share: certificates, versions, the table of classes."""

    def __init__(self, tmp, seed, packages):
        self.pki = tmp + "/pki"
        self.hosts = pki.make(self.pki, random.Random(seed))
        subprocess.run(["cc", "-shared", "-fPIC", "-O1", "-o", self.pki + "/keylog.so", HERE + "/keylog.c", "-ldl"], check=True)
        self.class_of, self.versions = classes_by_mechanism(), {}
        servers.PACKAGES[0] = packages

    def software(self, name):
        names = {
            "openssl s_server": "openssl",
            "gnutls-serv": "gnutls-bin",
            "dovecot": "dovecot-imapd",
            "nginx mail proxy": "nginx",
            "stunnel": "stunnel4",
            "haproxy": "haproxy",
        }
        if name == "scripted":
            return name
        if name in ("cyrus-imapd", "courier-imap"):
            return open("%s/%s/version" % (servers.PACKAGES[0], name.split("-")[0])).read().strip()
        parts = []
        for part in name.split(" + "):
            if part not in self.versions:
                got = subprocess.run(["dpkg-query", "-W", "-f=${Version}", names[part]], stdout=subprocess.PIPE, text=True).stdout
                self.versions[part] = "%s %s" % (part, re.sub(r"^\d+:|[-+].*", "", got))
            parts.append(self.versions[part])
        return " + ".join(parts)

    def client(self, name):
        if "client " + name not in self.versions:
            self.versions["client " + name] = clients.version(name)
        return self.versions["client " + name]


def expanded(seed):
    """Every run: a scenario with one choice of its matrix and one seed."""
    runs = []
    for name in sorted(os.listdir(HERE + "/scenarios")):
        if name.endswith(".py") and name != "__init__.py":
            for one in importlib.import_module("scenarios." + name[:-3]).SCENARIOS:
                runs += runs_of(one, seed)
    names = [r["file"] for r in runs]
    twice = sorted({n for n in names if names.count(n) > 1})
    if twice:
        raise SystemExit("two runs of one name: " + ", ".join(twice[:5]))
    return runs


def deep_format(value, words):
    if isinstance(value, str):
        return value.format(**words) if re.fullmatch(r"\{\w+\}", value) else value
    if isinstance(value, dict):
        return {k: deep_format(v, words) for k, v in value.items()}
    return value


def of_matrix(value, m):
    """A scenario's setting, which may be a function of the matrix' values."""
    return deep_format(value(m) if callable(value) else value, m)


def runs_of(one, seed):
    keys = list(one["matrix"])
    for values in itertools.product(*one["matrix"].values()):
        m = dict(zip(keys, values))
        if one["skip"] and one["skip"](m):
            continue
        name = one["name"].format(**m)
        for k in range(one["seeds"]):
            run_seed = digest(seed, name, k)
            steps = one["steps"](m, random.Random(run_seed + 1)) if callable(one["steps"]) else [deep_format(s, m) for s in one["steps"]]
            kinds = [s["client"] for s in steps if s["do"] == "run"]
            server, options = of_matrix(one["server"], m), of_matrix(one["options"], m)
            unseen = any(digest("pair", server, kind) % 5 == 0 for kind in kinds)
            yield {
                "name": name,
                "file": name + ("-%d" % k if one["seeds"] > 1 else ""),
                "seed": run_seed,
                "steps": steps,
                "clients": kinds,
                "server": server,
                "server2": of_matrix(one["server2"], m),
                "tls": m.get("tls", options.get("tls", "none")),
                "options": dict(options, **({"version": m["version"]} if "version" in m else {})),
                "options2": of_matrix(one["options2"], m),
                "net": of_matrix(one["net"], m),
                "mailbox": of_matrix(one["mailbox"], m),
                "vantage": of_matrix(one["vantage"], m),
                "quick": of_matrix(one["quick"], m),
                "family": str(m.get("family", one["family"])),
                "derive": of_matrix(one["derive"], m),
                "crowds": of_matrix(one["crowds"], m),
                "names": one["names"],
                "expect": one["expect"](m) if callable(one["expect"]) else one["expect"],
                "pair": "unseen" if unseen else "seen",
                "part": "score" if unseen or run_seed % 2 else "tune",
            }


class Pool:
    """Runs scenarios in child processes, so many at once, and gathers what they made."""

    def __init__(self, args, lab, tmp):
        self.args, self.lab, self.tmp, self.children = args, lab, tmp, {}
        self.made, self.dropped, self.begun, self.written = [], [], time.monotonic(), 0.0

    def start(self, number, spec):
        pid = os.fork()
        if pid:
            self.children[pid] = (number, spec, time.monotonic())
            return
        code = 1
        try:
            ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
            signal.signal(signal.SIGTERM, signal.SIG_DFL)
            signal.signal(signal.SIGINT, signal.SIG_IGN)
            self.child(number, spec)
            code = 0
        finally:
            os._exit(code)

    def place(self, number):
        return "%s/%d" % (self.tmp, number)

    def child(self, number, spec):
        result = {}
        try:
            result["made"] = scene.play(spec, self.names(number), self.place(number), self.lab, self.args.out)
        except scene.Dropped as why:
            result["dropped"] = str(why)
        except Exception as error:
            result["dropped"] = "%s: %s" % (type(error).__name__, str(error)[:300])
            result["trace"] = traceback.format_exc()
        with open(self.place(number) + ".json", "w") as out:
            json.dump(result, out)

    def names(self, number):
        return "%s%dx%d" % (net.PREFIX, self.owner, number)

    def reap(self, pid):
        number, spec, since = self.children.pop(pid)
        try:
            result = json.load(open(self.place(number) + ".json"))
        except (OSError, ValueError):
            result = {"dropped": "it took too long or died"}
        net.sweep([self.names(number) + role for role in net.ROLES])
        if "dropped" in result:
            self.dropped.append((spec["file"], result["dropped"]))
            if self.args.keep_logs:
                shutil.copytree(
                    self.place(number),
                    os.path.join(self.args.keep_logs, spec["file"]),
                    dirs_exist_ok=True,
                    ignore=lambda d, names: [n for n in names if n in ("mux", "socket") or "sock" in n or "run" == n or "state" == n or "cyrus" == n],
                )
                with open(os.path.join(self.args.keep_logs, spec["file"], "why"), "w") as out:
                    out.write(result["dropped"] + "\n" + result.get("trace", ""))
        else:
            self.made += result["made"]
            if time.monotonic() - self.written > WRITE_EVERY:
                self.write()
        shutil.rmtree(self.place(number), ignore_errors=True)
        print(
            "%4d s  %-60s %s"
            % (
                time.monotonic() - self.begun,
                spec["file"],
                "dropped: " + result["dropped"][:230] if "dropped" in result else "made in %d s" % (time.monotonic() - since),
            ),
            flush=True,
        )

    def write(self):
        """Crowds would outweigh all else in what is scored session by session: they have labels of their own."""
        entries, self.written = {e["file"]: e for e in self.made}, time.monotonic()
        for name in LABELS:
            path = "%s/%s" % (self.args.out, name)
            with open(path + ".new", "w") as out:
                json.dump([entries[k] for k in sorted(entries) if ("incidents" in entries[k]) == (name == INCIDENTS)], out, indent=1)
            os.replace(path + ".new", path)

    def run(self, specs):
        self.owner, number = os.getpid(), 0
        order, tempo = pace.Order(specs, self.args.jobs), pace.Pace(self.args.jobs)
        while len(order) or self.children:
            running = [spec for _, spec, _ in self.children.values()]
            if len(order) and tempo.room(len(running), order.waiters(running)):
                self.start(number, order.next(running))
                tempo.started()
                number += 1
            self.look()
            time.sleep(0.05)

    def look(self):
        """Gathers what has ended, and ends what takes too long."""
        while self.children:
            pid, _ = os.waitpid(-1, os.WNOHANG)
            if pid not in self.children:
                break
            self.reap(pid)
        for child, (_, _, since) in self.children.items():
            if time.monotonic() - since > LONGEST:
                os.kill(child, signal.SIGKILL)

    def stop(self):
        for pid in self.children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if self.made:
            self.write()
        net.sweep([name for name in net.namespaces() if name.startswith("%s%dx" % (net.PREFIX, os.getpid()))])


def parsed():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--out", default=ROOT + "/build/lab")
    ap.add_argument("--only", default="", help="scenarios whose name holds one of these words (comma-separated; a word with + needs all its parts)")
    ap.add_argument("--seed", type=int, default=1)
    ap.add_argument("--jobs", type=int, default=40, help="the most that go on at once; fewer while the processors are busy")
    ap.add_argument("--quick", action="store_true", help="the fast subset")
    ap.add_argument("--list", action="store_true")
    ap.add_argument("--add", action="store_true", help="keep what the folder holds, play the rest")
    ap.add_argument("--keep-logs", help="folder for the working files of runs that were dropped")
    ap.add_argument("--packages", default=ROOT + "/build/lab-packages")
    ap.add_argument("--node", default=ROOT + "/build/lab-node/node_modules")
    return ap.parse_args()


def chosen(specs, args):
    words = [w.split("+") for w in args.only.split(",") if w]
    specs = [s for s in specs if not words or any(all(p in s["file"] for p in w) for w in words)]
    return [s for s in specs if s["quick"] or not args.quick]


def possible(specs):
    """Leaves out what can't be played here, by name and reason."""
    without, absent = clients.missing(), {}
    for kind, program in servers.PROGRAMS.items():
        if not os.path.exists(program):
            absent[kind] = program + " is not installed"
    for kind in ("cyrus", "courier"):
        if not os.path.isdir(servers.packages(kind)):
            absent[kind] = kind + " is not unpacked"
    kept, left_out = [], {}
    for spec in specs:
        why = next((without[c] for c in spec["clients"] if c in without), None) or absent.get(spec["server"]) or absent.get(spec["server2"])
        if why:
            left_out[why] = left_out.get(why, 0) + 1
        else:
            kept.append(spec)
    return kept, left_out


def forget(folder):
    """Removes the captures that an earlier run wrote into the folder: those that its lists of labels name."""
    for path in (os.path.join(folder, name) for name in LABELS):
        if not os.path.exists(path):
            continue
        with open(path) as text:
            for entry in json.load(text):
                for name in (entry["file"], entry["keylog"]):
                    if name and os.path.exists(os.path.join(folder, name)):
                        os.remove(os.path.join(folder, name))
        os.remove(path)


def main():
    args = parsed()
    clients.NODE[0], servers.PACKAGES[0] = os.path.abspath(args.node), os.path.abspath(args.packages)
    args.out = os.path.abspath(args.out)
    specs, left_out = possible(chosen(expanded(args.seed), args))
    if args.list:
        print("\n".join("%-6s %-7s %s" % (s["part"], s["pair"], s["file"]) for s in specs))
        return 0
    if os.geteuid():
        sys.exit("the lab makes network namespaces and needs root")
    net.sweep_stale()
    tmp = "/tmp/%s-%d" % (net.PREFIX, os.getpid())
    for stale in os.listdir("/tmp"):
        if re.fullmatch(net.PREFIX + r"-\d+", stale) and not os.path.exists("/proc/" + stale.split("-")[1]):
            shutil.rmtree("/tmp/" + stale, ignore_errors=True)
    os.makedirs(tmp, mode=0o755)
    os.makedirs(args.out + "/keylogs", exist_ok=True)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    pool = None
    try:
        pool = Pool(args, Lab(tmp, args.seed, servers.PACKAGES[0]), tmp)
        if args.add:
            pool.made = [e for name in LABELS if os.path.exists(os.path.join(args.out, name)) for e in json.load(open(os.path.join(args.out, name)))]
            now = {(s["name"], s["seed"]): s for s in specs}
            for e in pool.made:
                e.update({k: now[e["scenario"], e["seed"]][k] for k in ("part", "pair") if (e["scenario"], e["seed"]) in now})
            have = {e["scenario"] + str(e["seed"]) for e in pool.made}
            specs = [s for s in specs if s["name"] + str(s["seed"]) not in have]
        else:
            forget(args.out)
        pool.run(specs)
    finally:
        if pool:
            pool.stop()
        shutil.rmtree(tmp, ignore_errors=True)
    for name, why in sorted(pool.dropped):
        print("dropped %s: %s" % (name, why))
    for why, count in left_out.items():
        print("left out %d: %s" % (count, why))
    count = sum(s["count"] for e in pool.made for s in e["sessions"])
    spent = sum(sum(resource.getrusage(who)[:2]) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    print(
        "made %d captures with %d sessions, dropped %d, in %d s (%d s of the processors)"
        % (len(pool.made), count, len(pool.dropped), time.monotonic() - pool.begun, spent)
    )
    return 0 if pool.made else 1


if __name__ == "__main__":
    sys.exit(main())
