#!/usr/bin/env python3
"""make calibrate: gives each rule the confidence that it earned on the lab's tuning part.

    calibrate.py --tool ./imapwhy --labels build/lab/labels.json [MORE/labels.json] --rules rules [--write]

Of a rule that decided n sessions, r of them with the right mechanism, the confidence becomes (r + 4 p) / (n + 4). Sessions weigh as
score.py weighs them: the many like ones of a capture are one experience told often, and count at most 3. p is what may be expected of
the rule without them: what the other rules earned in which their authors believed as much (below 0.75, to 0.9, above), each of them
counting at most 20 sessions, less one in a hundred, for rules are tuned on this part, and on a seed never seen
before about so many verdicts were wrong; below 0.75, where rules differ in kind, and where the others decided too little, what its author believed.
A rule that decided none gets the mean of both. No rule gets more than 0.998: those that are tuned here do better here than elsewhere.

believed.json holds what the authors believed. It is never made from what was measured, so that calibrating again changes nothing; a rule
that is not in it yet enters with the confidence that stands in its file. Without --write the changes are only printed.
"""
import argparse
import collections
import glob
import json
import os
import re

import score

BELIEVED = os.path.join(os.path.dirname(os.path.abspath(__file__)), "believed.json")
BANDS = (0.75, 0.9)
PRIOR_WEIGHT = 4
MOST_OF_ONE, LEAST_OF_OTHERS = 20, 20
ELSEWHERE = 0.99
MOST, LEAST = 0.998, 0.05
MOST_OF = {"tls.unknown_service": 0.89}  # nobody knew who speaks: that it is another service stays a guess, however few times it was wrong here


def tuning_part(path):
    with open(path, encoding="utf-8") as file:
        return [e for e in json.load(file) if e.get("part") == "tune"]


def counts(tool, labels, seconds=60):
    """{rule: [decided, right]} on the captures of the tuning part, weighed."""
    found = collections.defaultdict(lambda: [0.0, 0.0])
    for base, entry in [(os.path.dirname(os.path.abspath(path)), e) for path in labels for e in tuning_part(path)]:
        docs, _ = score.run(tool, os.path.join(base, entry["file"]), None, seconds)
        pairs, extra = score.score_capture(docs, entry["sessions"])
        told = [(d, score.marks(d, w)["mechanism"], weight) for w, d, weight in pairs if d and not w.get("ambiguous")]
        for doc, right, weight in told + [(d, False, 1) for d in extra]:
            found[doc["rule"]["id"]][0] += weight
            found[doc["rule"]["id"]][1] += weight * right
    return found


def band(belief):
    return sum(belief >= edge for edge in BANDS)


def expected(rule, believed, found):
    """What may be expected of a rule, its own sessions aside. One wrong session of all is always reckoned with."""
    belief, decided, right = believed[rule], 0.0, 0.0
    for other, (n, r) in found.items():
        if other != rule and n and other in believed and band(believed[other]) == band(belief):
            share = min(n, MOST_OF_ONE) / n
            decided, right = decided + share * n, right + share * r
    if band(belief) == 0 or decided < LEAST_OF_OTHERS:
        return belief
    return ELSEWHERE * right / (decided + 1)


def earned(rule, believed, found):
    decided, right = found.get(rule, (0.0, 0.0))
    prior = expected(rule, believed, found)
    if not decided:
        value = (believed[rule] + prior) / 2
    else:
        value = (right + PRIOR_WEIGHT * prior) / (decided + PRIOR_WEIGHT)
    return round(max(LEAST, min(MOST_OF.get(rule, MOST), value)), 3)


def rules_in(folder):
    """(path, [text]) of each file, cut before each rule."""
    for path in sorted(glob.glob(os.path.join(folder, "verdicts", "*.yaml"))):
        with open(path, encoding="utf-8") as file:
            yield path, re.split(r"(?m)^(?=- id: )", file.read())


def stands(text):
    """(rule, the line's match) of a rule's text, or None."""
    name, says = re.match(r"- id: (\S+)", text), re.search(r"(?m)^  confidence: ([0-9.]+)", text)
    return (name.group(1), says) if name and says else None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tool", required=True)
    parser.add_argument("--labels", required=True, nargs="+", help="of one corpus or of several, of each the tuning part")
    parser.add_argument("--rules", required=True)
    parser.add_argument("--write", action="store_true")
    args = parser.parse_args()
    found = counts(args.tool, args.labels)
    with open(BELIEVED, encoding="utf-8") as file:
        before = json.load(file)
    files = list(rules_in(args.rules))
    now = dict(stands(t) for _, texts in files for t in texts if stands(t))
    believed = {rule: before.get(rule, float(says.group(1))) for rule, says in now.items()}
    for path, texts in files:
        for i, text in enumerate(texts):
            if not stands(text):
                continue
            rule, says = stands(text)
            value = earned(rule, believed, found)
            if value != float(says.group(1)):
                print("%-40s %s -> %g  (%.4g right of %.4g)" % (rule, says.group(1), value, *reversed(found.get(rule, [0, 0]))))
            texts[i] = text.replace(says.group(0), "  confidence: %g" % value, 1)
        if args.write:
            with open(path, "w", encoding="utf-8") as file:
                file.write("".join(texts))
    if args.write and believed != before:
        with open(BELIEVED, "w", encoding="utf-8") as file:
            file.write(json.dumps(believed, indent=1, sort_keys=True) + "\n")


if __name__ == "__main__":
    main()
