#!/usr/bin/env python3
"""make accuracy: scores the program's verdicts against a labelled corpus, and writes docs/accuracy.md.

    score.py --tool ./imapwhy --labels build/lab/labels.json [--part score] [--write docs/accuracy.md] [--show wrong]

labels.json is a list of {"file", "keylog": FILE|null, "sessions": [{"client_ip", "client_ports": [PORT] where known,
"server_ip", "server_port", "qname", "count", "outcome", "class", "mechanism", "stage", "culprit", "cause",
"also_ok": {FIELD: [WORD]}, "ambiguous": true to leave it out, "with_keylog": {FIELD: WORD}: the verdict when the key
log is used}]}. An accepted mechanism brings its class along; class and mechanism must fit each other.

The tool is run as `TOOL -o json [--keylog FILE] CAPTURE` and prints one JSON document a line; one with event.dataset
"imapwhy.session" is a session (one that another document revises is dropped). Each labelled session is paired with at
most one reported session, best total first; a failure reported beyond the labels is a false alarm and counts against
every score. A label of many like sessions in one capture weighs at most 3.

Exit status 0: it scored, and no floor was missed; 1: a floor was missed or the tool failed on a capture (a signal, a
time-out, a status above 1, output that is not JSON) while a floor was set; 2: bad usage.
"""
import argparse
import collections
import concurrent.futures
import ipaddress
import json
import math
import os
import re
import subprocess
import sys

import page

VERDICTS = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "..", "docs", "verdicts.md")
FIELDS = ("outcome", "class", "mechanism", "stage", "culprit", "cause")
NEEDS_OTHERS = ("syn_dropped", "content_dropped", "state_expired", "client_banned", "rejected_inside_tls")
MOST_WEIGHT = 3
BANDS = ((0.0, 0.7), (0.7, 0.9), (0.9, 1.01))


def classes_by_mechanism(path=VERDICTS):
    """{mechanism: class} from the table of verdicts.md."""
    found = {}
    table = open(path, encoding="utf-8").read().split("## class and mechanism")[1].split("\n#")[0]
    for line in table.splitlines():
        cells = [re.findall(r"`(\w+)`", cell) for cell in line.split("|")[1:3]]
        if len(cells) == 2 and len(cells[0]) == 1 and cells[1]:
            found.update(dict.fromkeys(cells[1], cells[0][0]))
    return found


CLASS_OF = classes_by_mechanism()


def part(doc, *path):
    """The value at that path of a document, None where any step is missing or not an object."""
    for key in path:
        doc = doc.get(key) if isinstance(doc, dict) else None
    return doc


def verdict_of(doc):
    return part(doc, "imapwhy", "verdict") or {}


def run(tool, capture, keylog, seconds):
    """The sessions a tool reports for a capture, and what went wrong, if anything."""
    cmd = tool.split() + ["-o", "json"] + (["--keylog", keylog] if keylog else []) + [capture]
    try:
        done = subprocess.run(cmd, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=seconds)
    except subprocess.TimeoutExpired:
        return [], "no answer in %d s" % seconds
    except OSError as error:
        return [], str(error)
    sessions, wrong = [], None
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        if not line.strip():
            continue
        try:
            doc = json.loads(line)
        except ValueError:
            doc = None
        if not isinstance(doc, dict):
            wrong = "a line is not a JSON object: " + line[:80]
        elif part(doc, "event", "dataset") == "imapwhy.session":
            sessions.append(doc)
    revised = {part(doc, "imapwhy", "revises") for doc in sessions} - {None}
    sessions = [doc for doc in sessions if part(doc, "event", "id") not in revised]
    if done.returncode not in (0, 1):
        wrong = "exit status %d: %s" % (done.returncode, done.stderr.decode("utf-8", "replace").strip()[-160:])
    return sessions, wrong


def same_ip(a, b):
    try:
        return ipaddress.ip_address(a) == ipaddress.ip_address(b)
    except ValueError:
        return False


def is_for(doc, want):
    """Is the reported session one of those that the label speaks of?"""
    if want.get("client_ip") and not same_ip(part(doc, "source", "ip"), want["client_ip"]):
        return False
    if want.get("server_ip") is None:
        name = part(doc, "dns", "question", "name")
        return (verdict_of(doc).get("stage") == "resolve" and isinstance(name, str) and
                (not want.get("qname") or name.rstrip(".").lower() == want["qname"].rstrip(".").lower()))
    ports = want.get("client_ports")
    return (same_ip(part(doc, "destination", "ip"), want["server_ip"]) and
            part(doc, "destination", "port") == want["server_port"] and
            (not ports or part(doc, "source", "port") in ports))


