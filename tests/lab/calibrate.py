#!/usr/bin/env python3
"""make calibrate: gives each rule the confidence that it earned on the lab's tuning part.

    calibrate.py --tool ./imapwhy --labels build/lab/labels.json --rules rules [--write]

Of a rule that decided n sessions, r of them with the right mechanism, the confidence becomes (r + 4 p) / (n + 4): p is
what its author believed (0.97 for 0.9 and above, 0.93 for 0.75 and above, else the value itself), and weighs as much as
four sessions. A rule that decided none keeps its own, 0.95 at the least where that was 0.9 or more. Without --write the
changes are only printed.
"""
import argparse
import collections
import glob
import json
import os
import re

import score

PRIOR_WEIGHT = 4
MOST, LEAST = 0.997, 0.05


def counts(tool, labels, seconds=60):
    """{rule: [decided, right]} on the captures of the tuning part."""
    found = collections.defaultdict(lambda: [0, 0])
    base = os.path.dirname(os.path.abspath(labels))
    with open(labels, encoding="utf-8") as file:
        tune = [e for e in json.load(file) if e.get("part") == "tune"]
    for entry in tune:
        docs, _ = score.run(tool, os.path.join(base, entry["file"]), None, seconds)
        pairs, extra = score.score_capture(docs, entry["sessions"])
        told = [(d, score.marks(d, w)["mechanism"]) for w, d, _ in pairs if d and not w.get("ambiguous")]
        for doc, right in told + [(d, False) for d in extra]:
            found[doc["rule"]["id"]][0] += 1
            found[doc["rule"]["id"]][1] += bool(right)
    return found


def earned(believed, decided, right):
    prior = 0.97 if believed >= 0.9 else 0.93 if believed >= 0.75 else believed
    if not decided:
        return max(believed, 0.95) if believed >= 0.9 else believed
    return max(LEAST, min(MOST, round((right + PRIOR_WEIGHT * prior) / (decided + PRIOR_WEIGHT), 3)))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--labels", required=True)
    parser.add_argument("--rules", required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    found = counts(args.tool, args.labels)
    for path in sorted(glob.glob(os.path.join(args.rules, "verdicts", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            rules = re.split(r"(?m)^(?=- id: )", file.read())
        for i, text in enumerate(rules):
            name, says = re.match(r"- id: (\S+)", text), re.search(r"(?m)^  confidence: ([0-9.]+)", text)
            if not name or not says:
                continue
            new = earned(float(says.group(1)), *found.get(name.group(1), (0, 0)))
            if new != float(says.group(1)):
                print("%-40s %s -> %g  (%d right of %d)" % (name.group(1), says.group(1), new, *reversed(found.get(name.group(1), [0, 0]))))
            rules[i] = text.replace(says.group(0), "  confidence: %g" % new, 1)
        if args.write:
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(rules))


if __name__ == "__main__":
    main()
