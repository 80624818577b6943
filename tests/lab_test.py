"""The lab: its definitions hold together, what it makes carries the right labels, and the program is right on a small corpus of it."""
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path[:0] = [ROOT + "/tests/lab", ROOT + "/tests"]
import calibrate  # noqa: E402
import check  # noqa: E402
import clients  # noqa: E402
import derive  # noqa: E402
import net  # noqa: E402
import pace  # noqa: E402
import run  # noqa: E402
import scene  # noqa: E402
import servers  # noqa: E402
from packets import ACK, FIN, Capture, Tcp  # noqa: E402


def labels_in(step):
    labels = step.get("labels") or []
    found = [label for _, label in labels if label] if isinstance(labels, list) else [labels]
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

    def test_long_runs_come_first_but_leave_places(self):
        order = pace.Order(self.runs, 4)
        first = [order.next([])]
        while len(first) < 4:
            first.append(order.next(first))
        lengths = [pace.lasts(spec) for spec in first]
        self.assertEqual(lengths[0], max(map(pace.lasts, self.runs)))
        self.assertEqual([length >= pace.LONG for length in lengths], [True, True, False, False])
        rest = [order.next([]) for _ in range(len(order))]
        self.assertEqual(sorted(s["file"] for s in first + rest), sorted(s["file"] for s in self.runs))

    def test_no_more_than_so_many_at_once(self):
        tempo = pace.Pace(5)
        self.assertTrue(tempo.room(0, 0))
        self.assertFalse(tempo.room(5, 5))
        tempo.started()
        self.assertFalse(tempo.room(0, 0), "a start shows what it costs before the next")

    def test_unseen_pairs_are_never_tuned_on(self):
        tuned = {(s["server"], c) for s in self.runs if s["part"] == "tune" for c in s["clients"]}
        scored = {(s["server"], c) for s in self.runs for c in s["clients"] if run.digest("pair", s["server"], c) % 5 == 0}
        self.assertTrue(scored)
        self.assertFalse(tuned & scored)

    def test_every_mechanism_has_two_captures(self):
        made = [l["mechanism"] for spec in self.runs for step in spec["steps"] for l in labels_in(step)]
        made += [l["mechanism"] for spec in self.runs for _, _, choices in spec["derive"] for _, l in choices or []]
        self.assertEqual([m for m in self.class_of if made.count(m) < 2], [])

    def test_healthy_runs_are_at_least_half_of_what_is_expected(self):
        count = {True: 0, False: 0}
        for spec in self.runs:
            for step in spec["steps"]:
                for l in labels_in(step)[:1]:
                    count[l["outcome"] == "healthy"] += step.get("loop", 1) * step.get("sessions_each", 1)
        self.assertGreaterEqual(count[True], 3000)
        self.assertGreaterEqual(count[True], count[False])


class Checks(unittest.TestCase):
    """What is read from captures before a label is believed."""

    def setUp(self):
        self.tmp = tempfile.mkdtemp(prefix="iwlabtest")
        self.addCleanup(shutil.rmtree, self.tmp)

    def written(self, capture):
        capture.save(self.tmp + "/c.pcap")
        return self.tmp + "/c.pcap"

    @unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
    def test_a_port_used_again_is_another_connection(self):
        c = Capture()
        for start, line in ((10, "a NO first"), (40, "a OK second")):
            t = Tcp(c, "192.0.2.10", "198.51.100.7")
            t.seq = [start * 1000000, start * 7000000]
            t.open(start).client(start + 0.2, "a LOGIN user secret\r\n").server(start + 0.3, line + "\r\n")
            t.send(start + 0.4, 0, FIN | ACK).send(start + 0.5, 1, FIN | ACK).send(start + 0.6, 0, ACK)
        connections, _ = check.read(self.written(c), None, [143, 993])
        self.assertEqual([(k.client_port, k.auth) for k in connections], [(40000, "no"), (40000, "ok")])

    def test_derivations_leave_out_what_they_say(self):
        c = Capture()
        t = Tcp(c, "192.0.2.10", "198.51.100.7").open(10)
        t.client(10.2, "a LOGIN user secret\r\n").server(10.3, "a NO no\r\n")
        path, target = ethernet(self.written(c)), self.tmp + "/d.pcap"
        whole = len(derive.read(path)[1])
        for act, left in ((("only", "client"), "client"), (("only", "server"), "server")):
            self.assertEqual(derive.made(path, target, act, [143], 1), {40000, 143})
            self.assertEqual({derive.Seen(f[1], [143]).side for f in derive.read(target)[1]}, {left})
        derive.made(path, target, ("lose", " NO "), [143], 1)
        self.assertEqual(len(derive.read(target)[1]), whole - 1)
        derive.made(path, target, ("syns", 1), [143], 1)
        self.assertEqual(len(derive.read(target)[1]), 1)
        derive.made(path, target, ("snap", 60), [143], 1)
        self.assertEqual({len(f[1]) <= 60 for f in derive.read(target)[1]}, {True})


