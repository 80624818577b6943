"""What the packets of a capture show, read by tshark (never by the program under test), one record for each connection.

A scenario's checks are expressions over these names:
  client_ip client_port server_ip server_port first last (epoch) duration · syns synacks rst_client rst_server fin_client fin_server (counts)
  rst_ttl server_ttl (lists) · data_client data_server (payload bytes) · retrans_client retrans_server · established (the client's ACK came)
  silence (longest time without a packet) · zero_window · icmp (list of "TYPE/CODE" that quote this connection)
  hellos (ClientHellos) server_hello tls ("1.2", "1.3" or "") alerts ([(side, number)], in clear or with the key log)
  answers ([(COMMAND, STATUS)] with the key log) auth ("none", "ok", "no", "no+ok") worst_ok (seconds that the slowest OK took)
  ended_ok (the last answer but LOGOUT's is OK) said (all the server's IMAP lines) asked (the client's)
and, for the whole run: dns ([(name, type, code or None when not answered)]), log (the server's), status and output of the step's client.
"""
import collections
import subprocess
import types

FIELDS = (
    "frame.number frame.time_epoch ip.src ip.dst ipv6.src ipv6.dst ip.ttl ipv6.hlim tcp.stream tcp.srcport "
    "tcp.dstport tcp.flags tcp.len tcp.seq_raw tcp.window_size_value "
    "tcp.analysis.retransmission tls.handshake.type tls.handshake.version "
    "tls.handshake.extensions.supported_version tls.alert_message.desc imap.line "
    "icmp.type icmp.code icmpv6.type icmpv6.code dns.qry.name dns.qry.type dns.flags.response dns.flags.rcode dns.id"
).split()
FIN, SYN, RST, ACK = 1, 2, 4, 16
MANY, SEP = "\x1e", "\x1f"


def rows(capture, keys, ports):
    argv = ["tshark", "-n", "-r", capture, "-o", "tls.keylog_file:" + (keys or "")]
    for port in ports:
        argv += ["-d", "tcp.port==%d,imap" % port]
    argv += ["-T", "fields", "-E", "separator=" + SEP, "-E", "occurrence=a", "-E", "aggregator=" + MANY] + [
        word for f in FIELDS for word in ("-e", f)
    ]
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120)
    for line in done.stdout.decode("utf-8", "replace").split("\n"):
        cells = line.split(SEP)
        if len(cells) == len(FIELDS):
            yield {f: c.split(MANY) if c else [] for f, c in zip(FIELDS, cells)}


def number(text):
    return int(text, 16) if text.startswith("0x") else int(text)


