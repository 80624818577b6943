"""Drives a program that wants a terminal: terminal.py KEYS.json PROGRAM ARGUMENT...

KEYS is [[TEXT or null, seconds, KEYS]]: waits until the screen has shown TEXT since the last keys (null: just so many seconds), at the
longest so many seconds, then types KEYS. At the end it waits 3 s for the program to end, then hangs up.
"""
import json
import os
import pty
import re
import select
import signal
import struct
import sys
import termios
import time
import fcntl

with open(sys.argv[1]) as text:
    plan = json.load(text)
pid, screen = pty.fork()
if not pid:
    os.execvp(sys.argv[2], sys.argv[2:])
fcntl.ioctl(screen, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 100, 0, 0))


def show(seconds, want):
    """Reads the screen; True when `want` was shown, False when the time is over, None when the program has ended."""
    shown, end = "", time.monotonic() + seconds
    while time.monotonic() < end:
        if not select.select([screen], [], [], 0.1)[0]:
            continue
        try:
            more = os.read(screen, 4096)
        except OSError:
            return None
        if not more:
            return None
        shown += re.sub(r"\x1b[\[(][0-9;?]*[A-Za-z]", " ", more.decode("utf-8", "replace"))
        if want and want.lower() in shown.lower():
            print(shown)
            return True
    print(shown)
    return False


for want, seconds, keys in plan:
    if show(seconds, want) is None:
        break
    os.write(screen, keys.encode())
show(3, None)
done, status = os.waitpid(pid, os.WNOHANG)
if not done:
    os.kill(pid, signal.SIGHUP)
    time.sleep(0.3)
    os.kill(pid, signal.SIGKILL)
    done, status = os.waitpid(pid, 0)
sys.exit(os.waitstatus_to_exitcode(status) & 127)
