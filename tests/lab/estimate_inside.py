#!/usr/bin/env python3
"""Re-estimate rules/inside-tls.yaml from a labelled corpus of captures.

    estimate_inside.py --labels CORPUS/labels.json [--part PART] [--tool ./imapwhy] [--rules rules/inside-tls.yaml] [--weight N] [-o FILE]

labels.json is a list of {"file", "part", "sessions": [{"client_ip", "client_ports", "mechanism"}]}; with --part only the captures of that part
teach. Each capture is read with `imapwhy explain`, which tells the dialogue that fits best and the next best. Where one of them ends as the
label says, its steps are counted: how long and how late each meaning was, what followed what, and how sessions ended (Viterbi training). The
counts are added to the rows as they stand, which weigh as much as --weight counts; a row's own counts weigh at most as much again, so that a
corpus of a few servers cannot drive out what is known of others. Texts, times of servers and tags stay as they are: they are facts, not estimates.
What a listed server has texts or times of its own for teaches the rows nothing, nor does a listed client teach the usual habits where it has its
own (which are estimated by themselves): the rows are there for those that are not known.
"""
import argparse
import collections
import json
import os
import re
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# What a dialogue may end as, for each mechanism of a label that keys would tell.
ENDS_AS = {
    "success": {"success"}, "slow_server": {"success"}, "high_latency": {"success"}, "packet_loss": {"success"},
    "clean_close": {"no_login"}, "rejected_inside_tls": {"login_refused"}, "connection_limit": {"connection_limit"},
    "temporarily_unavailable": {"temporary"}, "autologout": {"autologout"}, "auth_timeout": {"login_unanswered"},
    "closed_by_server": {"closed"},
}
STEP = re.compile(r"^  frame \d+  [CS] (\d+)(?:-(\d+))?(?: \(\d+ first\))?  \+([\d.]+) (ms|s)(.*?)  ;")
READING = re.compile(r"^(\w+|-)")
END_SPANS = (0.5, 5.0)


def dialogue_steps(path):
    """{(phase, meaning): phase then} of dialogue.def."""
    found = re.findall(r"^STEP\((\w+), (\w+), (\w+)\)", open(path, encoding="utf-8").read(), re.M)
    return {(phase, meaning): then for phase, meaning, then in found}


def seconds(number, unit):
    return float(number) / 1000 if unit == "ms" else float(number)


