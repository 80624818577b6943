"""For tests: where things are, and running the program."""
import glob
import json
import os
import subprocess

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLES = os.path.join(TOP, "samples")
SHARED = os.environ.get("IMAPWHY_SHARED", os.path.join(TOP, "..", "shared"))
CAPTURES = os.path.join(SHARED, "captures")
TOOL = os.path.join(TOP, "imapwhy")
SANITIZED = os.path.join(TOP, "build", "sanitized")


def sample_names():
    return sorted(n for n in os.listdir(SAMPLES) if os.path.isdir(os.path.join(SAMPLES, n)))


def capture_of(case):
    return sorted(glob.glob(os.path.join(SAMPLES, case, "capture.*")))[0]


def keys_of(case):
    """The options that hand over the key log beside a sample's capture, where it has one."""
    log = os.path.join(SAMPLES, case, "keys.log")
    return ["--keylog", log] if os.path.exists(log) else []


def run(*arguments, tool=TOOL, stdin=None, timeout=120, env=None):
    """The finished process; its output is bytes."""
    return subprocess.run([tool] + list(arguments), input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=timeout,
                          env=dict(os.environ, IMAPWHY_RULES=os.path.join(TOP, "rules"), **(env or {})), cwd=TOP)


def documents(*arguments, **how):
    """The JSON documents of a run that must end well."""
    done = run("-o", "json", *arguments, **how)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def sessions(docs):
    """The session documents that no later one corrects."""
    revised = {d["imapwhy"].get("revises") for d in docs}
    return [d for d in docs if d["event"]["dataset"] == "imapwhy.session" and d["event"]["id"] not in revised]


FIELDS = ("outcome", "class", "mechanism", "stage", "culprit", "cause")


def told(doc, frames=True):
    """What a sample's expected.json holds of a session document: who, the verdict, the rule and what shows it."""
    own, ends = doc["imapwhy"], ["%s:%d" % (doc[k]["ip"], doc[k]["port"]) for k in ("source", "destination")]
    shown = [[e["kind"], e["frame"], e["fact"]] if frames else [e["kind"], e["fact"]] for e in own.get("evidence", [])]
    return {"session": " > ".join(ends), "verdict": [own["verdict"][f] for f in FIELDS], "rule": doc["rule"]["id"],
            "detail": own["verdict"].get("detail"), "evidence": shown if frames else sorted(shown)}


def all_told(docs, frames=True):
    return sorted((told(d, frames) for d in sessions(docs)), key=lambda t: json.dumps(t, sort_keys=True))


def expected_path(case):
    return os.path.join(SAMPLES, case, "expected.json")


def written(expected):
    """An entry a line of what can change, so that a change is read at a glance."""
    def entry(e):
        lines = ["  %s: %s" % (json.dumps(k), json.dumps(e[k], ensure_ascii=False)) for k in ("session", "verdict", "rule", "detail")]
        shown = ",\n".join("    " + json.dumps(x) for x in e["evidence"])
        return " {\n%s,\n  \"evidence\": [%s]\n }" % (",\n".join(lines), "\n%s\n  " % shown if shown else "")
    return "[\n%s\n]\n" % ",\n".join(map(entry, expected))
