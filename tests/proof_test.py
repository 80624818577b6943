#!/usr/bin/env python3
"""Every frame that a sample's verdict cites is looked at with tshark: it holds what is said, and the spans hold nothing of the kind.

A fact that a sample cites must have its row in SEEN or ABSENT: a row is what must be true of the frame."""
import concurrent.futures
import re
import shutil
import subprocess
import unittest

from common import capture_of, documents, keys_of, sample_names, sessions

FIELDS = ("frame.number frame.time_epoch ip.src ipv6.src ip.dst ipv6.dst tcp.srcport tcp.dstport udp.srcport udp.dstport tcp.flags tcp.len tcp.seq_raw "
          "tcp.ack_raw tcp.window_size_value ip.ttl ipv6.hlim icmp.type icmp.code icmpv6.type icmpv6.code tcp.payload "
          "tls.record.content_type tls.record.opaque_type tls.handshake.type tls.handshake.extensions_server_name tls.alert_message.desc "
          "dns.qry.name dns.flags.response dns.flags.rcode dns.count.answers").split()
FIN, SYN, RST, ACK = 1, 2, 4, 16
ALERTS = {"close_notify": 0, "unexpected_message": 10, "handshake_failure": 40, "bad_certificate": 42, "unsupported_certificate": 43,
          "certificate_revoked": 44, "certificate_expired": 45, "certificate_unknown": 46, "illegal_parameter": 47, "unknown_ca": 48,
          "access_denied": 49, "decode_error": 50, "decrypt_error": 51, "protocol_version": 70, "insufficient_security": 71,
          "internal_error": 80, "inappropriate_fallback": 86, "unrecognized_name": 112, "certificate_required": 116,
          "no_application_protocol": 120}
UNREACHABLE = {"admin_prohibited": {9, 10, 13}, "port_unreachable": {2, 3}, "net_unreachable": {0, 6, 11}, "too_big": {4},
               "host_unreachable": {1, 5, 7, 8, 12, 14, 15}}
UNREACHABLE6 = {"admin_prohibited": {1, 5, 6}, "port_unreachable": {4}, "net_unreachable": {0}, "host_unreachable": {2, 3}}
RCODES = {"nxdomain": 3, "servfail": 2, "refused": 5, "no_address": 0, "answered": 0}
UNITS = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1, "min": 60, "h": 3600}


class Frame:
    def __init__(self, values):
        v = dict(zip(FIELDS, values))
        self.number, self.time = int(v["frame.number"]), float(v["frame.time_epoch"])
        first = lambda *names: next((v[n].split(",")[0] for n in names if v[n]), "")  # noqa: E731
        self.source, self.target = first("ip.src", "ipv6.src"), first("ip.dst", "ipv6.dst")
        self.icmp = bool(v["icmp.type"] or v["icmpv6.type"])
        self.ports = (first("tcp.srcport", "udp.srcport"), first("tcp.dstport", "udp.dstport"))
        self.flags = int(first("tcp.flags") or "0", 16)
        self.length, self.sequence, self.acknowledges = (int(first(n) or 0) for n in ("tcp.len", "tcp.seq_raw", "tcp.ack_raw"))
        self.window, self.ttl = first("tcp.window_size_value"), int(first("ip.ttl", "ipv6.hlim") or 0)
        self.text = bytes.fromhex(first("tcp.payload").replace(":", "")).decode("latin-1")
        self.records, self.handshake, self.alerts = ({int(x) for x in v[n].split(",") if x} for n in
                                                     ("tls.record.content_type", "tls.handshake.type", "tls.alert_message.desc"))
        self.records |= {int(x) for x in v["tls.record.opaque_type"].split(",") if x}
        self.server_names = v["tls.handshake.extensions_server_name"].split(",")
        self.kind = {n: int(v[n].split(",")[0]) for n in ("icmp.type", "icmp.code", "icmpv6.type", "icmpv6.code") if v[n]}
        self.names, self.response = v["dns.qry.name"].lower().split(","), v["dns.flags.response"] in ("1", "True")
        self.rcode, self.answers = int(v["dns.flags.rcode"] or 0), int(v["dns.count.answers"] or 0)