def ethernet(path):
    """The same capture with Ethernet heads: what the lab's own captures have."""
    head, frames = derive.read(path)
    derive.write(path, head[:20] + b"\1\0\0\0", [(at, bytes(12) + b"\x08\x00" + f, n + 14, stamp) for at, f, n, stamp in frames])
    return path


class Calibration(unittest.TestCase):
    """What a rule earns, of what its author believed and what it and the others like it decided."""
    BELIEVED = {"often": 0.95, "seldom": 0.95, "never": 0.93, "weak": 0.5, "poor": 0.6}
    FOUND = {"often": [200, 198], "seldom": [2, 2], "weak": [10, 1]}

    def earned(self, rule, found=None):
        return calibrate.earned(rule, self.BELIEVED, found or self.FOUND)

    def test_many_sessions_speak_for_themselves(self):
        self.assertAlmostEqual(self.earned("often"), (198 + 4 * 0.95) / 204, places=3)  # the others are too few to tell

    def test_few_lean_on_what_others_like_it_earned(self):
        others = 0.99 * 19.8 / 21  # the one other of that band counts as 20 sessions
        self.assertAlmostEqual(self.earned("seldom"), (2 + 4 * others) / 6, places=3)
        self.assertLess(self.earned("seldom", {"often": [200, 180], "seldom": [2, 2]}), self.earned("seldom"))

    def test_who_decided_nothing_stands_between_belief_and_experience(self):
        others = 0.99 * (19.8 + 2) / 23
        self.assertAlmostEqual(self.earned("never"), (0.93 + others) / 2, places=3)

    def test_weak_rules_are_each_of_their_own_kind(self):
        self.assertAlmostEqual(self.earned("weak"), (1 + 4 * 0.5) / 14, places=3)
        self.assertEqual(self.earned("poor"), 0.6)

    def test_nothing_is_certain(self):
        self.assertEqual(self.earned("often", {"often": [9000, 9000], "seldom": [900, 900]}), calibrate.MOST)

    def test_beliefs_are_of_rules_that_stand(self):
        with open(calibrate.BELIEVED, encoding="utf-8") as file:
            believed = json.load(file)
        rules = {calibrate.stands(t)[0] for _, texts in calibrate.rules_in(ROOT + "/rules") for t in texts if calibrate.stands(t)}
        self.assertLessEqual(set(believed), rules)


class Quick(unittest.TestCase):
    """The fast subset, from end to end: played, labelled, scored."""

    @unittest.skipUnless(os.geteuid() == 0, "the lab makes network namespaces and needs root")
    @unittest.skipUnless(
        all(map(shutil.which, ("tshark", "tcpdump", "ip", "iptables", "ethtool", "openssl", "cc"))),
        "a tool of the lab is not installed: sh tests/setup.sh lab",
    )
    def test_the_fast_subset_is_made_labelled_and_scored(self):
        with tempfile.TemporaryDirectory(prefix="iwlabtest") as out:
            made = subprocess.run(
                [sys.executable, ROOT + "/tests/lab/run.py", "--quick", "--out", out], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
            )
            self.assertEqual(made.returncode, 0, made.stdout[-2000:])
            with open(out + "/labels.json") as text:
                labels = json.load(text)
            dropped = [line for line in made.stdout.splitlines() if line.startswith("dropped ")]
            self.assertLessEqual(len(dropped), 2, made.stdout[-3000:])
            self.assertGreaterEqual(len(labels), 20)
            scored = subprocess.run(
                [
                    sys.executable,
                    ROOT + "/tests/lab/score.py",
                    "--tool",
                    ROOT + "/imapwhy",
                    "--labels",
                    out + "/labels.json",
                    "--show",
                    "wrong",
                    "--min-class",
                    "0.9",
                    "--max-false-alarms",
                    "0",
                ],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.assertEqual(scored.returncode, 0, scored.stdout[-3000:])
            told = subprocess.run(
                [sys.executable, ROOT + "/tests/lab/score_incidents.py", "--tool", ROOT + "/imapwhy", "--labels", out + "/incidents.json"],
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
            self.assertEqual(told.returncode, 0, told.stdout[-3000:])


if __name__ == "__main__":
    unittest.main()