def marks(doc, want):
    """{field: right?} for a reported session against a label."""
    verdict, also = verdict_of(doc), want.get("also_ok") or {}
    ok = {field: [want.get(field)] + list(also.get(field, [])) for field in FIELDS}
    ok["class"] += [CLASS_OF[m] for m in also.get("mechanism", []) if m in CLASS_OF]
    if verdict.get("class") == "none" and "none" in ok["class"]:
        ok.update(outcome=["healthy"], culprit=[None], cause=[None])
    if verdict.get("class") == "inconclusive" and "inconclusive" in ok["class"]:
        ok.update(outcome=["inconclusive"], culprit=["unknown"], cause=[None])
    right = {field: verdict.get(field) in ok[field] for field in FIELDS}
    if CLASS_OF.get(verdict.get("mechanism"), verdict.get("class")) != verdict.get("class"):
        right["class"] = right["mechanism"] = False
    return right


def assign(gain):
    """Row -> column of a matrix of gains (None: not allowed) with the greatest total (Hungarian method)."""
    rows, cols = len(gain), max((len(r) for r in gain), default=0)
    if not rows or not cols:
        return {}
    if rows > cols:
        turned = assign([[gain[i][j] for i in range(rows)] for j in range(cols)])
        return {i: j for j, i in turned.items()}
    far = 1000.0
    cost = [[far if g is None else far - g for g in row] for row in gain]
    u, v, match, way = [0.0] * (rows + 1), [0.0] * (cols + 1), [0] * (cols + 1), [0] * (cols + 1)
    for i in range(1, rows + 1):
        match[0], j0 = i, 0
        least, used = [math.inf] * (cols + 1), [False] * (cols + 1)
        while True:
            used[j0] = True
            i0, delta, j1 = match[j0], math.inf, 0
            for j in range(1, cols + 1):
                if not used[j]:
                    cur = cost[i0 - 1][j - 1] - u[i0] - v[j]
                    if cur < least[j]:
                        least[j], way[j] = cur, j0
                    if least[j] < delta:
                        delta, j1 = least[j], j
            for j in range(cols + 1):
                if used[j]:
                    u[match[j]] += delta
                    v[j] -= delta
                else:
                    least[j] -= delta
            j0 = j1
            if match[j0] == 0:
                break
        while j0:
            match[j0], j0 = match[way[j0]], way[j0]
    return {match[j] - 1: j - 1 for j in range(1, cols + 1) if match[j] and gain[match[j] - 1][j - 1] is not None}


def score_capture(docs, wants):
    """[(label, reported or None, weight)], and the failures reported that no label speaks of."""
    slots = [(w, min(int(w.get("count", 1)), MOST_WEIGHT) / int(w.get("count", 1)))
             for w in wants for _ in range(int(w.get("count", 1)))]
    gain = [[1 + sum(marks(d, w).values()) + 3 * marks(d, w)["mechanism"] if is_for(d, w) else None for d in docs]
            for w, _ in slots]
    got = assign(gain)
    taken = set(got.values())
    extra = [d for j, d in enumerate(docs) if j not in taken and verdict_of(d).get("outcome") in ("failed", "degraded")]
    return [(w, docs[got[i]] if i in got else None, weight) for i, (w, weight) in enumerate(slots)], extra


def wilson(right, total, z=1.96):
    """The 95 % interval of a share."""
    if not total:
        return 0.0, 1.0
    p, d = right / total, 1 + z * z / total
    mid, half = p + z * z / (2 * total), z * math.sqrt(p * (1 - p) / total + z * z / (4 * total * total))
    return (mid - half) / d, (mid + half) / d


