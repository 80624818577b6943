#!/usr/bin/env python3
"""Measures imapwhy and its peers against the bare libpcap loop, and checks the targets. See --help."""
import argparse
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

# name: (kind, size, size for slow peers)
CAPTURES = {"mixed": (1_000_000_000, 100_000_000), "imap": (50_000, 5_000), "flood": (5_000_000, 200_000)}
ONE_CORE = {"mixed"}  # a single core for each program: nothing is read ahead, and the time is one thread's
TARGETS = {("imapwhy -o none", "mixed"): 1.5, ("imapwhy -o none", "imap"): 3.0, ("imapwhy -o json", "imap"): 8.0, ("imapwhy -o none", "flood"): 4.0}
PEERS = {"tcpdump -nn": ["tcpdump", "-nn", "-r"], "ndpiReader -q": ["ndpiReader", "-q", "-i"], "tcptrace -n": ["tcptrace", "-n"],
         "tshark -T json imap": ["tshark", "-Y", "imap", "-T", "json", "-r"]}
LIMIT = 120
missed, checked = [], []


class Run:
    """What one run took: processor seconds, wall seconds, the most memory in KiB."""
    def __init__(self, cpu, wall, rss, status):
        self.cpu, self.wall, self.rss, self.status = cpu, wall, rss, status


def stay_on_one_core():
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def run(command, out=None, one_core=False):
    start = time.monotonic()
    sink = open(out or os.devnull, "wb")
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=sink, stderr=subprocess.DEVNULL,
                             preexec_fn=stay_on_one_core if one_core else None)
    while True:
        pid, status, used = os.wait4(child.pid, os.WNOHANG if time.monotonic() - start < LIMIT else 0)
        if pid:
            break
        if time.monotonic() - start > LIMIT - 1:
            child.kill()
        time.sleep(0.0005)
    child.returncode = status
    return Run(used.ru_utime + used.ru_stime, time.monotonic() - start, used.ru_maxrss, status)


def sound(got, what):
    """A program that fails is quick and small: what it took says nothing."""
    if got.status:
        print("  %s: ended with status %d" % (what, got.status))
        missed.append(what)
    return got


def best(commands, rounds, one_core=False):
    """The best of some rounds of each command, taken in turn."""
    found = {}
    for _ in range(rounds):
        for name, command in commands.items():
            got = found.get(name)
            if got and got.status:
                continue
            now = run(command, one_core=one_core)
            if got:
                now = Run(min(got.cpu, now.cpu), min(got.wall, now.wall), max(got.rss, now.rss), now.status)
            found[name] = now
    return found


def check(what, value, most, unit=""):
    good = value <= most
    checked.append(what)
    print("  %-52s %8.2f%s, target at most %g%s: %s" % (what, value, unit, most, unit, "ok" if good else "MISSED"))
    if not good:
        missed.append(what)


def capture(args, kind, size):
    path = os.path.join(args.dir, "%s-%d.pcap" % (kind, size))
    if not os.path.exists(path) or os.path.getmtime(path) < os.path.getmtime(args.generate):
        made = subprocess.run([args.generate, kind, path + ".new", str(size)], check=True, stdout=subprocess.PIPE)
        os.rename(path + ".new.labels", path + ".labels")
        os.rename(path + ".new", path)
        print(made.stdout.decode().strip().replace(path + ".new", os.path.basename(path)))
    with open(path, "rb") as f:  # into the page cache
        while f.read(1 << 22):
            pass
    return path


def own(args, kind, path):
    memory = ["--memory", "64M"] if kind == "flood" else []
    base = [args.imapwhy, "--rules", args.rules] + memory
    return {"loop": [args.loop, path], "imapwhy -o none": base + ["-o", "none", path], "imapwhy -o json": base + ["-o", "json", path]}


