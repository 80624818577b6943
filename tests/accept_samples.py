#!/usr/bin/env python3
"""Rewrites the expected.json of all samples (or those named) as the program reports them now. To be read with `git diff` before it is committed."""
import os
import sys

from common import all_told, capture_of, documents, expected_path, keys_of, sample_names, written


def main(names):
    changed = 0
    for case in names or sample_names():
        new, path = written(all_told(documents(*keys_of(case), capture_of(case)))), expected_path(case)
        old = open(path, encoding="utf-8").read() if os.path.exists(path) else ""
        if new != old:
            changed += 1
            print("changed:", os.path.relpath(path))
            with open(path, "w", encoding="utf-8") as file:
                file.write(new)
    print("%d of %d rewritten; read them with git diff" % (changed, len(names or sample_names())))


if __name__ == "__main__":
    main(sys.argv[1:])
