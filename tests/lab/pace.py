"""How many runs of the lab go on at once: most of a run is waiting, so another one starts whenever the processors have time for it."""
import os
import time

CORES = os.cpu_count() or 1
LEAST = 3 * CORES  # so many, beside those that mostly wait, go on however busy the machine is
GAP = 0.6 / CORES  # seconds from one start to the next, in which what the last one costs begins to show
SPARE = 0.1  # the share of the processors' time that must have been idle
LONG = 20  # seconds of waiting that make a run a long one
SLOW = {"alpine": 25, "offlineimap": 4, "getmail": 3, "neomutt": 3}  # seconds that a client takes at its own pace


def times():
    """(idle, all) of the processors, in ticks."""
    with open("/proc/stat") as text:
        ticks = [int(cell) for cell in text.readline().split()[1:9]]
    return ticks[3] + ticks[4], sum(ticks)


class Pace:
    def __init__(self, most):
        self.most, self.begun, self.seen = most, 0.0, times()

    def room(self, running, waiting):
        """May another run start beside so many, of which so many mostly wait?"""
        if running >= self.most or time.monotonic() - self.begun < GAP:
            return False
        now = times()
        spent = now[1] - self.seen[1]
        return running - waiting < LEAST or (spent > 0 and (now[0] - self.seen[0]) / spent > SPARE)

    def started(self):
        self.begun, self.seen = time.monotonic(), times()


def sleeps(step):
    return sum(float(line.split()[1]) for line in step.get("lines", ()) if line.startswith("!sleep"))


def takes(step):
    """About how long a step's client is at work, if it is waited for."""
    if step["do"] == "wait":
        return step["seconds"]
    if step["do"] != "run" or not step["wait"]:
        return 0
    idle = step.get("idle", 4) if step["op"] == "idle" else 0
    once = SLOW.get(step["client"], 1) + idle + sleeps(step) + 3 * (step["password"] == "wrong")
    return once * step.get("loop", 1) * step.get("sessions_each", 1)


def lasts(spec):
    """About how long a run takes, in seconds: the longest are started first."""
    return max(sum(map(takes, spec["steps"])), max(map(sleeps, spec["steps"]), default=0))


class Order:
    """The runs yet to be played, longest first; long ones never fill more than half of the places, so that the processors have work meanwhile."""

    def __init__(self, specs, most):
        self.waiting = sorted(specs, key=lasts, reverse=True)
        self.long, self.share = {id(spec) for spec in specs if lasts(spec) >= LONG}, max(1, most // 2)

    def __len__(self):
        return len(self.waiting)

    def waiters(self, running):
        return sum(id(spec) in self.long for spec in running)

    def next(self, running):
        """Takes the next run out, `running` being those that go on."""
        at = 0
        if self.waiters(running) >= self.share:
            at = next((i for i, spec in enumerate(self.waiting) if id(spec) not in self.long), 0)
        return self.waiting.pop(at)