class Claim:
    """An evidence entry with its frame and its session."""
    def __init__(self, doc, entry, frames):
        self.doc, self.value, self.says, self.fact = doc, entry.get("value", ""), entry["says"], entry["fact"]
        self.frames, self.frame, self.server = frames, frames[entry["frame"] - 1], entry["direction"] == "server"
        self.start, self.until = entry["time"], entry.get("until")
        self.client_end = (doc["source"]["ip"], str(doc["source"]["port"]))
        self.server_end = (doc["destination"]["ip"], str(doc["destination"]["port"]))

    def of_session(self, frame):
        ends = ((frame.source, frame.ports[0]), (frame.target, frame.ports[1]))
        return not frame.icmp and ends in ((self.client_end, self.server_end), (self.server_end, self.client_end))

    def by_server(self, frame):
        return (frame.source, frame.ports[0]) == self.server_end

    def right_side(self):
        return self.of_session(self.frame) and self.by_server(self.frame) == self.server

    def side(self, server=None):
        """This session's frames of the side spoken of, in their order."""
        server = self.server if server is None else server
        return [f for f in self.frames if self.of_session(f) and self.by_server(f) == server]

    def seconds(self):
        """The value as seconds, and what its rounding leaves open."""
        parts = re.findall(r"([\d.]+) (ns|us|ms|s|min|h)\b", self.value)
        least = UNITS[parts[-1][1]] * (10 ** -len(parts[-1][0].partition(".")[2]))
        return sum(float(n) * UNITS[u] for n, u in parts), least


def flag(*wanted):
    return lambda c: c.right_side() and any((c.frame.flags & w) == w for w in wanted)


def end(c):
    return c.right_side() and bool(c.frame.flags & (FIN if c.value.endswith("fin") else RST)) and c.value.startswith("server") == c.server


def reset(c):
    return c.right_side() and bool(c.frame.flags & RST)


def reset_answers_data(c):
    before = [f for f in c.side(not c.server) if f.number < c.frame.number and (f.length or not f.flags & FIN)]
    return reset(c) and bool(before) and before[-1].length > 0


def quiet_before(c):
    """Seconds without a frame of the session before the one cited, or before what the cited reset answers."""
    mine = [f for f in c.frames if c.of_session(f) and f.number <= c.frame.number]
    gaps = [b.time - a.time for a, b in zip(mine, mine[1:])][-3:]
    value, rounding = c.seconds()
    return any(abs(gap - value) <= max(rounding, 0.01) for gap in gaps)


def ttl_differs(c):
    usual = {f.ttl for f in c.side() if not f.flags & RST}
    return reset(c) and min(abs(c.frame.ttl - ttl) for ttl in usual) == int(c.value)


def after_reset(c):
    before = [f for f in c.side() if f.number < c.frame.number and f.flags & RST]
    return c.right_side() and bool(before) and not c.frame.flags & RST


def retransmission(c):
    """Behind what was sent already: the first sending itself may be lost before the capture."""
    before = [f for f in c.side() if f.number < c.frame.number and f.length]
    return c.right_side() and c.frame.length > 0 and any(f.sequence + f.length > c.frame.sequence for f in before)


def sent_in_vain(c):
    """Data or FIN that no later frame of the other side acknowledges."""
    end_of = c.frame.sequence + c.frame.length + (1 if c.frame.flags & FIN else 0)
    acknowledged = [f for f in c.side(not c.server) if f.number > c.frame.number and f.flags & ACK and not f.flags & RST and
                    0 <= (f.acknowledges - end_of) & 0xffffffff < 1 << 31]
    return c.right_side() and (c.frame.length > 0 or bool(c.frame.flags & FIN)) and not acknowledged


def acknowledged(c):
    end_of = c.frame.sequence + c.frame.length
    return c.right_side() and any(f.number > c.frame.number and 0 <= (f.acknowledges - end_of) & 0xffffffff < 1 << 31 for f in c.side(not c.server))


def sendings(c):
    return [f for f in c.side() if (f.length or f.flags & FIN) and f.sequence <= c.frame.sequence < f.sequence + max(f.length, 1)]


def sent_so_often(c):
    return sent_in_vain(c) and len(sendings(c)) >= int(c.value)


def sent_so_long(c):
    value, rounding = c.seconds()
    return sent_in_vain(c) and sendings(c)[-1].time - sendings(c)[0].time >= value - rounding


def zero_window(c):
    return c.right_side() and c.frame.window == "0" and not c.frame.flags & RST


