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
