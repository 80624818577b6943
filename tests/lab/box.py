"""A middlebox on the gateway: takes redirected connections upon itself and speaks to the server in the client's stead.

    box.py BOX.json PORT

BOX is {"mode": "intercept" (TLS on both sides, with "cert" and "key" towards the client) | "mask" (STARTTLS becomes XXXXXXXA in
what the server says) | "strip" (STARTTLS is taken out of it) | "command" (the client's STARTTLS becomes XXXXXXXX)}.
"""
import json
import socket
import ssl
import struct
import sys
import threading

ORIGINAL_DESTINATION = 80     # SO_ORIGINAL_DST, netfilter


def server_of(conn):
    raw = conn.getsockopt(socket.SOL_IP, ORIGINAL_DESTINATION, 16)
    port, address = struct.unpack("!2xH4s8x", raw)
    return socket.inet_ntoa(address), port


def altered(mode, from_server, data):
    if mode == "mask" and from_server:
        return data.replace(b"STARTTLS", b"XXXXXXXA")
    if mode == "strip" and from_server:
        return data.replace(b" STARTTLS", b"")
    if mode == "command" and not from_server:
        return data.replace(b"STARTTLS", b"XXXXXXXX").replace(b"starttls", b"XXXXXXXX")
    return data


def carry(source, target, mode, from_server):
    try:
        while True:
            data = source.recv(16384)
            if not data:
                break
            target.sendall(altered(mode, from_server, data))
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


def serve(conn, box):
    try:
        upstream = socket.create_connection(server_of(conn), timeout=10)
        if box["mode"] == "intercept":
            upstream = ssl._create_unverified_context().wrap_socket(upstream)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(box["cert"], box["key"])
            if box.get("max"):
                context.maximum_version = getattr(ssl.TLSVersion, "TLSv" + box["max"].replace(".", "_"))
            conn = context.wrap_socket(conn, server_side=True)
    except OSError:
        conn.close()
        return
    back = threading.Thread(target=carry, args=(upstream, conn, box["mode"], True), daemon=True)
    back.start()
    carry(conn, upstream, box["mode"], False)
    back.join()
    conn.close()
    upstream.close()


def main():
    with open(sys.argv[1]) as text:
        box = json.load(text)
    listener = socket.create_server(("0.0.0.0", int(sys.argv[2])), backlog=64)
    while True:
        conn, _ = listener.accept()
        threading.Thread(target=serve, args=(conn, box), daemon=True).start()


if __name__ == "__main__":
    main()
