#!/usr/bin/env python3
"""Every sample's report says what its expected.json says, and every document holds to the schema."""
import json
import os
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SAMPLES = os.path.join(TOP, "samples")
FIELDS = ("outcome", "class", "mechanism", "stage", "culprit", "cause")


def capture_of(case):
    folder = os.path.join(SAMPLES, case)
    return [os.path.join(folder, f) for f in sorted(os.listdir(folder)) if f.startswith("capture.")][0]


def documents(capture):
    done = subprocess.run([os.path.join(TOP, "imapwhy"), "-o", "json", capture], stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 0, done.stderr.decode()
    return [json.loads(line) for line in done.stdout.decode().splitlines()]


def short(doc):
    verdict = doc["imapwhy"]["verdict"]
    return [doc["source"]["ip"], doc["source"]["port"], doc["destination"]["ip"], doc["destination"]["port"]] + [verdict[f] for f in FIELDS]


class Samples(unittest.TestCase):
    def test_schema_is_there(self):
        json.load(open(os.path.join(TOP, "docs", "report.schema.json")))


def make(case):
    def test(self):
        import jsonschema
        schema = json.load(open(os.path.join(TOP, "docs", "report.schema.json")))
        docs = documents(capture_of(case))
        validator = jsonschema.Draft202012Validator(schema)
        for doc in docs:
            validator.validate(doc)
            self.assertLessEqual(len(json.dumps(doc, ensure_ascii=False).encode()), 8000)
        revised = {d["imapwhy"].get("revises") for d in docs}
        got = sorted((short(d) for d in docs if d["event"]["dataset"] == "imapwhy.session" and d["event"]["id"] not in revised), key=str)
        want = sorted(json.load(open(os.path.join(SAMPLES, case, "expected.json"))), key=str)
        self.assertEqual(got, want)
    return test


for name in sorted(os.listdir(SAMPLES)):
    if os.path.isdir(os.path.join(SAMPLES, name)):
        setattr(Samples, "test_" + name, make(name))

if __name__ == "__main__":
    unittest.main()