def established(c):
    return c.right_side() and not c.server and not c.frame.flags & (SYN | RST) and bool(c.frame.flags & ACK)


def round_trip(c):
    """Not more than the handshake took."""
    syn = [f for f in c.side(False) if f.flags & SYN]
    value, rounding = c.seconds()
    return established(c) and bool(syn) and value <= c.frame.time - syn[-1].time + rounding


def icmp(c):
    if c.value == "time_exceeded":
        return c.frame.kind.get("icmp.type") == 11 or c.frame.kind.get("icmpv6.type") == 3
    if "icmp.type" in c.frame.kind:
        return c.frame.kind["icmp.type"] == 3 and c.frame.kind["icmp.code"] in UNREACHABLE[c.value]
    return c.frame.kind.get("icmpv6.type") == 1 and c.frame.kind["icmpv6.code"] in UNREACHABLE6[c.value]


def says(pattern):
    """A line of the frame fits; {} stands for the value as it is. Inside TLS the frame must carry application data."""
    def row(c):
        if c.frame.records:
            return c.right_side() and 23 in c.frame.records
        return c.right_side() and bool(re.search(pattern.replace("{}", re.escape(c.value)), c.frame.text, re.I | re.M))
    return row


def quoted(pattern):
    """As says, and the server's text stands there; what a report redacts or cuts is left out."""
    def row(c):
        words = [re.sub(r"\s+", " ", w).strip() for w in re.split(r"\*\*\*|…|<[^>]*>|\[[^\]]*\]", c.value)]
        plain = re.sub(r"\s+", " ", c.frame.text)
        return says(pattern)(c) and (bool(c.frame.records) or all(w in plain for w in words if len(w) > 3))
    return row


TAGGED_REFUSAL = r"^[^*+\s]\S* (NO|BAD)\b"


def unanswered(c):
    if c.value.lower() == "idle" and re.search(r"^DONE", c.frame.text, re.I | re.M):  # what is owed is the end of IDLE
        return c.right_side()
    tag = re.search(r"^(\S+) (?:UID )?%s\b" % re.escape(c.value), c.frame.text, re.I | re.M)
    later = "".join(f.text for f in c.side(True) if f.number > c.frame.number)
    return c.right_side() and (bool(c.frame.records) or (bool(tag) and not re.search(r"^%s (OK|NO|BAD)" % re.escape(tag.group(1)), later, re.M)))


def speaks(c):
    starts = {"tls": "\x16", "imap": ("* ", "a", "A", "0", "1"), "smtp": "220", "pop3": "+OK", "http": ("HTTP", "GET", "POST"), "ssh": "SSH-"}
    first = next((f for f in c.side() if f.length), None)
    return c.right_side() and first is c.frame and first.text.startswith(starts.get(c.value, ""))


def handshake(*types):
    return lambda c: c.right_side() and bool(c.frame.handshake & set(types))


def server_name(c):
    return handshake(1)(c) and c.value in c.frame.server_names


def alert(c):
    return c.right_side() and (ALERTS[c.value] in c.frame.alerts or (21 in c.frame.records and not c.frame.alerts) or 23 in c.frame.records)


def record(*types):
    return lambda c: c.right_side() and bool(c.frame.records & set(types))


def query(c):
    return c.doc["dns"]["question"]["name"] in c.frame.names and not c.frame.response


def lookup_result(c):
    if c.value == "dns_timeout":
        return query(c)
    if c.value == "resolver_unreachable":
        return c.frame.icmp
    return c.frame.response and c.frame.rcode == RCODES[c.value] and c.doc["dns"]["question"]["name"] in c.frame.names


def same_host(c):
    return (c.frame.source == c.server_end[0] and (c.frame.length > 0 or c.frame.flags & (SYN | ACK) == SYN | ACK)) or \
        c.frame.target == c.server_end[0]


def same_service(c):
    return same_host(c) and c.server_end[1] in c.frame.ports and not c.of_session(c.frame)


def same_client(c):
    return c.client_end[0] in (c.frame.source, c.frame.target) and not c.of_session(c.frame)


def same_client_by_any_family(c):
    """The client has another address in the other family: there the service's port must do."""
    other = (":" in c.frame.source) != (":" in c.client_end[0])
    return same_client(c) or (other and c.server_end[1] in c.frame.ports and not c.of_session(c.frame))