class Tally:
    def __init__(self):
        self.right = collections.Counter()
        self.total = self.healthy = self.failed = self.false_alarms = self.missed = self.dodged = 0.0
        self.sessions = self.unreported = self.extra = 0
        self.classes = collections.defaultdict(collections.Counter)
        self.mechanisms = collections.defaultdict(lambda: [0.0, 0.0])
        self.bands = {band: [0.0, 0.0, 0.0] for band in BANDS}
        self.faults, self.rows, self.wrong = [], [], []
        self.pairs = collections.defaultdict(lambda: [0.0, 0.0, 0, 0])

    def session(self, entry, want, doc, weight, show):
        name, verdict = entry["file"], verdict_of(doc)
        ok = marks(doc, want) if doc else dict.fromkeys(FIELDS, False)
        self.sessions += 1
        self.total += weight
        self.unreported += doc is None
        for field in FIELDS:
            self.right[field] += weight * ok[field]
        said = want["class"] if ok["class"] else verdict.get("class", "(not reported)")
        self.classes[want["class"]][said] += weight
        slot = self.mechanisms["%s.%s" % (want["class"], want["mechanism"])]
        slot[0] += weight * ok["mechanism"]
        slot[1] += weight
        if want["outcome"] == "healthy":
            self.healthy += weight
            self.false_alarms += weight * (verdict.get("outcome") in ("failed", "degraded") and not ok["outcome"])
        elif want["outcome"] in ("failed", "degraded"):
            self.failed += weight
            self.missed += weight * (verdict.get("outcome") in (None, "healthy") and not ok["outcome"])
            self.dodged += weight * (verdict.get("outcome") == "inconclusive" and not ok["outcome"])
        confidence = verdict.get("confidence")
        if isinstance(confidence, (int, float)):
            for band in BANDS:
                if band[0] <= confidence < band[1]:
                    self.bands[band][0] += weight
                    self.bands[band][1] += weight * ok["mechanism"]
                    self.bands[band][2] += weight * confidence
        wrong = [f for f in FIELDS if not ok[f]]
        pair = self.pairs[(entry.get("server_sw") or "none", entry.get("client_sw") or "none", entry.get("pair") or "seen")]
        pair[0] += weight * ok["mechanism"]
        pair[1] += weight
        pair[2] += 1
        pair[3] += bool(entry.get("tls") and want["outcome"] != "inconclusive" and verdict.get("outcome") == "inconclusive")
        if wrong:
            self.wrong.append((entry, want, doc, wrong))
        if show == "all" or (show == "wrong" and wrong):
            self.rows.append("%-40s %s:%s %s" % (name, want.get("client_ip"), part(doc, "source", "port") or "-",
                             "right" if not wrong else "  ".join("%s: want %s got %s" % (
                                 f, want.get(f), verdict.get(f, "(not reported)")) for f in wrong)))

    def extra_failure(self, entry, doc, show):
        name = entry["file"]
        self.wrong.append((entry, None, doc, ["false alarm"]))
        self.extra += 1
        self.false_alarms += 1
        self.total += 1
        self.classes["(none labelled)"][verdict_of(doc).get("class", "?")] += 1
        if show != "none":
            v = verdict_of(doc)
            self.rows.append("%-40s extra: %s.%s %s:%s -> %s:%s" % (
                name, v.get("class"), v.get("mechanism"), part(doc, "source", "ip"), part(doc, "source", "port"),
                part(doc, "destination", "ip"), part(doc, "destination", "port")))

    def share(self, field):
        return self.right[field] / self.total if self.total else 0.0

    def report(self):
        print("\n".join(self.rows))
        for name, why in self.faults:
            print("FAULT %s: %s" % (name, why))
        print("\nsessions %d, not reported %d, failures reported that no label has %d, tool faults %d"
              % (self.sessions, self.unreported, self.extra, len(self.faults)))
        for field in FIELDS:
            print("%-10s %6.1f %%" % (field, 100 * self.share(field)))
        f1s = []
        for name in sorted(self.classes):
            right, wanted = self.classes[name][name], sum(self.classes[name].values())
            said = sum(row[name] for row in self.classes.values())
            p, r = (right / said if said else 0.0), (right / wanted if wanted else 0.0)
            worst = ", ".join("%s %g" % (k, n) for k, n in self.classes[name].most_common() if k != name)
            if name == "(none labelled)":
                print("  %-18s %s" % (name, worst))
                continue
            f1s.append(2 * p * r / (p + r) if p + r else 0.0)
            print("  %-18s precision %5.1f  recall %5.1f  of %5.1f  %s" % (name, 100 * p, 100 * r, wanted, worst))
        self.macro_f1 = sum(f1s) / len(f1s) if f1s else 0.0
        print("macro F1 over classes %.3f" % self.macro_f1)
        print("false alarms: %g, on %g healthy sessions" % (self.false_alarms, self.healthy))
        print("failures missed: %g of %g (and %g called inconclusive)" % (self.missed, self.failed, self.dodged))
        for (low, high), (count, right, said) in self.bands.items():
            if count:
                a, b = wilson(right, count)
                print("confidence %.1f-%.1f: said %.3f, right %.3f (95 %%: %.3f-%.3f) of %g"
                      % (low, min(high, 1.0), said / count, right / count, a, b, count))
        weak = sorted((k for k, v in self.mechanisms.items() if v[0] < v[1]),
                      key=lambda k: self.mechanisms[k][0] / self.mechanisms[k][1])
        if weak:
            print("weakest mechanisms: " + ", ".join("%s %g/%g" % (k, *self.mechanisms[k]) for k in weak[:15]))

    def as_json(self):
        return {"sessions": self.sessions, "right": {f: self.share(f) for f in FIELDS}, "macro_f1": self.macro_f1,
                "false_alarms": self.false_alarms, "healthy": self.healthy, "missed": self.missed, "dodged": self.dodged,
                "failed": self.failed, "extra": self.extra, "unreported": self.unreported, "faults": len(self.faults),
                "bands": {"%.1f-%.1f" % k: v for k, v in self.bands.items()}, "mechanisms": dict(self.mechanisms)}


