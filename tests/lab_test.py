"""The lab's definitions hold together: every run's words are known, its names are its own, its label is in the vocabulary."""
import os
import random
import sys
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, ROOT + "/tests/lab")
import check      # noqa: E402
import clients    # noqa: E402
import net        # noqa: E402
import run        # noqa: E402
import scene      # noqa: E402
import servers    # noqa: E402


def labels_in(step):
    labels = step.get("labels") or []
    found = [label for _, label in labels] if isinstance(labels, list) else [labels]
    return found + ([step["lookup"][1]] if step.get("lookup") else [])


class Lab(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.runs, cls.class_of = run.expanded(1), run.classes_by_mechanism()

    def test_names_are_file_names(self):
        for spec in self.runs:
            self.assertRegex(spec["file"], r"^[\w.+-]+$")

    def test_words_are_known(self):
        for spec in self.runs:
            for kind in (spec["server"], spec["server2"]):
                self.assertIn(kind, [None, *servers.KINDS], spec["file"])
            for step in spec["steps"]:
                self.assertTrue(hasattr(scene.Scene, "do_" + step["do"]), step)
                self.assertIn(step.get("client", "curl"), clients.KINDS)

    def test_labels_are_in_the_vocabulary(self):
        for spec in self.runs:
            for label in (l for step in spec["steps"] for l in labels_in(step)):
                for mechanism in [label["mechanism"], *label["also_ok"].get("mechanism", [])]:
                    self.assertIn(mechanism, self.class_of, spec["file"])
                self.assertIn(label["outcome"], ("healthy", "failed", "degraded", "inconclusive"))
                self.assertEqual(label["outcome"] == "healthy", label["culprit"] is None, spec["file"])

    def test_every_label_of_a_connection_is_checked(self):
        for spec in self.runs:
            for step in spec["steps"]:
                if isinstance(step.get("labels"), dict):
                    self.assertTrue(step["check"], "%s labels without a check" % spec["file"])

    def test_checks_are_expressions(self):
        connection = check.Connection(("10.0.0.1", 40000), ("192.0.2.1", 993))
        connection.first = connection.last = 0.0
        about = {"dns": [], "log": "", "status": 0, "output": "", "count": 1, "net": None}
        for text in {step["check"] for spec in self.runs for step in spec["steps"] if step.get("check")}:
            self.assertIn(check.true(text, connection, about), (True, False))

    def test_a_seed_gives_the_same_runs_and_addresses(self):
        again = run.expanded(1)
        self.assertEqual([(s["file"], s["seed"], s["part"]) for s in self.runs], [(s["file"], s["seed"], s["part"]) for s in again])
        self.assertEqual(vars(net.Addresses(random.Random(5))), vars(net.Addresses(random.Random(5))))

    def test_unseen_pairs_are_never_tuned_on(self):
        tuned = {(s["server"], c) for s in self.runs if s["part"] == "tune" for c in s["clients"]}
        scored = {(s["server"], c) for s in self.runs for c in s["clients"] if run.digest("pair", s["server"], c) % 5 == 0}
        self.assertTrue(scored)
        self.assertFalse(tuned & scored)


if __name__ == "__main__":
    unittest.main()