def same_clients_refusal(c):
    return same_client(c) and (bool(c.frame.records) or bool(re.search(TAGGED_REFUSAL, c.frame.text, re.M)))


def client_left(c):
    return same_client(c) and c.frame.source == c.client_end[0] and c.server_end[1] in c.frame.ports and bool(c.frame.flags & (FIN | RST))


def server_unseen(c):
    return c.frame.target == c.server_end[0] and not c.of_session(c.frame) and not [f for f in c.frames if f.source == c.server_end[0]]


SEEN = {
    "tcp.syn": flag(SYN), "tcp.synack": flag(SYN | ACK), "tcp.refused": reset, "tcp.established": established, "tcp.ended": end,
    "tcp.client_fin": flag(FIN), "tcp.server_fin": flag(FIN), "tcp.client_reset": reset, "tcp.server_reset": reset,
    "tcp.reset_answers_data": reset_answers_data, "tcp.reset_quiet": lambda c: reset(c) and quiet_before(c),
    "tcp.reset_ttl_difference": ttl_differs, "tcp.reset_then_data": after_reset, "tcp.reset_behind": reset, "tcp.reset_both": reset,
    "tcp.reset_odd_ack": reset, "tcp.reset_soon": reset, "tcp.reset_no_options": reset, "tcp.reset_after_fin": reset,
    "tcp.retransmitted": retransmission, "tcp.retransmitted_share": retransmission, "tcp.stalled": retransmission,
    "tcp.vain_sends": sent_so_often, "tcp.vain_span": sent_so_long, "tcp.vain_side": lambda c: sent_in_vain(c) and c.value == ("client", "server")[c.server],
    "tcp.vain_quiet": lambda c: sent_in_vain(c) and quiet_before(c), "tcp.vain_full_size": sent_in_vain, "tcp.vain_fin_only": flag(FIN),
    "tcp.client_unacked": sent_in_vain, "tcp.server_unacked": sent_in_vain,
    "tcp.client_bytes": lambda c: c.right_side() and c.frame.length > 0, "tcp.server_bytes": lambda c: c.right_side() and c.frame.length > 0,
    "tcp.last_client_data": lambda c: c.right_side() and c.frame.length > 0, "tcp.last_server_data": lambda c: c.right_side() and c.frame.length > 0,
    "tcp.zero_window": zero_window, "tcp.zero_window_lasts": zero_window, "tcp.zero_window_probes": zero_window,
    "tcp.zero_window_side": lambda c: zero_window(c) and c.value == ("client", "server")[c.server],
    "tcp.rtt": round_trip, "icmp.kind": icmp, "icmp.count": lambda c: c.frame.icmp, "icmp.ttl": lambda c: c.frame.icmp and c.frame.ttl == int(c.value),
    "capture.midstream": lambda c: not c.frame.flags & SYN, "capture.one_sided": lambda c: not c.side(c.value == "client"),
    "imap.greeting": says(r"^\* {}\b"), "imap.bye": says(r"^\* BYE\b"), "imap.bye_text": quoted(r"^\* BYE\b"),
    "imap.capabilities": says(r"CAPABILITY"), "imap.capabilities_seen": says(r"CAPABILITY"), "imap.auth_offered": says(r"CAPABILITY"),
    "imap.method_offered": says(r"CAPABILITY"), "imap.login_disabled": says(r"LOGINDISABLED"), "imap.masked": says(r"XXXX"),
    "imap.starttls_sent": says(r"^\S+ STARTTLS\b"), "imap.starttls_answer": says(r"^\S+ {}\b"), "imap.starttls_offered": says(r"STARTTLS"),
    "imap.login_tried": says(r"^\S+ (LOGIN|AUTHENTICATE)\b"), "imap.login_method": says(r"^\S+ (LOGIN|AUTHENTICATE {})\b"),
    "imap.login_ok": says(r"^[^*+\s]\S* OK\b|^\* PREAUTH\b"), "imap.login_refused": says(TAGGED_REFUSAL), "imap.login_answer": says(r"^[^*+\s]\S* {}\b"),
    "imap.login_text": quoted(TAGGED_REFUSAL), "imap.login_notice": quoted(r"^\* (NO|BAD)\b"), "imap.login_code": says(r"\[{}"),
    "imap.sasl_error": says(r"^\+ [A-Za-z0-9+/=]+"), "imap.last_refused": says(TAGGED_REFUSAL), "imap.last_refused_text": quoted(TAGGED_REFUSAL),
    "imap.bad_answers": says(r"^\S+ (BAD|NO)\b"), "imap.command_owed": unanswered, "imap.commands": says(r"^\S+ [A-Z]+"), "imap.logout": says(r"^\S+ LOGOUT\b"),
    "imap.midline": lambda c: c.right_side() and c.frame.length > 0, "imap.slowest_answer": says(r"^[^*+\s]\S* OK\b|^\* (OK|PREAUTH)\b"),
    "speaks.client": speaks, "speaks.server": speaks,
    "tls.client_hello": handshake(1), "tls.sni": server_name, "tls.offered_min": handshake(1), "tls.offered_max": handshake(1),
    "tls.offered_weak": handshake(1), "tls.server_hello": handshake(2), "tls.server_flight": record(20, 22, 23), "tls.cert_issuer": handshake(11),
    "tls.cert_subject": handshake(11), "tls.cert_expired": handshake(11), "tls.cert_mismatch": handshake(11), "tls.cert_self_signed": handshake(11),
    "tls.interceptor": handshake(11), "tls.cert_requested": handshake(13), "tls.client_alert": alert, "tls.server_alert": alert,
    "tls.client_encrypted_alert": record(21, 23), "tls.server_encrypted_alert": record(21, 23), "tls.established": record(20, 22, 23),
    "tls.client_finished": record(22, 23), "tls.client_records": record(23), "tls.server_records": record(23), "tls.record_owed": record(23),
    "tls.slowest_record": record(23), "tls.client_close_notify": record(21, 23), "tls.server_close_notify": record(21, 23),
    "tls.heard": lambda c: record(23)(c) and c.server, "owed.acknowledged": acknowledged,
    "dns.name": query, "dns.queries": query, "dns.result": lookup_result,
    "context.host_alive": same_host, "context.service_alive": same_service, "context.race_won": same_client_by_any_family,
    "tcp.reset_ttl": lambda c: reset(c) and c.frame.ttl == int(c.value), "tcp.reset_rising": reset, "tcp.reset_repeated": reset,
    "tcp.reset_then_synack": flag(SYN | ACK), "tcp.synack_ttl_difference": flag(SYN | ACK), "tcp.reset_odd_id": reset, "tcp.reset_odd_window": reset, "tcp.reset_no_id": reset, "tcp.reset_unknown": reset, "tcp.reset_forged": reset, "tcp.reset_forged_else": reset,
    "tcp.syn_span": flag(SYN), "tcp.syn_overdue": flag(SYN), "tcp.connect_time": established, "tcp.missing": lambda c: c.right_side(),
    "icmp.progress": lambda c: c.of_session(c.frame), "session.quiet": lambda c: c.of_session(c.frame), "session.span": lambda c: c.of_session(c.frame),
    "imap.greeting_text": says(r"^\* (OK|PREAUTH|BYE)\b"), "imap.greeting_wait": says(r"^\* OK Waiting"), "imap.login_time": says(r"^[^*+\s]\S* (OK|NO|BAD)\b"),
    "imap.logout_answered": says(r"^\* BYE\b|^\S+ OK\b"), "imap.commands_after_login": says(r"^\S+ [A-Z]+"), "imap.commands_ok": says(r"^\S+ OK\b"),
    "imap.last_refused_status": says(r"^[^*+\s]\S* {}\b"), "imap.last_refused_code": says(r"\[{}"), "imap.in_idle": says(r"^\+|^\S+ IDLE\b"),
    "imap.idle_time": says(r"^DONE"), "imap.left_owing": lambda c: flag(FIN)(c) and not c.server, "tls.client_closing": record(21, 23),
    "imap.unasked_refusal": quoted(TAGGED_REFUSAL), "imap.idle_seen": says(r"^\+|^\S+ IDLE\b"), "imap.compressed": says(r"^\S+ OK\b"), "tls.hello_retry": handshake(2), "tls.version": handshake(2),
    "tls.cipher": handshake(2), "tls.resumed": handshake(2), "tls.cert_names": handshake(11), "tls.cert_not_before": handshake(11),
    "tls.cert_not_after": handshake(11), "tls.alpn": handshake(1), "tls.ja3": handshake(1), "tls.ja4": handshake(1),
    "tls.partial_record": lambda c: c.right_side() and c.frame.length > 0, "tls.garbage": lambda c: c.right_side() and c.frame.length > 0,
    "tls.decrypted": record(20, 22, 23), "tls.client_record_bytes": record(23), "tls.server_record_bytes": record(23),
    "inside.dialogue": record(23), "inside.login": record(23), "inside.answer": record(23), "inside.answer_time": record(23),
    "inside.slowest": record(23), "inside.refused": record(23), "inside.answered_before": same_service, "dns.time": lookup_result,
    "context.other_family": same_client_by_any_family, "context.stuck": same_service, "context.starttls_offered": lambda c: "STARTTLS" in c.frame.text,
    "context.reset_ttl_difference": same_host, "context.server_unseen": server_unseen, "context.leaves_often": client_left,
    "context.certificate_taken": lambda c: same_service(c) and bool(c.frame.records),
    "context.refused_before": same_clients_refusal, "context.others_served": same_service,
}


