"""Writes docs/accuracy.md from what score.py counted."""
import json
import os
import re


def percent(right, total):
    return "%.1f %%" % (100 * right / total) if total else "-"


def summary(tallies, fields):
    yield "| | " + " | ".join(tallies) + " |"
    yield "| --- |" + " ---: |" * len(tallies)
    for name, of in (
        [("sessions", lambda t: t.sessions), ("weight", lambda t: "%g" % round(t.total, 1))]
        + [(f, lambda t, f=f: percent(t.right[f], t.total)) for f in fields]
        + [
            ("healthy sessions", lambda t: "%g" % round(t.healthy, 1)),
            ("false alarms", lambda t: "%g" % t.false_alarms),
            ("failures", lambda t: "%g" % round(t.failed, 1)),
            ("failures missed", lambda t: "%g" % t.missed),
            ("failures called inconclusive", lambda t: "%g" % t.dodged),
            ("sessions not reported", lambda t: t.unreported),
            ("tool faults", lambda t: len(t.faults)),
        ]
    ):
        yield "| %s | %s |" % (name, " | ".join(str(of(t)) for t in tallies.values()))


def confusion(tally):
    wanted = sorted(tally.classes)
    said = sorted({word for row in tally.classes.values() for word in row})
    yield "| labelled \\ said | " + " | ".join(said) + " | recall |"
    yield "| --- |" + " ---: |" * (len(said) + 1)
    for word in wanted:
        row = tally.classes[word]
        yield "| %s | %s | %s |" % (word, " | ".join("%g" % round(row[s], 1) if row[s] else "" for s in said), percent(row[word], sum(row.values())))
    yield "| precision | %s | |" % " | ".join(
        percent(tally.classes[s][s] if s in tally.classes else 0, sum(r[s] for r in tally.classes.values())) for s in said
    )


def mechanisms(tallies):
    yield "| mechanism | " + " | ".join("%s: right | of" % p for p in tallies) + " |"
    yield "| --- |" + " ---: | ---: |" * len(tallies)
    for name in sorted({n for t in tallies.values() for n in t.mechanisms}):
        cells = [t.mechanisms.get(name, (0, 0)) for t in tallies.values()]
        yield "| %s | %s |" % (name, " | ".join("%g | %g" % (round(right, 1), round(total, 1)) for right, total in cells))


def sums(tallies, key):
    """{key(server, client, pair): [right, weight, sessions, not said inside TLS]} of all parts."""
    found = {}
    for tally in tallies.values():
        for name, counts in tally.pairs.items():
            slot = found.setdefault(key(*name), [0, 0, 0, 0])
            slot[:] = [a + b for a, b in zip(slot, counts)]
    return found


def each(tallies, what, key):
    yield "| %s | sessions | mechanism right | left open inside TLS |" % what
    yield "| --- | ---: | ---: | ---: |"
    for name, (right, total, count, left) in sorted(sums(tallies, key).items()):
        yield "| %s | %d | %s | %d |" % (name, count, percent(right, total), left)


def pairs(tally):
    yield "| server | client | sessions | mechanism right | left open inside TLS |"
    yield "| --- | --- | ---: | ---: | ---: |"
    for (server, client, seen), (right, total, count, left) in sorted(tally.pairs.items()):
        if seen == "unseen":
            yield "| %s | %s | %d | %s | %d |" % (server, client, count, percent(right, total), left)


def calibration(tally, wilson):
    yield "| band | said | right | 95 % interval | weight |"
    yield "| --- | ---: | ---: | --- | ---: |"
    for (low, high), (count, right, said) in tally.bands.items():
        if count:
            yield "| %.1f to %.1f | %.3f | %.3f | %.3f to %.3f | %d |" % (
                (low, min(high, 1.0), said / count, right / count) + wilson(right, count) + (count,)
            )


def reason(reasons, entry, doc):
    """Why it went wrong: what was found out by hand (reasons.json), else the frames that the verdict named."""
    for one in reasons:
        if re.search(one["capture"], entry["file"]):
            return one["reason"]
    shown = [
        "%s (frame %s)" % (e.get("says"), e.get("frame", "-")) for e in ((doc or {}).get("imapwhy") or {}).get("evidence") or [] if e.get("says")
    ]
    return "its evidence: " + "; ".join(shown[:3]) if shown else "-"


def wrong(tally, reasons):
    yield "| capture | what happened | wrong | said | by rule | what the packets show |"
    yield "| --- | --- | --- | --- | --- | --- |"
    rows = {}
    for entry, want, doc, fields in sorted(tally.wrong, key=lambda w: w[0]["file"]):
        verdict = ((doc or {}).get("imapwhy") or {}).get("verdict") or {}
        told = "; ".join("%s: %s, not %s" % (f, (want or {}).get(f, "none"), verdict.get(f, "(not reported)")) for f in fields)
        cells = (
            entry["file"],
            (want or {}).get("why") or "no session is labelled here",
            told,
            ((doc or {}).get("message") or "not reported")[:160],
            ((doc or {}).get("rule") or {}).get("id", "-"),
            reason(reasons, entry, doc),
        )
        rows.setdefault(cells[:5], [0, cells[5]])[0] += 1
    for cells, (count, why) in rows.items():
        line = [cells[0] + (" (%d times)" % count if count > 1 else ""), *cells[1:], why]
        yield "| %s |" % " | ".join(str(c).replace("|", "/").replace("\n", " ") for c in line)


def write(path, tallies, fields, wilson):
    with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "reasons.json"), encoding="utf-8") as text:
        reasons = json.load(text)
    unseen, seen = (sums(tallies, lambda s, c, pair: pair).get(p, [0, 0, 0, 0]) for p in ("unseen", "seen"))
    text = [
        "# How often it is right",
        "",
        "Made by `make lab` (real servers, clients and faults, see tests/lab/README.md) and `make accuracy`; not "
        "edited by hand. Many like sessions of one capture weigh at most 3.",
        "Rules are to be tuned on the part `tune` alone; `score` is only ever scored.",
        "",
        "## In all",
        "",
        *summary(tallies, fields),
        "",
        "Mechanism right on pairs of server and client of which none is in the tuning part: %s; on the others: %s."
        % (percent(*unseen[:2]), percent(*seen[:2])),
    ]
    for part, tally in tallies.items():
        text += [
            "",
            "## Classes: labelled and said (%s)" % part,
            "",
            *confusion(tally),
            "",
            "## Confidence (%s)" % part,
            "",
            *calibration(tally, wilson),
        ]
    for title, rows in [
        ("Mechanisms", mechanisms(tallies)),
        ("Servers", each(tallies, "server", lambda s, c, p: s)),
        ("Clients", each(tallies, "client", lambda s, c, p: c)),
        ("Pairs of which none was in the tuning part", pairs(tallies[next(iter(tallies))])),
    ] + [("Every wrong session (%s)" % p, wrong(t, reasons)) for p, t in tallies.items()]:
        text += ["", "## " + title, "", *rows]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(text) + "\n")