def row(name, kind, got, unit, note=""):
    if got.status:
        print("  %-22s %-6s %s" % (name, kind, "did not end in %d s" % LIMIT if got.wall >= LIMIT - 1 else "status %d" % got.status))
        return
    print("  %-22s %-6s cpu %8.3f s %8.2f   wall %8.3f s %8.2f   memory %7.1f MiB%s"
          % (name, kind, got.cpu, got.cpu / unit.cpu, got.wall, got.wall / unit.wall, got.rss / 1024, note))


def own_speed(args):
    for kind, (size, _) in CAPTURES.items():
        path = capture(args, kind, size)
        found = best(own(args, kind, path), args.rounds, kind in ONE_CORE)
        for name, got in found.items():
            row(name, kind, got, found["loop"])
        for (name, of), most in TARGETS.items():
            if of == kind and not found[name].status:
                check("%s, %s, wall%s" % (name, kind, " on one core" if kind in ONE_CORE else ""), found[name].wall / found["loop"].wall, most)
            elif of == kind:
                missed.append("%s, %s: it ended with status %d" % (name, kind, found[name].status))


def peer_speed(args):
    for kind, (_, small) in CAPTURES.items():
        path = capture(args, kind, small)
        commands = {"loop": [args.loop, path]}
        commands.update((name, c + [path]) for name, c in PEERS.items() if shutil.which(c[0]))
        found = best(commands, args.rounds)
        for name, got in found.items():
            row(name, kind, got, found["loop"], "  (smaller file, over its own loop)")
    for name, command in PEERS.items():
        if not shutil.which(command[0]):
            print("  %-22s is not installed: skipped" % name)


def labels(path):
    with open(path + ".labels") as f:
        return {(c, int(cp), s, int(sp)): (state, kind) for c, cp, s, sp, state, kind in map(str.split, f)}


def verdicts(path):
    """The latest outcome of each session: a document that revises another replaces it."""
    found = {}
    with open(path, "rb") as f:
        for doc in map(json.loads, f):
            if doc["event"]["dataset"] != "imapwhy.session":
                continue
            key = (doc["source"]["ip"], doc["source"]["port"], doc["destination"]["ip"], doc["destination"]["port"])
            verdict = doc["imapwhy"]["verdict"]
            found[key] = (verdict["outcome"], verdict["mechanism"])
    return found


def correctness(args, kind):
    path = capture(args, kind, CAPTURES[kind][0])
    out = os.path.join(args.dir, "verdicts.ndjson")
    sound(run(own(args, kind, path)["imapwhy -o json"], out), "imapwhy -o json, %s" % kind)
    known, said, tally = labels(path), verdicts(out), {}
    for key, (state, name) in known.items():
        pair = (state, name) + said.get(key, ("no document", ""))
        tally[pair] = tally.get(pair, 0) + 1
    for pair, count in sorted(tally.items()):
        print("    %-8s %-18s -> %-12s %-24s %7d" % (pair + (count,)))
    check("%s: healthy sessions called failed or degraded" % kind,
          sum(n for p, n in tally.items() if p[0] == "healthy" and p[2] in ("failed", "degraded")), 0)
    check("%s: failed sessions not called failed" % kind, sum(n for p, n in tally.items() if p[0] == "failed" and p[2] != "failed"), 0)
    check("%s: healthy sessions without a document" % kind, sum(n for p, n in tally.items() if p[0] == "healthy" and p[2] == "no document"), 0)
    os.unlink(out)


def memory(args):
    few, many = 20_000, 100_000
    idle = [args.imapwhy, "--rules", args.rules, "--memory", "1G", "-o", "none"]  # or some would be driven out
    rss = {n: sound(run(idle + [capture(args, "imap-idle", n)]), "imapwhy on %d idle sessions" % n).rss for n in (few, many)}
    check("memory of an idle session", (rss[many] - rss[few]) * 1024 / (many - few), 1024, " bytes")
    path = capture(args, "flood", CAPTURES["flood"][0])
    check("memory in the flood, with --memory 64M", sound(run(own(args, "flood", path)["imapwhy -o none"]), "imapwhy in the flood").rss / 1024, 64 + 24, " MiB")