def inside(c):
    """Frames of the span, its ends aside (the one that asked, and the one that ended it)."""
    start, until = nanoseconds(c.start), nanoseconds(c.until)
    return [f for f in c.frames if start + 1000 < int(f.time * 1e6) * 1000 < until - 1000]


def nanoseconds(text):
    import calendar
    import time
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 10**9 + int((fraction + "0" * 9)[:9])


def nothing_of(server, data_only):
    def row(c):
        side = server(c)
        return not [f for f in inside(c) if c.of_session(f) and c.by_server(f) == side and (f.length or not data_only)]
    return row


def no_answer_to_query(c):
    return not [f for f in inside(c) if f.response and c.doc["dns"]["question"]["name"] in f.names and f.target == c.client_end[0]]


ABSENT = {
    "waited": nothing_of(lambda c: "ClientHello" not in c.says, True),
    "tcp.syn_waited": nothing_of(lambda c: True, False),
    "tcp.vain_silence": nothing_of(lambda c: not c.server, False),
    "dns.waited": no_answer_to_query,
}


def frames_of(path, keylog=()):
    keys = ["-o", "tls.keylog_file:" + keylog[1]] if keylog else []
    command = ["tshark", "-r", path, "-T", "fields", "-E", "occurrence=a", "-o", "tcp.desegment_tcp_streams:TRUE"] + keys + [p for f in FIELDS for p in ("-e", f)]
    out = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True).stdout.decode()
    return [Frame(line.split("\t")) for line in out.splitlines()]


