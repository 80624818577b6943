"""Writes docs/accuracy.md from what score.py counted."""


def percent(right, total):
    return "%.1f %%" % (100 * right / total) if total else "-"


def summary(tallies, fields):
    yield "| | " + " | ".join(tallies) + " |"
    yield "| --- |" + " ---: |" * len(tallies)
    for name, of in [("sessions", lambda t: t.sessions), ("weight", lambda t: "%g" % round(t.total, 1))] + [(f, lambda t, f=f: percent(t.right[f], t.total)) for f in fields] + [
            ("healthy sessions", lambda t: "%g" % round(t.healthy, 1)), ("false alarms", lambda t: "%g" % t.false_alarms), ("failures", lambda t: "%g" % round(t.failed, 1)),
            ("failures missed", lambda t: "%g" % t.missed), ("failures called inconclusive", lambda t: "%g" % t.dodged), ("sessions not reported", lambda t: t.unreported), ("tool faults", lambda t: len(t.faults))]:
        yield "| %s | %s |" % (name, " | ".join(str(of(t)) for t in tallies.values()))


def confusion(tally):
    wanted = sorted(tally.classes)
    said = sorted({word for row in tally.classes.values() for word in row})
    yield "| labelled \\ said | " + " | ".join(said) + " | recall |"
    yield "| --- |" + " ---: |" * (len(said) + 1)
    for word in wanted:
        row = tally.classes[word]
        yield "| %s | %s | %s |" % (word, " | ".join("%g" % round(row[s], 1) if row[s] else "" for s in said), percent(row[word], sum(row.values())))
    yield "| precision | %s | |" % " | ".join(percent(tally.classes[s][s] if s in tally.classes else 0, sum(r[s] for r in tally.classes.values())) for s in said)


def mechanisms(tally):
    yield "| mechanism | right | of |"
    yield "| --- | ---: | ---: |"
    for name, (right, total) in sorted(tally.mechanisms.items()):
        yield "| %s | %g | %g |" % (name, round(right, 1), round(total, 1))


def pairs(tally):
    yield "| server | client | pair in the tuning part | sessions | mechanism right |"
    yield "| --- | --- | --- | ---: | ---: |"
    for (server, client, seen), (right, total, count) in sorted(tally.pairs.items()):
        yield "| %s | %s | %s | %d | %s |" % (server, client, "may be" if seen == "seen" else "never", count, percent(right, total))


def calibration(tally, wilson):
    yield "| band | said | right | 95 % interval | sessions |"
    yield "| --- | ---: | ---: | --- | ---: |"
    for (low, high), (count, right, said) in tally.bands.items():
        if count:
            yield "| %.1f to %.1f | %.3f | %.3f | %.3f to %.3f | %d |" % ((low, min(high, 1.0), said / count, right / count) + wilson(right, count) + (count,))


def wrong(tally):
    yield "| capture | what happened | wrong | said | by rule |"
    yield "| --- | --- | --- | --- | --- |"
    for entry, want, doc, fields in sorted(tally.wrong, key=lambda w: w[0]["file"]):
        verdict = ((doc or {}).get("imapwhy") or {}).get("verdict") or {}
        told = "; ".join("%s: %s, not %s" % (f, (want or {}).get(f, "none"), verdict.get(f, "(not reported)")) for f in fields)
        yield "| %s | %s | %s | %s | %s |" % (entry["file"], (want or {}).get("why", "no session is labelled here"), told, ((doc or {}).get("message") or "not reported").replace("|", "/")[:160], ((doc or {}).get("rule") or {}).get("id", "-"))


def write(path, tallies, fields, wilson):
    first = tallies[next(iter(tallies))]
    seen, unseen = ([v for k, v in first.pairs.items() if (k[2] == "unseen") == want] for want in (False, True))
    text = ["# How often it is right", "", "Made by `make lab` (real servers, clients and faults, see tests/lab/README.md) and `make accuracy`; not edited by hand. Many like sessions of one capture weigh at most 3.",
            "Rules are to be tuned on the part `tune` alone; the tables below the first are of the part `score`.", "", "## Both parts", "", *summary(tallies, fields), "",
            "Mechanism right on pairs of server and client of which none is in the tuning part: %s; on the others: %s." % (percent(sum(v[0] for v in unseen), sum(v[1] for v in unseen)), percent(sum(v[0] for v in seen), sum(v[1] for v in seen)))]
    for title, rows in (("Classes: labelled and said (score)", confusion(first)), ("Mechanisms (score)", mechanisms(first)), ("Confidence (score)", calibration(first, wilson)), ("Servers and clients (score)", pairs(first)), ("Every wrong session (score)", wrong(first))):
        text += ["", "## " + title, "", *rows]
    with open(path, "w", encoding="utf-8") as out:
        out.write("\n".join(text) + "\n")