def start_up(args):
    path = capture(args, "one", 1)
    got = sound(best(own(args, "one", path), 5 * args.rounds)["imapwhy -o json"], "imapwhy on one packet")
    check("from start to end on one packet", 1000 * got.wall, 50, " ms")


def slope(few, many, size):
    """Nanoseconds a byte, without what starting takes."""
    return (many - few) * 1e9 / size


def decrypt(args):
    """The same sessions in clear and inside TLS with their key log: what decryption adds beyond libcrypto's own time."""
    tool, counts = os.path.join(args.tools, "sealed"), (50, 250)
    for suite, cipher in (("TLS_AES_128_GCM_SHA256", "AES-128-GCM"), ("TLS_CHACHA20_POLY1305_SHA256", "ChaCha20-Poly1305")):
        commands, crypto, size = {}, [], []
        for count in counts:
            prefix = os.path.join(args.dir, "%s-%d" % (suite, count))
            subprocess.run([tool, "make", suite, str(count), prefix], check=True)
            base = [args.imapwhy, "--rules", args.rules, "-o", "none"]
            commands["clear", count] = base + [prefix + "-clear.pcap"]
            commands["decrypted", count] = base + ["--keylog", prefix + ".keys", prefix + "-sealed.pcap"]
            opened = [subprocess.run([tool, "open", cipher, prefix, str(count)], check=True, stdout=subprocess.PIPE).stdout.split()
                      for _ in range(2 + args.rounds)]
            crypto.append(min(float(t[0]) for t in opened))
            size.append(int(opened[0][1]))
        found = best(commands, 2 + args.rounds)
        bytes_more = size[1] - size[0]
        clear, decrypted = (slope(sound(found[kind, counts[0]], kind).cpu, sound(found[kind, counts[1]], kind).cpu, bytes_more)
                            for kind in ("clear", "decrypted"))
        own = slope(crypto[0], crypto[1], bytes_more)
        print("  %-20s %d bytes a session; a byte: clear %.3f ns, decrypted %.3f ns, of it libcrypto's own %.3f ns" % (cipher, bytes_more // (counts[1] - counts[0]), clear, decrypted, own))
        check("%s, beyond libcrypto, over clear" % cipher, (decrypted - own) / clear, 1.25)


def main():
    top = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
    parser = argparse.ArgumentParser(description=__doc__, epilog="BENCH_DIR: where captures are kept (else a temporary folder).")
    parser.add_argument("--tools", default=os.path.join(top, "build", "bench"), help="where generate and loop are")
    parser.add_argument("--imapwhy", default=os.path.join(top, "imapwhy"))
    parser.add_argument("--rules", default=os.path.join(top, "rules"))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--parts", default="own,correct,memory,start,decrypt,peers", help="which parts, in a list")
    args = parser.parse_args()
    args.generate, args.loop = os.path.join(args.tools, "generate"), os.path.join(args.tools, "loop")
    parts = {"own": ("Ratios to the bare libpcap loop", own_speed),
             "correct": ("Verdicts", lambda a: [correctness(a, k) for k in ("imap", "mixed", "flood")]),
             "memory": ("Memory", memory), "start": ("Start", start_up), "decrypt": ("Decryption", decrypt), "peers": ("Peers", peer_speed)}
    with tempfile.TemporaryDirectory() as folder:
        args.dir = os.environ.get("BENCH_DIR") or folder
        os.makedirs(args.dir, exist_ok=True)
        for part in args.parts.split(","):
            print("%s:" % parts[part][0])
            parts[part][1](args)
    print("%d checks made, %d missed%s" % (len(checked), len(missed), ": " + "; ".join(missed) if missed else ""))
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