def sessions_of(tool, capture):
    """Of each session the newest judgement: {(client, port): (outcomes of best and next, steps, end)}."""
    done = subprocess.run([tool, "explain", capture], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=120)
    found, now = {}, None
    for line in done.stdout.decode("utf-8", "replace").splitlines():
        head = re.match(r"^session \S+ of (\S+) (\d+) with", line)
        if head:
            now = {"outcomes": {}, "steps": [], "end": None}
            found[head[1], int(head[2])] = now
            continue
        if not now or now["end"]:
            continue
        outcome = re.match(r"^  (best|next): (\w+) ", line)
        if outcome:
            now["outcomes"][outcome[2]] = outcome[1]
        step = STEP.match(line)
        if step:
            readings = [READING.match(part.strip())[1] for part in step[5].split("  |") if part.strip()]
            least, most = int(step[1]), int(step[2] or step[1])
            now["steps"].append(((least + most) // 2, seconds(step[3], step[4]), readings))
        end = re.match(r"^  (open|client_fin|server_fin|client_reset|server_reset) after ([\d.]+) (ms|s)", line)
        if end:
            now["end"] = (end[1], seconds(end[2], end[3]))
    return found


class Counts:
    def __init__(self):
        self.size = collections.defaultdict(list)
        self.delay = collections.defaultdict(list)
        self.follows = collections.Counter()
        self.ends = collections.Counter()

    def learn(self, session, which, ways, starttls, own, client):
        """One dialogue; what fits nothing breaks the order, not the rest. `own`: what its server has texts, and times, of its own for;
        `client`: its name, and the phases in which it has habits of its own."""
        phase = "greeted" if starttls else "start"
        for length, delay, readings in session["steps"]:
            meaning = readings[0] if which == "best" or len(readings) == 1 else readings[1]
            if meaning == "-":
                continue
            if meaning not in own["says"]:
                self.size[meaning].append(length)
            soonest, latest = own["delays"].get(meaning, (0, 0))
            if not soonest <= delay <= latest:
                self.delay[meaning].append(delay)
            if (phase, meaning) not in ways:
                return
            for who in whose(client, phase):
                self.follows[who, phase, meaning] += 1
            phase = ways[phase, meaning]
        how, after = session["end"]
        for who in whose(client, phase):
            self.ends[who, phase, how, sum(after >= edge for edge in END_SPANS)] += 1


USUAL = ""


def whose(client, phase):
    """Whose habits it teaches. Before the login all clients teach the usual ones: of those that are not listed the lab has too few that log in."""
    name, phases = client
    return ([name] if phase in phases else []) + ([USUAL] if phase not in phases or phase in ("greeted", "ready") else [])


def listed_clients(text):
    """[(name, phases in which it has habits of its own)] of the clients that the file lists."""
    entries = re.split(r"(?m)^  - name: ", text.split("\nclients:\n")[1])[1:]
    return [(entry.split("\n")[0].strip('"'), set(re.findall(r"(?m)^      (\w+):$", entry))) for entry in entries]


def client_of(clients, software):
    return next((one for one in clients if one[0].lower() in (software or "").lower()), (USUAL, ()))


def listed_servers(text):
    """{name in small letters: {"says": meanings, "delays": {meaning: (soonest, latest)}}} of the servers that the file lists."""
    found = {}
    for entry in re.split(r"(?m)^  - name: ", text.split("\nservers:\n")[1].split("\nclients:\n")[0])[1:]:
        own = {"says": set(re.findall(r"(?m)^      (\w+):$", entry)), "delays": {}}
        for meaning, soonest, latest in re.findall(r"(\w+): \[([\w.]+), ([\w.]+)\]", "".join(re.findall(r"(?m)^    delays: .*", entry))):
            own["delays"][meaning] = span(soonest), span(latest)
        found[entry.split("\n")[0].strip('"').lower()] = own
    return found


def own_of(servers, software):
    """Of the foremost listed server of a label: it answers the login."""
    for part in (software or "").lower().split(" + "):
        for listed, own in servers.items():
            if listed in part:
                return own
    return {"says": (), "delays": {}}


def learn_corpus(args, ways):
    counts, used, left = Counts(), 0, 0
    text = open(args.rules, encoding="utf-8").read()
    servers, clients = listed_servers(text), listed_clients(text)
    folder = os.path.dirname(os.path.abspath(args.labels))
    for label in json.load(open(args.labels, encoding="utf-8")):
        if args.part and label.get("part") != args.part:
            continue
        found = sessions_of(args.tool, os.path.join(folder, label["file"]))
        for want in label["sessions"]:
            for port in want.get("client_ports") or []:
                session = found.get((want["client_ip"], port))
                outcomes = ENDS_AS.get(want["mechanism"], set())
                which = next((session["outcomes"][o] for o in outcomes if o in session["outcomes"]), None) if session else None
                if not which or not session["end"]:
                    left += 1
                    continue
                own, client = own_of(servers, label.get("server_sw")), client_of(clients, label.get("client_sw"))
                counts.learn(session, which, ways, session["steps"][0][2][0] not in ("greeting", "bye"), own, client)
                used += 1
    return counts, used, left


# --- the file, line by line: its comments and its order stay ---

def numbers(text):
    return [float(x) for x in re.findall(r"[\d.]+", text)]


def written(row):
    return "[" + ", ".join("%g" % round(x, 2) for x in row) + "]"


def blended(row, counted, weight):
    """The row as `weight` counts, and its own counts as at most as many; all brought to a sum of 1000."""
    total, own = sum(row), sum(counted)
    share = [x / total * weight for x in row]
    scale = min(1.0, weight / own) if own else 0
    mixed = [a + b * scale for a, b in zip(share, counted)]
    return [x * 1000 / sum(mixed) for x in mixed]


def histogram(values, edges):
    row = [0] * (len(edges) + 1)
    for value in values:
        row[sum(value >= edge for edge in edges)] += 1
    return row


def span(text):
    number, unit = re.match(r"([\d.]+)(ms|s|m)$", text).groups()
    return float(number) * {"ms": 0.001, "s": 1, "m": 60}[unit]


def estimate_phase(lines, at, who, counts, weight):
    """One phase of habits: all that may follow and all ends are one row."""
    phase, margin = lines[at].strip(" :"), re.match(" *", lines[at])[0] + "  "
    end = at + 1
    while end < len(lines) and lines[end].startswith(margin):
        end += 1
    steps, ends = [], {}
    for n in range(at + 1, end):
        key, value = lines[n].strip().split(": ", 1)
        if key == "ends":
            ends = {k: numbers(v) for k, v in re.findall(r"(\w+): (\[[^]]*\])", value)}
        else:
            steps.append((n, key, float(value)))
    row = [value for _, _, value in steps] + [x for k in ends for x in ends[k]]
    counted = [counts.follows[who, phase, key] for _, key, _ in steps] + [counts.ends[who, phase, k, i] for k in ends for i in range(3)]
    if not sum(counted):
        return
    mixed = blended(row, counted, weight)
    for (n, key, _), value in zip(steps, mixed):
        lines[n] = margin + "%s: %g" % (key, round(value, 2))
    rest = mixed[len(steps):]
    lines[end - 1] = margin + "ends: {" + ", ".join("%s: %s" % (k, written(rest[i * 3:i * 3 + 3])) for i, k in enumerate(ends)) + "}"


def estimate(text, counts, weight):
    lines = text.split("\n")
    sizes = delays = section = name = client = None
    for n, line in enumerate(lines):
        top = re.match(r"^(\w+):", line)
        if top:
            section = top[1]
        if line.startswith("sizes: "):
            sizes = numbers(line)
        elif line.startswith("delays: "):
            delays = [span(word.strip()) for word in line[len("delays: ["):-1].split(",")]
        inner = re.match(r"^  (\w+):$", line)
        name = inner[1] if inner else name
        if section == "meanings" and line.startswith("    sizes: "):
            lines[n] = "    sizes: " + written(blended(numbers(line), histogram(counts.size[name], sizes), weight))
        elif section == "meanings" and line.startswith("    delays: "):
            lines[n] = "    delays: " + written(blended(numbers(line), histogram(counts.delay[name], delays), weight))
        elif section == "follows" and inner:
            estimate_phase(lines, n, USUAL, counts, weight)
        who = re.match(r'^  - name: "?([^"]*)"?$', line) if section == "clients" else None
        client = who[1] if who else client
        if section == "clients" and re.match(r"^      \w+:$", line):
            estimate_phase(lines, n, client, counts, weight)
    return "\n".join(lines)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--labels", required=True)
    parser.add_argument("--part")
    parser.add_argument("--tool", default=os.path.join(TOP, "imapwhy"))
    parser.add_argument("--rules", default=os.path.join(TOP, "rules", "inside-tls.yaml"))
    parser.add_argument("--weight", type=float, default=100, help="counts that the present rows weigh")
    parser.add_argument("-o", "--output", help="where the new file goes; else it takes the old one's place")
    args = parser.parse_args()
    ways = dialogue_steps(os.path.join(TOP, "analyzer", "infer", "dialogue.def"))
    counts, used, left = learn_corpus(args, ways)
    text = open(args.rules, encoding="utf-8").read()
    with open(args.output or args.rules, "w", encoding="utf-8") as out:
        out.write(estimate(text, counts, args.weight))
    print("%d sessions taught, %d did not fit their labels or were not found" % (used, left))


if __name__ == "__main__":
    main()
