"""The wire of a set: forwards frames between two devices with delay, jitter, loss and a rate, as wire.json says.

    wire.py LEFT RIGHT CONTROL.json        (the file is read again whenever it changes)

CONTROL is {"delay": ms one way, "jitter": ms, "loss": share, "loss_up", "loss_down", "rate": kbit/s or 0, "down": true,
"big": drop IP packets longer than this ("big_up", "big_down"), "delay6": more ms for IPv6, "seed": N}.
"up" is from LEFT to RIGHT. Frames keep their order.
"""
import contextlib
import heapq
import json
import os
import random
import select
import socket
import sys
import time

ETH_P_ALL = 3


def opened(device):
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
    s.bind((device, ETH_P_ALL))
    s.setblocking(False)
    return s


class Wire:
    def __init__(self, control):
        self.control, self.seen, self.rule, self.rng = control, None, {}, random.Random(0)
        self.queue, self.order, self.last, self.busy = [], 0, [0.0, 0.0], [0.0, 0.0]
        self.load()

    def load(self):
        stamp = os.stat(self.control).st_mtime_ns
        if stamp != self.seen:
            try:
                with open(self.control) as text:
                    self.rule = json.load(text)
            except ValueError:
                return
            self.rng.seed(self.rule.get("seed", 1) if self.seen is None else self.rng.random())
            self.seen = stamp

    def take(self, frame, way, now):
        rule, passes = self.rule, frame[12:14] == b"\x08\x06"
        if not passes:
            if rule.get("down") or self.rng.random() < rule.get("loss_down" if way else "loss_up", rule.get("loss", 0)):
                return
            big = rule.get("big_down" if way else "big_up", rule.get("big"))
            if big and len(frame) - 14 > big:
                return
        slower = rule.get("delay6", 0) if frame[12:14] == b"\x86\xdd" else 0
        due = now + (slower + rule.get("delay", 0) + rule.get("jitter", 0) * self.rng.random()) / 1000
        if rule.get("rate"):
            self.busy[way] = max(self.busy[way], now) + len(frame) * 8 / (rule["rate"] * 1000)
            due = max(due, self.busy[way] + rule.get("delay", 0) / 1000)
        due = self.last[way] = max(due, self.last[way])
        self.order += 1
        heapq.heappush(self.queue, (due, self.order, way, frame))

    def run(self, ends):
        while True:
            now = time.monotonic()
            while self.queue and self.queue[0][0] <= now:
                _, _, way, frame = heapq.heappop(self.queue)
                try:
                    ends[1 - way].send(frame)
                except OSError:
                    pass
            wait = min(0.25, max(0.0, self.queue[0][0] - now)) if self.queue else 0.25
            ready, _, _ = select.select(ends, [], [], wait)
            self.load()
            for way, end in enumerate(ends):
                while end in ready:
                    try:
                        frame, address = end.recvfrom(70000)
                    except BlockingIOError:
                        break
                    if address[2] != socket.PACKET_OUTGOING:
                        self.take(frame, way, time.monotonic())


if __name__ == "__main__":
    with contextlib.suppress(PermissionError):
        os.nice(-10)  # a busy machine must not look like a slow path
    Wire(sys.argv[3]).run([opened(sys.argv[1]), opened(sys.argv[2])])
