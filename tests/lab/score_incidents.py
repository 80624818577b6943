#!/usr/bin/env python3
"""Scores the program's incidents against what the lab staged: each found once, with the right scope, and none where there is none.

    score_incidents.py --tool ./imapwhy --labels build/lab/incidents.json [--only WORD] [--markdown]

incidents.json is a list of {"file", "keylog", "incidents": [{"mechanism" (or a list of them), "scope", "hit": [FROM, TO], "served": [FROM, TO], "closed", "grown",
"subject", "with_keylog": {what differs when the key log is used} or null: not told then}]}. A capture with `with_keylog` is scored without its key log
and with it. Of each incident the newest document counts; one that a wider one took in (`part_of`) is none of its own.
Exit status 0: all found once as expected, none besides; 1: not so; 2: bad usage.
"""
import argparse
import collections
import json
import os
import subprocess
import sys

FIELDS = ("id", "state", "scope", "clients_hit", "clients_served", "sessions_hit", "sessions_served", "since", "first_proof", "last_proof")


def told(tool, capture, keylog):
    """{id: its documents, oldest first}"""
    cmd = tool.split() + ["-o", "json"] + (["--keylog", keylog] if keylog else []) + [capture]
    done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    if done.returncode:
        raise SystemExit("%s: exit status %d: %s" % (capture, done.returncode, done.stderr.decode()[-200:]))
    found = collections.OrderedDict()
    for line in done.stdout.decode().splitlines():
        doc = json.loads(line)
        if doc["event"]["dataset"] == "imapwhy.incident":
            found.setdefault(doc["imapwhy"]["incident"]["id"], []).append(doc["imapwhy"]["incident"])
    return found


def wrong_of(docs, want):
    """What of an incident is not as expected, in words."""
    last, wrong = docs[-1], []
    for field in ("mechanism", "scope", "subject"):
        fine = want[field] if isinstance(want[field], list) else [want[field]]
        if want[field] and last.get(field) not in fine:
            wrong.append("%s %s, not %s" % (field, last.get(field), " or ".join(fine)))
    for field, (least, most) in (("clients_hit", want["hit"]), ("clients_served", want["served"])):
        if not least <= last.get(field, -1) <= most:
            wrong.append("%s %s, not %d to %d" % (field, last.get(field), least, most))
    if (last["state"] == "closed") != want["closed"]:
        wrong.append("state " + last["state"])
    if want["grown"] and "grown" not in [d["state"] for d in docs]:
        wrong.append("never told as grown")
    return wrong + ["no " + field for field in FIELDS if any(field not in d for d in docs)]


def paired(found, wanted):
    """[(documents or None, expected or None)], the best fits first."""
    left, pairs = list(found), []
    for want in wanted:
        best = min(left, key=lambda docs: len(wrong_of(docs, want)), default=None)
        if best is not None:
            left.remove(best)
        pairs.append((best, want))
    return pairs + [(docs, None) for docs in left]


def in_words(docs):
    i = docs[-1]
    return "%s %s, %d hit, %d served, %d sessions, %s" % (
        i["scope"], i["mechanism"], i["clients_hit"], i["clients_served"], i["sessions_hit"], "/".join(d["state"] for d in docs)
    )


def expected(entry, with_keys):
    """What is expected of a capture, once its key log is used or is not."""
    wants = entry["incidents"]
    if not with_keys:
        return wants
    return [dict(w, **(w["with_keylog"] or {})) for w in wants if w["with_keylog"] is not None]


def judged(tool, folder, entry, with_keys):
    """(rows of the table, right ones, expected ones, those beyond)"""
    found = told(tool, os.path.join(folder, entry["file"]), os.path.join(folder, entry["keylog"]) if with_keys else None)
    docs = [d for d in found.values() if "part_of" not in d[-1]]
    wants = expected(entry, with_keys)
    pairs = paired(docs, wants)
    rows, right = [], 0
    for seen, want in pairs:
        if want is None:
            verdict = "NOT EXPECTED"
        elif seen is None:
            verdict = "MISSED"
        else:
            wrong = wrong_of(seen, want)
            verdict = "WRONG: " + "; ".join(wrong) if wrong else "right"
            right += not wrong
        rows.append((in_words(seen) if seen else "none", verdict))
    return rows or [("none", "right")], right, len(wants), sum(want is None for _, want in pairs)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tool", default="./imapwhy")
    ap.add_argument("--labels", default="build/lab/incidents.json")
    ap.add_argument("--only", default="")
    ap.add_argument("--markdown", action="store_true", help="the rows as a table")
    args = ap.parse_args()
    folder = os.path.dirname(os.path.abspath(args.labels))
    total = collections.Counter()
    line = "| %s | %s | %s |" if args.markdown else "%-42s %-90s %s"
    print(line % ("staged", "told", "is"))
    if args.markdown:
        print("| --- | --- | --- |")
    with open(args.labels) as text:
        entries = [e for e in json.load(text) if args.only in e["file"]]
    for entry in entries:
        needs_both = any(w["with_keylog"] != {} for w in entry["incidents"])
        for with_keys in (False, True) if needs_both else (False,):
            rows, right, wanted, beyond = judged(args.tool, folder, entry, with_keys)
            total.update(right=right, wanted=wanted, beyond=beyond, captures=1, calm=not wanted)
            for seen, verdict in rows:
                print(line % (entry["scenario"] + (" + keys" if with_keys else ""), seen, verdict))
    print("%(right)d of %(wanted)d staged incidents told once and right, %(beyond)d told besides, in %(captures)d readings (%(calm)d without any)" % total)
    return 0 if total["right"] == total["wanted"] and not total["beyond"] and entries else 1


if __name__ == "__main__":
    sys.exit(main())
