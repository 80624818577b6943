#!/usr/bin/env python3
"""An ordinary day out of the corpus: its captures one after another as one recording, which must tell no incident that none of them tells alone.

    mix.py --tool ./imapwhy --labels build/lab/labels.json [--gap 60] [--most 400] [--part tune] [--seed 5]

Single sessions of many devices fail there in every way (a fifth of all sessions), each soon over: nothing is shared but chance.
Exit status 0: nothing was told besides; 1: something was.
"""
import argparse
import collections
import json
import os
import random
import struct
import subprocess
import sys
import tempfile

NANO = b"\x4d\x3c\xb2\xa1"


def shifted(path, target, begin):
    """The capture as pcap, its first frame at the time `begin`; False: it has none."""
    if path.endswith("ng"):
        subprocess.run(["editcap", "-F", "nsecpcap", path, target], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        path = target
    with open(path, "rb") as source:
        data = bytearray(source.read())
    unit, at, shift = 10**9 if data[:4] == NANO else 10**6, 24, None
    while at + 16 <= len(data):
        seconds, fraction, length = struct.unpack("<III", data[at:at + 12])
        now = seconds * unit + fraction
        shift = begin * unit - now if shift is None else shift
        data[at:at + 8] = struct.pack("<II", *divmod(now + shift, unit))
        at += 16 + length
    with open(target, "wb") as out:
        out.write(data)
    return shift is not None


def told(tool, *words):
    """({file: [mechanism]} of the incidents, by where each was first seen; sessions by outcome)"""
    done = subprocess.run(tool.split() + ["-o", "json", *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    if done.returncode:
        raise SystemExit(done.stderr.decode()[-300:])
    newest, outcomes = {}, collections.Counter()
    for line in done.stdout.decode().splitlines():
        doc = json.loads(line)
        if doc["event"]["dataset"] == "imapwhy.incident":
            newest[doc["imapwhy"]["incident"]["id"]] = doc["imapwhy"]["incident"]
        elif doc["event"]["dataset"] == "imapwhy.session":
            outcomes[doc["imapwhy"]["verdict"]["outcome"]] += 1
    found = collections.defaultdict(list)
    for incident in newest.values():
        found[os.path.basename(incident["first_proof"].get("file", ""))].append((incident["scope"], incident["mechanism"]))
    return found, outcomes


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tool", default="./imapwhy")
    ap.add_argument("--labels", default="build/lab/labels.json")
    ap.add_argument("--gap", type=int, default=60, help="seconds from one capture's beginning to the next one's")
    ap.add_argument("--most", type=int, default=400)
    ap.add_argument("--part", default="tune")
    ap.add_argument("--seed", type=int, default=5)
    args = ap.parse_args()
    with open(args.labels) as text:
        entries = [e for e in json.load(text) if args.part in ("all", e["part"])]
    random.Random(args.seed).shuffle(entries)
    folder, alone, paths = os.path.dirname(os.path.abspath(args.labels)), {}, []
    with tempfile.TemporaryDirectory(prefix="iwmix") as tmp:
        for number, entry in enumerate(entries[:args.most]):
            path = "%s/%05d.pcap" % (tmp, number)
            if shifted(os.path.join(folder, entry["file"]), path, 1795510800 + number * args.gap):
                paths.append(path)
                alone[os.path.basename(path)] = {mechanism for _, mechanism in told(args.tool, path)[0].get(os.path.basename(path), [])}
        found, outcomes = told(args.tool, "--merge", *paths)
    besides = [(name, one) for name, ones in sorted(found.items()) for one in ones if one[1] not in alone.get(name, ())]
    for name, (scope, mechanism) in besides:
        print("told besides: %s %s, since %s" % (scope, mechanism, name))
    print(
        "%d captures in %.1f hours, sessions: %s; incidents told: %d, of them told by no capture alone: %d"
        % (len(paths), len(paths) * args.gap / 3600, dict(outcomes), sum(map(len, found.values())), len(besides))
    )
    return 1 if besides else 0


if __name__ == "__main__":
    sys.exit(main())