class Connection(types.SimpleNamespace):
    def __init__(self, client, server):
        super().__init__(
            client_ip=client[0],
            client_port=client[1],
            server_ip=server[0],
            server_port=server[1],
            first=None,
            last=None,
            silence=0.0,
            syns=0,
            synacks=0,
            rst_client=0,
            rst_server=0,
            fin_client=0,
            fin_server=0,
            rst_ttl=[],
            server_ttl=[],
            data_client=0,
            data_server=0,
            retrans_client=0,
            retrans_server=0,
            established=False,
            zero_window=0,
            icmp=[],
            hellos=0,
            server_hello=0,
            tls="",
            alerts=[],
            answers=[],
            said="",
            asked="",
            worst_ok=0.0,
            pending={},
            newest={"client": None, "server": None},
            packets=0,
        )

    def packet(self, row, side):
        now, flags, size = float(row["frame.time_epoch"][0]), number(row["tcp.flags"][0]), number(row["tcp.len"][0] if row["tcp.len"] else "0")
        ttl = int((row["ip.ttl"] or row["ipv6.hlim"])[0])
        if self.first is None:
            self.first = now
        else:
            self.silence = max(self.silence, now - self.last)
        self.last, self.packets = now, self.packets + 1
        if flags & SYN:
            self.synacks += bool(flags & ACK)
            self.syns += not flags & ACK
        elif side == "client" and flags & ACK and self.synacks:
            self.established = True
        if flags & RST:
            self.rst_ttl.append(ttl)
        elif side == "server":
            self.server_ttl.append(ttl)
        setattr(self, "rst_" + side, getattr(self, "rst_" + side) + bool(flags & RST))
        setattr(self, "fin_" + side, getattr(self, "fin_" + side) + bool(flags & FIN))
        setattr(self, "data_" + side, getattr(self, "data_" + side) + size)
        setattr(self, "retrans_" + side, getattr(self, "retrans_" + side) + self.is_again(row, side, size))
        self.zero_window += bool(row["tcp.window_size_value"] and row["tcp.window_size_value"][0] == "0" and not flags & RST)
        self.tls_of(row, side)
        for line in row["imap.line"]:
            self.imap_line(line.replace("\\r\\n", "").strip(), side, now)

    def is_again(self, row, side, size):
        """Sent again? The wire keeps the order, so whatever begins before the end of what was seen is; tshark takes some of that for out of order."""
        first, newest = number(row["tcp.seq_raw"][0]), self.newest[side]
        older = size > 0 and newest is not None and (first - newest) % 2**32 >= 2**31
        if size > 0 and not older:
            self.newest[side] = (first + size) % 2**32
        return older or bool(row["tcp.analysis.retransmission"])

    def tls_of(self, row, side):
        kinds = row["tls.handshake.type"]
        self.hellos += kinds.count("1")
        if "2" in kinds:
            self.server_hello += 1
            versions = row["tls.handshake.extensions.supported_version"] or row["tls.handshake.version"]
            self.tls = {"0x0304": "1.3", "0x0303": "1.2", "0x0302": "1.1", "0x0301": "1.0"}.get(versions[-1], "?")
        self.alerts += [(side, int(a)) for a in row["tls.alert_message.desc"]]

    def imap_line(self, line, side, now):
        words = line.split()
        if side == "client":
            self.asked += line + "\n"
            if len(words) > 1 and words[0] != "+":
                self.pending[words[0]] = (words[1].upper(), now)
            elif words and len(self.pending) == 1:  # what a command goes on with (SASL): the server owes an answer from then on
                tag, (command, _) = self.pending.popitem()
                self.pending[tag] = (command, now)
            return
        self.said += line + "\n"
        if len(words) > 1 and words[0] in self.pending and words[1].upper() in ("OK", "NO", "BAD"):
            command, asked = self.pending.pop(words[0])
            self.answers.append((command, words[1].upper()))
            if words[1].upper() == "OK" and command != "IDLE":
                self.worst_ok = max(self.worst_ok, now - asked)

    @property
    def auth(self):
        got = [status for command, status in self.answers if command in ("LOGIN", "AUTHENTICATE")]
        no, ok = any(s != "OK" for s in got), "OK" in got
        return "no+ok" if no and ok else "ok" if ok else "no" if no else "none"

    @property
    def over(self):
        return bool((self.fin_client and self.fin_server) or self.rst_client or (self.rst_server and self.established))

    @property
    def ended_ok(self):
        return not self.answers or [status for command, status in self.answers if command != "LOGOUT" or len(self.answers) == 1][-1] == "OK"

    @property
    def duration(self):
        return self.last - self.first


def addresses(row):
    return row["ip.src"] + row["ipv6.src"], row["ip.dst"] + row["ipv6.dst"]


def read(capture, keys, ports):
    """(connections in order of their first packet, DNS look-ups [(name, type, code or None)]).

    A port used again after its connection's end is another connection."""
    found, order, questions = {}, [], collections.OrderedDict()
    for row in rows(capture, keys, [p for p in ports if p not in (143, 993)]):
        src, dst = addresses(row)
        if row["dns.qry.name"]:
            key = (row["dns.qry.name"][0], row["dns.qry.type"][0], row["dns.id"][0])
            questions.setdefault(key, None)
            if row["dns.flags.response"][0] in ("1", "True"):
                questions[key] = int(row["dns.flags.rcode"][0])
            continue
        if not row["tcp.srcport"]:
            continue
        if "53" in row["tcp.srcport"] + row["tcp.dstport"]:  # a look-up that was asked again over TCP
            continue
        quoted = bool(row["icmp.type"] or row["icmpv6.type"])
        left, right = (src[-1], int(row["tcp.srcport"][0])), (dst[-1], int(row["tcp.dstport"][0]))
        from_server = left[1] in ports and right[1] not in ports
        client, server = (right, left) if from_server else (left, right)
        key = (client, server)
        if quoted:
            if key in found:
                found[key].icmp.append("%s/%s" % ((row["icmp.type"] or row["icmpv6.type"])[0], (row["icmp.code"] or row["icmpv6.code"])[0]))
            continue
        before = found.get(key)
        if before is None or (before.over and number(row["tcp.flags"][0]) & (SYN | ACK) == SYN):
            found[key] = Connection(client, server)
            order.append(found[key])
        found[key].packet(row, "server" if from_server else "client")
    return order, [(name, int(kind), code) for (name, kind, _), code in questions.items()]


def true(expression, connection, run):
    """Does the expression hold for this connection (None for a label that is about no connection)?"""
    names = dict(run)
    if connection is not None:
        names.update(vars(connection), auth=connection.auth, duration=connection.duration, ended_ok=connection.ended_ok)
    known = {"any": any, "all": all, "len": len, "max": max, "min": min, "set": set, "sum": sum}
    return bool(eval(expression, dict(names, __builtins__=known)))
