#!/usr/bin/env python3
"""Stages resets, forged and genuine, and labels them: 300 sessions in network namespaces. The ends are real Linux stacks; more than half
of them are given the look of others on their way (stacks.py), which their labels say.

    resets.py make FOLDER [--count N] [--seed N]      captures, one a session, and labels.json for score.py
    resets.py score FOLDER [--tool ./imapwhy]         how many forged ones are found, how many genuine ones are wronged

    client ── box ── edge ── inner

The box is a program: it carries frames with delay and hops, takes the capture somewhere on the way, and forges resets at a
place before or behind that. Servers stand on the edge, behind its NAT, behind its SYN proxy or behind HAProxy on it.
"""
import argparse
import json
import os
import random
import signal
import struct
import subprocess
import sys
import threading
import time

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import stacks  # noqa: E402
from reset_box import ACK, RST, Box  # noqa: E402
from reset_ends import Server, client  # noqa: E402
from reset_net import BEHIND, CLIENT, HAPROXY, alone, inside, sh  # noqa: E402

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def genuine(rng):
    end = rng.choice(
        ["linger", "unread", "kill", "unread", "linger", "client_linger", "client_unread", "closed_port", "listener_closed", "overflow", "fin"]
    )
    case = {"end": end, "stage": rng.choice(["greeting", "auth", "session"]), "behind": rng.choice(["plain", "plain", "nat", "haproxy", "synproxy"])}
    if end in ("overflow", "listener_closed", "closed_port"):
        case["behind"] = rng.choice(["plain", "nat"])
    wrong = {"closed_port": "connection_refused", "client_linger": "reset_by_client", "client_unread": "reset_by_client", "fin": "closed_by_server"}
    case["truth"] = wrong.get(end, "reset_by_server")
    return case


def injected(rng):
    flags = rng.choice([[RST], [RST | ACK], [RST, RST | ACK], [RST | ACK]])
    forge = {
        "target": rng.choice(["client", "client", "both"]),
        "flags": flags,
        "count": max(len(flags), rng.choice([1, 1, 2, 3])),
        "step": rng.choice([0, 1460]),
        "ack": rng.choice(["right", "right", "zero", "other"]),
        "ip_id": rng.choice(["zero", "random", "fixed"]),
        "window": rng.choice([0, 0, 8192, 65535]),
        "ttl": rng.choice([64, 64, 128, 255, "match"]),
        "swallow": rng.random() < 0.3,
    }
    case = {
        "end": "normal",
        "stage": "session",
        "behind": rng.choice(["plain", "plain", "nat", "haproxy"]),
        "trigger": rng.choice(["ack", "first", "first", "later"]),
        "place": rng.choice(["far", "far", "far", "near"]),
        "forge": forge,
        "truth": "reset_injected",
    }
    if case["place"] == "near":
        forge["target"] = "both"
    if case["trigger"] == "ack":
        forge["swallow"] = False
    return case


def dress(seed, n):
    """By a random sequence of its own, so that the cases themselves stay those of their seed."""
    rng = random.Random("%d stacks %d" % (seed, n))
    return {
        "client_stack": rng.choice(["linux"] * 8 + stacks.CLIENTS),
        "server_stack": rng.choice(["linux"] * 10 + stacks.SERVERS),
        "shape_seed": rng.randrange(1 << 30),
    }


def balanced(case, seed, n):
    """A balancer that shakes hands in the server's stead, as far away, and resets by itself when that one fails: what the service says."""
    rng = random.Random("%d balancer %d" % (seed, n))
    if case["behind"] != "plain" or case["end"] not in ("linger", "kill") or rng.random() < 0.6:
        return
    forge = {"target": "both", "flags": [RST | ACK], "count": 1, "step": 0, "ack": "right", "ip_id": rng.choice(["zero", "random"]), "depth": 1.0}
    forge.update(window=rng.choice([0, 4128, 8190]), ttl=rng.choice([64, 128, 255]), swallow=True, hops=case["hops_far"] - rng.randrange(3))
    case.update(behind="balancer", end="normal", stage="session", trigger="later", forge=forge)


def make_case(rng, n, seed):
    case = injected(rng) if n % 2 else genuine(rng)
    case.update(
        delay=rng.choice([0.004, 0.012, 0.03]),
        near=rng.choice([0.1, 0.3, 0.5]),
        hops_near=rng.randrange(1, 4),
        hops_far=rng.randrange(4, 14),
        timestamps=rng.random() < 0.7,
        server_ttl=rng.choice([64, 64, 128, 255]),
    )
    case.setdefault("place", "far")
    case.update(dress(seed, n))
    if case.get("forge"):
        case["forge"]["hops"] = rng.randrange(1, case["hops_far"] - 1) if case["place"] == "far" else rng.randrange(1, case["hops_near"] + 1)
    if case["truth"] == "reset_by_server":
        balanced(case, seed, n)
    return case