def wrong_claims(case):
    path = capture_of(case)
    frames, wrong = frames_of(path, keys_of(case)), []
    for doc in sessions(documents(*keys_of(case), path)):
        own = doc["imapwhy"]
        capture = own["capture"]
        claims = own.get("evidence", [])
        if not claims and own["verdict"]["outcome"] in ("failed", "degraded"):
            wrong.append("%s: %s without any evidence" % (case, doc["event"]["reason"]))
        for entry in claims:
            table = ABSENT if entry["kind"] == "absent" else SEEN
            where = "%s: %s, frame %d, %s (%s)" % (case, doc["event"]["reason"], entry["frame"], entry["fact"], entry["says"])
            if entry["fact"] not in table:
                wrong.append(where + ": no row tells how to prove it")
            elif not table[entry["fact"]](Claim(doc, entry, frames)):
                wrong.append(where + ": the frames do not show it")
        if "first_frame" in capture and doc["event"]["reason"].split(".")[0] != "name_resolution":
            mine = [f.number for f in frames if Claim.of_session(Ends(doc), f)]
            if capture["first_frame"] not in mine or (capture["last_frame"] not in mine) or capture["last_frame"] < capture["first_frame"]:
                wrong.append("%s: frames %d to %d are not the session's" % (case, capture["first_frame"], capture["last_frame"]))
    return wrong


class Ends:
    def __init__(self, doc):
        self.client_end = (doc["source"]["ip"], str(doc["source"]["port"]))
        self.server_end = (doc["destination"]["ip"], str(doc["destination"]["port"]))


@unittest.skipUnless(shutil.which("tshark"), "tshark is not installed")
class Proof(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            cls.wrong = dict(zip(sample_names(), pool.map(wrong_claims, sample_names())))


def make(case):
    return lambda self: self.assertEqual(self.wrong[case], [])


for name in sample_names():
    setattr(Proof, "test_" + name, make(name))

if __name__ == "__main__":
    unittest.main()
