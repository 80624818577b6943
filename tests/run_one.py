#!/usr/bin/env python3
"""Runs one file of Python tests: prints what failed, what was skipped and why, and last COUNT PASSED FAILED SKIPPED. A test counts once, however many parts of it fail."""
import importlib.util
import os
import sys
import unittest


class Counting(unittest.TextTestResult):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.wrong, self.left_out = set(), set()

    def note(self, test):
        self.wrong.add(getattr(test, "test_case", test).id())

    def addFailure(self, test, err):
        super().addFailure(test, err)
        self.note(test)

    def addError(self, test, err):
        super().addError(test, err)
        self.note(test)

    def addSubTest(self, test, subtest, err):
        super().addSubTest(test, subtest, err)
        if err:
            self.note(test)

    def addSkip(self, test, reason):
        super().addSkip(test, reason)
        self.left_out.add(test.id())
        print("SKIPPED %s: %s" % (test.id(), reason))


def main(path):
    sys.path.insert(0, os.path.dirname(os.path.abspath(path)))
    spec = importlib.util.spec_from_file_location(os.path.basename(path)[:-3], path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    spec.loader.exec_module(module)
    suite = unittest.defaultTestLoader.loadTestsFromModule(module)
    count = suite.countTestCases()
    result = unittest.TextTestRunner(stream=sys.stdout, resultclass=Counting).run(suite)
    skipped = len(result.left_out - result.wrong)
    not_run = count - result.testsRun if result.wrong else 0  # a class or module that could not be set up
    print("COUNT %d %d %d" % (count - not_run - len([w for w in result.wrong if "(" not in w]) - skipped, len(result.wrong), skipped))
    return 1 if result.wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