def ran_on(args, base, entry):
    """(documents, fault, labels) of one capture."""
    keylog = os.path.join(base, entry["keylog"]) if args.use_keylogs and entry.get("keylog") else None
    wants = []
    for want in entry["sessions"]:
        if keylog and want.get("with_keylog"):
            want = dict(want, also_ok={"stage": (want.get("also_ok") or {}).get("stage", [])}, **want["with_keylog"])
            want["class"] = CLASS_OF.get(want["mechanism"], want["class"])
        wants.append(want)
    docs, wrong = run(args.tool, os.path.join(base, entry["file"]), keylog, args.seconds)
    return docs, wrong, wants


def count(tally, entry, docs, wrong, wants, skip, show):
    if wrong:
        tally.faults.append((entry["file"], wrong))
    pairs, extra = score_capture(docs, wants)
    for want, doc, weight in pairs:
        if not want.get("ambiguous") and want["mechanism"] not in skip:
            tally.session(entry, want, doc, weight, show)
    for doc in extra:
        tally.extra_failure(entry, doc, show)


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("--tool", required=True)
    ap.add_argument("--labels", required=True)
    ap.add_argument("--dir")
    ap.add_argument("--use-keylogs", action="store_true", help="hand the tool each capture's key log, where there is one")
    ap.add_argument("--only", help="only captures whose scenario or file holds this")
    ap.add_argument("--skip", default="", help="comma-separated mechanisms whose labels are left out; `others` stands for "
                    "those that need other sessions or inference: " + ", ".join(NEEDS_OTHERS))
    ap.add_argument("--show", choices=["wrong", "all", "none"], default="none")
    ap.add_argument("--json")
    ap.add_argument("--part", choices=["score", "tune"], help="only captures of this part (the default with --write: both, told apart)")
    ap.add_argument("--write", help="the page to write")
    ap.add_argument("--jobs", type=int, default=2)
    ap.add_argument("--seconds", type=int, default=60)
    ap.add_argument("--min-mechanism", type=float)
    ap.add_argument("--min-class", type=float)
    ap.add_argument("--max-false-alarms", type=float)
    args = ap.parse_args()
    base = args.dir or os.path.dirname(os.path.abspath(args.labels))
    skip = set(args.skip.replace("others", ",".join(NEEDS_OTHERS)).split(",")) - {""}
    entries = [e for e in json.load(open(args.labels)) if not args.only or args.only in e["file"] or args.only in e.get("scenario", "")]
    parts = [args.part] if args.part else ["score", "tune"] if args.write else [None]
    tallies = {p: Tally() for p in parts}
    with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
        ran = list(pool.map(lambda e: ran_on(args, base, e), entries))
    for entry, (docs, wrong, wants) in zip(entries, ran):
        tally = tallies.get(entry.get("part") if parts != [None] else None)
        if tally:
            count(tally, entry, docs, wrong, wants, skip, args.show)
    tally = tallies[parts[0]]
    if not tally.sessions:
        print("no labelled session was scored", file=sys.stderr)
        return 2
    tally.report()
    if args.write:
        page.write(args.write, tallies, FIELDS, wilson)
    if args.json:
        with open(args.json, "w") as out:
            json.dump(tally.as_json(), out, indent=1)
    floors = [(args.min_mechanism, tally.share("mechanism")), (args.min_class, tally.share("class"))]
    low = any(floor is not None and share < floor for floor, share in floors)
    low |= args.max_false_alarms is not None and tally.false_alarms > args.max_false_alarms
    floored = args.max_false_alarms is not None or any(f is not None for f, _ in floors)
    return 1 if low or (floored and tally.faults) else 0


if __name__ == "__main__":
    sys.exit(main())
