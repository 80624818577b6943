#!/usr/bin/env python3
"""The house's order: each room includes only its own headers and those of the rooms before it; each library has its file; banned calls are absent."""
import glob
import os
import re
import unittest

from common import TOP

# The strict order; a room of the dissectors may include the others' headers of their row.
ORDER = [["analyzer/base"], ["analyzer/facts"], ["dissectors", "dissectors/imap", "dissectors/tls", "dissectors/dns"], ["analyzer/capture"],
         ["analyzer/decode"], ["analyzer/flow"], ["analyzer/session"], ["analyzer/context"], ["analyzer/infer"], ["analyzer/classify"],
         ["analyzer/report"], ["analyzer/sink"], ["analyzer"]]
LIBRARIES = {"ndpi/": ["analyzer/session/"], "json-c/": ["analyzer/report/"], "yaml.h": ["analyzer/classify/"], "pcap": ["analyzer/capture/"],
             "archive": ["analyzer/capture/"], "openssl/": ["dissectors/tls/", "analyzer/report/"]}
ONE_FILE = ("ndpi/", "json-c/", "yaml.h")
BANNED = ("strcpy strcat sprintf vsprintf gets strtok alloca atoi atol atof system popen mktemp tmpnam setjmp longjmp strncpy strncat "
          "rand srand localtime gmtime ctime asctime").split()


def sources():
    for folder in [f for row in ORDER for f in row]:
        for path in sorted(glob.glob(os.path.join(TOP, folder, "*.[ch]"))):
            with open(path, encoding="utf-8") as file:
                yield os.path.relpath(path, TOP), file.read()


def without_comments(text):
    text = re.sub(r'"(\\.|[^"\\\n])*"', '""', re.sub(r"/\*.*?\*/", "", text, flags=re.S))
    return re.sub(r"//[^\n]*", "", text)


def row_of(folder):
    return next(i for i, row in enumerate(ORDER) if folder in row)


class Layering(unittest.TestCase):
    def test_rooms_are_all_known(self):
        rooms = {os.path.dirname(os.path.relpath(p, TOP)) for p in glob.glob(os.path.join(TOP, "analyzer", "**", "*.[ch]"), recursive=True)}
        rooms |= {os.path.dirname(os.path.relpath(p, TOP)) for p in glob.glob(os.path.join(TOP, "dissectors", "**", "*.[ch]"), recursive=True)}
        self.assertEqual(rooms, {f for row in ORDER for f in row})

    def test_includes_follow_the_rooms(self):
        headers = {}
        for path, _ in sources():
            if path.endswith(".h"):
                headers.setdefault(os.path.basename(path), []).append(os.path.dirname(path))
        wrong = []
        for path, text in sources():
            for name in re.findall(r'^\s*#\s*include\s*"([^"]+)"', text, re.M):
                rooms, mine = headers.get(name, []), os.path.dirname(path)
                if rooms and mine not in rooms and min(map(row_of, rooms)) > row_of(mine):
                    wrong.append("%s includes %s of %s" % (path, name, rooms))
                if "/" in name:
                    wrong.append("%s includes by path: %s" % (path, name))
        self.assertEqual(wrong, [])

    def test_libraries_stay_in_their_rooms(self):
        users = {library: set() for library in LIBRARIES}
        for path, text in sources():
            for name in re.findall(r"^\s*#\s*include\s*<([^>]+)>", text, re.M):
                for library in LIBRARIES:
                    if name.startswith(library):
                        users[library].add(path)
        for library, rooms in LIBRARIES.items():
            self.assertEqual([p for p in users[library] if not p.startswith(tuple(rooms))], [], library)
        for library in ONE_FILE:
            self.assertLessEqual(len(users[library]), 1, (library, users[library]))

    def test_banned_calls(self):
        call = re.compile(r"(?<![\w.>])(%s)\s*\(" % "|".join(BANNED))
        found = ["%s: %s" % (path, match.group(1)) for path, text in sources() for match in call.finditer(without_comments(text))]
        self.assertEqual(found, [])

    def test_first_lines_say_what_a_file_is_for(self):
        self.assertEqual([path for path, text in sources() if not text.startswith("/* ")], [])

    def test_the_main_file_alone_prints_errors(self):
        """Rooms hand errors up; only analyzer/ itself writes to standard error, beside what is passed as a stream."""
        found = [path for path, text in sources() if os.path.dirname(path) != "analyzer" and re.search(r"\bstderr\b|\bperror\s*\(", without_comments(text))]
        self.assertEqual(found, [])


if __name__ == "__main__":
    unittest.main()
