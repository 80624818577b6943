"""Who may log in: one small process that answers Cyrus (saslauthd), Courier (authdaemond) and nginx (auth_http).

    backend.py USERS.json SASLAUTHD_SOCKET AUTHDAEMON_SOCKET HTTP_PORT

USERS is {"users": {NAME: {"password", "home", "uid", "gid"}}, "slow": seconds before any answer, "slow_no": more seconds
before a refusal, "fault": null | "fail" (temporary failure) | "silent"}; it is read again at every question.
"""
import json
import os
import socket
import struct
import sys
import threading
import time
import urllib.parse


def decide(path, user, password):
    """The user's record, None for a refusal, False for a temporary failure."""
    with open(path) as text:
        know = json.load(text)
    time.sleep(know.get("slow", 0))
    if know.get("fault") == "silent":
        time.sleep(3600)
    if know.get("fault") == "fail":
        return False
    record = know["users"].get(user)
    if record and record["password"] == password:
        return record
    time.sleep(know.get("slow_no", 0))
    return None


def exactly(conn, n):
    data = b""
    while len(data) < n:
        more = conn.recv(n - len(data))
        if not more:
            raise EOFError
        data += more
    return data


def saslauthd(conn, path):
    words = []
    for _ in range(4):
        words.append(exactly(conn, struct.unpack("!H", exactly(conn, 2))[0]).decode())
    record = decide(path, words[0] + ("@" + words[3] if words[3] and "@" not in words[0] else ""), words[1]) or (
        words[3] and decide(path, words[0], words[1])
    )
    text = b"OK" if record else b"NO auth failure"
    conn.sendall(struct.pack("!H", len(text)) + text)


def authdaemon(conn, path):
    reader = conn.makefile("rb")
    head = reader.readline().decode().split()
    while head and head[0].startswith("TCPREMOTE"):
        head = reader.readline().decode().split()
    if not head or head[0] != "AUTH":
        conn.sendall(b"FAIL\n")
        return
    words = reader.read(int(head[1])).decode().split("\n")
    record = decide(path, words[2], words[3]) if words[1] == "login" else None
    if record is False:
        return
    if record is None:
        conn.sendall(b"FAIL\n")
        return
    conn.sendall(("UID=%d\nGID=%d\nHOME=%s\nADDRESS=%s\n.\n" % (record["uid"], record["gid"], record["home"], words[2])).encode())


def auth_http(conn, path):
    head = {}
    for line in conn.makefile("rb"):
        line = line.decode().strip()
        if not line:
            break
        name, _, value = line.partition(":")
        head[name.lower()] = value.strip()
    user, password = (urllib.parse.unquote(head.get(k, "")) for k in ("auth-user", "auth-pass"))
    record = decide(path, user, password)
    if record:
        text = "Auth-Status: OK\r\nAuth-Server: 127.0.0.1\r\nAuth-Port: 10143\r\n"
    elif record is None:
        text = "Auth-Status: Invalid login or password\r\nAuth-Wait: 2\r\n"
    else:
        text = "Auth-Status: Temporary server problem, try again later\r\n"
    conn.sendall(("HTTP/1.0 200 OK\r\n%s\r\n" % text).encode())


def answered(work, conn, path):
    try:
        with conn:
            work(conn, path)
    except (EOFError, OSError, ValueError, IndexError, KeyError) as error:
        print(work.__name__, repr(error), flush=True)


def serve(listener, work, path):
    listener.listen(64)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=answered, args=(work, conn, path), daemon=True).start()


def unix(path):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    if os.path.exists(path):
        os.unlink(path)
    s = socket.socket(socket.AF_UNIX)
    s.bind(path)
    os.chmod(path, 0o777)
    return s


def main():
    users, sasl, courier, port = sys.argv[1:]
    http = socket.socket()
    http.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    http.bind(("127.0.0.1", int(port)))
    for listener, work in ((unix(sasl), saslauthd), (unix(courier), authdaemon)):
        threading.Thread(target=serve, args=(listener, work, users), daemon=True).start()
    serve(http, auth_http, users)


if __name__ == "__main__":
    main()