def write_pcap(path, frames):
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xA1B23C4D, 2, 4, 0, 0, 65535, 101))
        for at, data in sorted(frames):
            out.write(struct.pack("<IIII", int(at), int(at % 1 * 1e9), len(data), len(data)) + data)


def run_case(box, case, port):
    for role in ("edge", "inner"):
        sh(
            inside(
                role,
                "sysctl -qw net.ipv4.ip_default_ttl=%d net.ipv4.tcp_timestamps=%d net.ipv4.tcp_abort_on_overflow=%d"
                % (case["server_ttl"], case["timestamps"], case["end"] == "overflow"),
            )
        )
    server = None
    box.begin(case)
    if case["end"] != "closed_port":
        server = Server(case)
        server.start()
        time.sleep(0.06)
    fillers = []
    if case["end"] == "overflow":
        fillers = [threading.Thread(target=client, args=(case, port + 20000 + i)) for i in range(3)]
        for f in fillers:
            f.start()
        time.sleep(0.05)
    t = threading.Thread(target=client, args=(case, port))
    t.start()
    t.join(6 + case.get("patience", 0))
    for f in fillers:
        f.join(6)
    time.sleep(0.08)
    if server:
        try:
            os.kill(server.pid, signal.SIGKILL)
        except OSError:
            pass
        os.waitpid(server.pid, 0)
    time.sleep(0.03)
    number = struct.pack("!H", port)
    return [f for f in box.frames if number in (f[1][20:22], f[1][22:24])]


def label(case, name, port):
    truth = case["truth"]
    return {
        "file": name,
        "scenario": case["end"] if truth != "reset_injected" else "injected",
        "keylog": None,
        "case": case,
        "sessions": [
            {
                "client_ip": CLIENT,
                "server_ip": BEHIND[case["behind"]],
                "server_port": 143,
                "client_ports": [port],
                "count": 1,
                "outcome": "failed",
                "mechanism": truth,
                "class": {"reset_injected": "firewall_block", "closed_by_server": "server_refusal"}.get(truth, "reset"),
            }
        ],
    }


def stage(folder, cases):
    """Writes a capture for each case that came about; their labels."""
    box, labels, config = Box(), [], os.path.join(folder, "haproxy.cfg")
    with open(config, "w") as out:
        out.write(HAPROXY)
    proxy = subprocess.Popen(inside("edge", "haproxy -f " + config).split(), stderr=subprocess.DEVNULL)
    try:
        box.start()
        time.sleep(0.3)
        for n, case in enumerate(cases):
            port, name = 30000 + n, "%03d.pcap" % n
            frames = run_case(box, case, port)
            if not any(f[1][33] & RST for f in frames) or (case.get("forge") and not box.fired):
                continue  # nothing to judge: what was forged did not come by, or the end came otherwise
            write_pcap(os.path.join(folder, name), frames)
            labels.append(label(case, name, port))
    finally:
        box.stop = True
        proxy.kill()
        proxy.wait()
    return labels


def make(folder, count, seed):
    rng = random.Random(seed)
    os.makedirs(folder, exist_ok=True)
    with alone():
        labels = stage(folder, [make_case(rng, n, seed) for n in range(count)])
    with open(os.path.join(folder, "labels.json"), "w") as out:
        json.dump(labels, out, indent=1)
    print("%d captures with a reset, of %d cases" % (len(labels), count))


def verdict(tool, path):
    done = subprocess.run([tool, "-o", "json", path], capture_output=True, text=True)
    if done.returncode:
        sys.exit("%s failed on %s: %s" % (tool, path, done.stderr.strip()))
    docs = [d for d in map(json.loads, done.stdout.splitlines()) if d["event"]["dataset"] == "imapwhy.session"]
    return docs[-1]["imapwhy"]["verdict"]["mechanism"] if docs else "none"


def counts(folder, tool, show=False):
    """(injected found, injected, genuine called injected, genuine)"""
    with open(os.path.join(folder, "labels.json")) as text:
        labels = json.load(text)
    called = {True: [], False: []}
    for entry in labels:
        got, truth = verdict(tool, os.path.join(folder, entry["file"])), entry["sessions"][0]["mechanism"]
        called[truth == "reset_injected"].append(got == "reset_injected")
        if show and (got == "reset_injected") != (truth == "reset_injected"):
            print(entry["file"], truth, "got", got, json.dumps(entry["case"]))
    return sum(called[True]), len(called[True]), sum(called[False]), len(called[False])


def score(folder, tool, show):
    found, injected, wronged, genuine = counts(folder, tool, show)
    print("injected: %d of %d found; genuine: %d of %d called injected" % (found, injected, wronged, genuine))
    return 0 if not wronged and found >= 0.95 * injected else 1


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task", choices=("make", "score"))
    parser.add_argument("folder")
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--tool", default=os.path.join(TOP, "imapwhy"))
    parser.add_argument("--show", action="store_true")
    o = parser.parse_args()
    return make(o.folder, o.count, o.seed) if o.task == "make" else score(o.folder, o.tool, o.show)


if __name__ == "__main__":
    sys.exit(main())
