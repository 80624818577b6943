#!/usr/bin/env python3
"""Every sample's report says what its expected.json says (`make samples-accept` rewrites them), and every document holds to the schema."""
import json
import os
import unittest

import jsonschema

from common import SAMPLES, TOP, all_told, capture_of, expected_path, keys_of, run, sample_names

DOCUMENT_MOST = 8000


class Samples(unittest.TestCase):
    maxDiff = None

    @classmethod
    def setUpClass(cls):
        with open(os.path.join(TOP, "docs", "report.schema.json"), encoding="utf-8") as file:
            cls.validator = jsonschema.Draft202012Validator(json.load(file))

    def test_every_sample_says_how_it_was_made(self):
        for case in sample_names():
            self.assertTrue(os.path.getsize(os.path.join(SAMPLES, case, "README.md")) > 40, case)


def make(case):
    def test(self):
        done = run("-o", "json", *keys_of(case), capture_of(case))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        lines = done.stdout.splitlines()
        docs = [json.loads(line) for line in lines]
        for doc in docs:
            self.validator.validate(doc)
        self.assertLessEqual(max(map(len, lines)), DOCUMENT_MOST)
        with open(expected_path(case), encoding="utf-8") as file:
            self.assertEqual(all_told(docs), json.load(file))
    return test


for name in sample_names():
    setattr(Samples, "test_" + name, make(name))

if __name__ == "__main__":
    unittest.main()
