#!/usr/bin/env python3
"""What the documentation names exists: linked files, options in examples, counters and fields in the tables."""
import glob
import json
import os
import re
import subprocess
import unittest

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
PAGES = [os.path.join(TOP, "README.md")] + sorted(glob.glob(os.path.join(TOP, "docs", "*.md")))


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def resolve(schema, node):
    while "$ref" in node:
        node = schema["$defs"][node["$ref"].rsplit("/", 1)[1]]
    return node


def has_field(schema, dotted):
    """Does a document of the schema, of any dataset, have room for this field?"""
    node, parts = schema, dotted.split(".")
    if parts[0] == "imapwhy":
        if parts[1] in ("stats", "attempts", "incident"):
            node, parts = schema["$defs"][parts[1]], parts[2:]
        else:
            node, parts = schema["$defs"]["session"], parts[1:]
    for part in parts:
        node = resolve(schema, node)
        if node.get("type") == "array":
            node = resolve(schema, node["items"])
        if part not in node.get("properties", {}):
            return False
        node = node["properties"][part]
    return True


class Docs(unittest.TestCase):
    def test_links(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)#]+)\)", read(page)):
                if not target.startswith("http"):
                    self.assertTrue(os.path.exists(os.path.join(os.path.dirname(page), target)), "%s: %s" % (page, target))

    def test_options(self):
        known = set(re.findall(r'\{ "([a-z-]+)", (?:required|no)_argument', read(os.path.join(TOP, "analyzer", "options.c"))))
        for page in PAGES:
            for line in read(page).splitlines():
                if re.search(r"\bimapwhy\b.* -", line):
                    part = line[line.index("imapwhy"):].split("|")[0].split(":")[0]
                    self.assertLessEqual(set(re.findall(r"(?<=\s)--([a-z-]+)", part)), known, "%s: %s" % (page, line))

    def test_files_named(self):
        for page in PAGES:
            for name in re.findall(r"`([a-z_/]+\.(?:[ch]|def|py|mk))`", read(page)):
                self.assertTrue(glob.glob(os.path.join(TOP, "**", name), recursive=True), "%s: %s" % (page, name))

    def test_manual_has_every_variable(self):
        manual = read(os.path.join(TOP, "docs", "imapwhy.1"))
        for path in glob.glob(os.path.join(TOP, "analyzer", "**", "*.c"), recursive=True):
            for name in re.findall(r'getenv\("(\w+)"\)', read(path)):
                self.assertIn(".It Ev " + name, manual)

    def test_counters(self):
        schema = json.loads(read(os.path.join(TOP, "docs", "report.schema.json")))
        table = read(os.path.join(TOP, "docs", "operating.md")).split("## What the counters mean")[1].split("\n## ")[0]
        rows = re.findall(r"^\| (`[^|]+) \|", table, re.M)
        self.assertGreater(len(rows), 12)
        for row in rows:
            names = re.findall(r"`([a-z_.]+)`", row)
            for name in names:
                name = names[0].rsplit(".", 1)[0] + name if name.startswith(".") else name
                if name != "imapwhy.stats.":
                    self.assertTrue(has_field(schema, "imapwhy.stats." + name), name)

    def test_fields(self):
        schema = json.loads(read(os.path.join(TOP, "docs", "report.schema.json")))
        table = read(os.path.join(TOP, "docs", "siem.md")).split("## The fields people search for")[1].split("\n## ")[0]
        checked = 0
        for row in re.findall(r"^\| (`[^|]+) \|", table, re.M):
            names = re.findall(r"`([A-Za-z_.@]+)`", row)
            for name in names:
                name = names[0].rsplit(".", 1)[0] + name if name.startswith(".") else name
                self.assertTrue(has_field(schema, name), name)
                checked += 1
        self.assertGreater(checked, 15)

    def test_facts_page_is_the_programs(self):
        made = subprocess.run([os.path.join(TOP, "imapwhy"), "facts"], stdout=subprocess.PIPE, check=True).stdout.decode()
        self.assertEqual(made, read(os.path.join(TOP, "docs", "facts.md")))


if __name__ == "__main__":
    unittest.main()
