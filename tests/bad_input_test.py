#!/usr/bin/env python3
"""Bad input of every kind: a clear text that says what to do, the right exit status, and nothing lost of what was found; and how documents are written."""
import json
import os
import re
import shutil
import subprocess
import tempfile
import unittest

import capture_files
from common import TOOL, TOP, all_told, capture_of, documents, run, sample_names

SAMPLE = capture_of("invalid-credentials-plainbad-perl-cyrus")


class BadInput(unittest.TestCase):
    def setUp(self):
        self.room = tempfile.TemporaryDirectory()

    def tearDown(self):
        self.room.cleanup()

    def path(self, name, content=None):
        path = os.path.join(self.room.name, name)
        if content is not None:
            with open(path, "wb") as file:
                file.write(content)
        return path

    def sample(self):
        with open(SAMPLE, "rb") as file:
            return file.read()

    def fails(self, status, pattern, *arguments, **how):
        """Ends with the status; one line of error fits. The documents written."""
        done = run("-o", "json", *arguments, **how)
        errors = done.stderr.decode()
        self.assertEqual(done.returncode, status, errors)
        self.assertRegex(errors, pattern)
        self.assertNotRegex(errors, r"[\x00-\x09\x0b-\x1f\x7f]")
        return [json.loads(line) for line in done.stdout.splitlines()]

    def test_missing_file(self):
        self.fails(1, r"nowhere\.pcap: .*(no such file|does not exist)", self.path("nowhere.pcap"))

    def test_folder(self):
        self.fails(1, r"director", self.room.name)

    def test_not_permitted(self):
        if os.geteuid() == 0 and not shutil.which("setpriv"):
            self.skipTest("root may read everything")
        secret = self.path("secret.pcap", self.sample())
        os.chmod(secret, 0)
        command = [TOOL, "-o", "json", secret]
        if os.geteuid() == 0:
            os.chmod(self.room.name, 0o755)
            copy = shutil.copy(TOOL, self.path("imapwhy"))
            os.chmod(copy, 0o755)
            command = ["setpriv", "--reuid=65534", "--clear-groups", copy, "-o", "json", "--rules", self.path("rules"), secret]
            shutil.copytree(os.path.join(TOP, "rules"), self.path("rules"))
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, cwd="/")
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn(b"permission denied", done.stderr)

    def test_not_a_capture(self):
        self.fails(1, r"not a capture file .*editcap", self.path("letter.txt", b"Dear Sir or Madam,\n"))

    def test_empty_file(self):
        self.fails(1, r"empty file; nothing was captured", self.path("empty.pcap", b""))

    def test_header_cut(self):
        self.fails(1, r"ends within the header", self.path("head.pcap", self.sample()[:17]))

    def test_capture_without_packets(self):
        docs = documents(self.path("none.pcap", self.sample()[:24]))
        self.assertEqual([d["event"]["dataset"] for d in docs], ["imapwhy.stats"])

    def test_unknown_link_type(self):
        data = bytearray(self.sample())
        data[20:24] = (147).to_bytes(4, "little")
        docs = self.fails(1, r"link type 147 .*capture on", self.path("link.pcap", bytes(data)))
        self.assertEqual(docs[-1]["imapwhy"]["stats"]["packets"]["skipped"], docs[-1]["imapwhy"]["stats"]["packets"]["read"])

    def broken(self, data, packets):
        """What came before is reported, and the text says where it broke."""
        path = self.path("broken.pcap", data)
        docs = self.fails(1, r"broken after packet %d at byte \d+" % packets, path)
        whole = self.path("whole.pcap")
        capture_files.write_pcap(whole, capture_files.read(SAMPLE)[:packets])
        self.assertEqual(all_told(docs), all_told(documents(whole)))

    def test_cut_in_the_middle_of_a_record(self):
        packets = capture_files.read(SAMPLE)
        ends = [24 + sum(16 + len(p.data) for p in packets[:n]) for n in range(len(packets) + 1)]
        for n in (0, 5, len(packets) - 1):
            for more in (1, 15, 16, 17):
                with self.subTest(packets=n, more=more):
                    self.broken(self.sample()[:ends[n] + more], n)

    def test_rubbish_in_the_middle(self):
        packets = capture_files.read(SAMPLE)
        at = 24 + sum(16 + len(p.data) for p in packets[:8])
        self.broken(self.sample()[:at] + b"\xff" * 400, 8)

    def test_pcapng_cut(self):
        capture_files.write_pcapng(self.path("whole.pcapng"), capture_files.read(SAMPLE))
        with open(self.path("whole.pcapng"), "rb") as file:
            data = file.read()
        self.fails(1, r"broken after packet \d+ at byte \d+", self.path("cut.pcapng", data[:-7]))

    def test_compressed_and_cut(self):
        import gzip
        self.fails(1, r"broken after packet \d+ at byte \d+ \(unpacked\)|truncated|cut", self.path("cut.pcap.gz", gzip.compress(self.sample())[:-600]))

    def test_one_bad_among_good(self):
        docs = self.fails(1, r"not a capture", "--separate", self.path("letter.txt", b"Dear Sir or Madam,\n"), SAMPLE)
        self.assertEqual(all_told(docs), all_told(documents(SAMPLE)))

    def test_bad_options(self):
        for arguments, pattern in ((("--colour",), r"colour"), (("--only", "ill"), r"healthy, failed, degraded and inconclusive"),
                                   (("--memory", "much"), r"--memory much"), (("--port", "70000"), r"70000"), (("--client", "here"), r"here"),
                                   (("--since", "yesterday-ish"), r"yesterday-ish"), (("-o", "xml"), r"xml"), (("--lang", "de"), r"de")):
            with self.subTest(arguments=arguments):
                self.fails(2, pattern, *arguments, SAMPLE)
        self.fails(2, r"(?i)capture|file", *())

    def test_bad_rules(self):
        rules = self.path("rules")
        shutil.copytree(os.path.join(TOP, "rules"), rules)
        target = os.path.join(rules, "verdicts", "20-connect.yaml")
        with open(target, encoding="utf-8") as file:
            text = file.read()
        with open(target, "w", encoding="utf-8") as file:
            file.write(text.replace("tcp.refused and", "tcp.refusd and", 1).replace("class: reset", "class: rset", 1))
        done = run("rules", "check", "--rules", rules)
        self.assertEqual(done.returncode, 2)
        told = done.stderr.decode()
        self.assertRegex(told, r"20-connect\.yaml:\d+: .*tcp\.refusd.*did you mean .?tcp\.refused")
        self.assertRegex(told, r"20-connect\.yaml:\d+: .*rset")
        self.fails(2, r"rules could not be loaded", "--rules", rules, SAMPLE)

    def test_no_rules_there(self):
        self.fails(2, r"No such file", "--rules", self.path("nothing"), SAMPLE)

    def test_disk_full(self):
        for output in ("json", "text"):
            done = run("-o", output, "-w", "/dev/full", SAMPLE)
            self.assertEqual(done.returncode, 1, output)
            self.assertRegex(done.stderr.decode(), r"No space left.*(make room|elsewhere)")

    def test_output_that_can_not_be_opened(self):
        self.fails(2, r"can(no|')t be", "-w", self.path("no/such/folder/out"), SAMPLE)

    def test_interface_that_is_not_there(self):
        self.fails(1, r"no such interface|not permitted", "-i", "imapwhy-none0")

    def test_each_document_is_one_write(self):
        if not shutil.which("strace"):
            self.skipTest("strace is not installed")
        log = self.path("strace")
        paths = [capture_of(case) for case in sample_names()[:20]]
        done = subprocess.run(["strace", "-f", "-e", "trace=write,writev", "-s", "9000", "-o", log, TOOL, "-o", "json", "--separate"] + paths,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        if b"ptrace" in done.stderr:
            self.skipTest("tracing is not permitted here")
        with open(log, encoding="utf-8", errors="replace") as file:
            lengths = [int(m.group(1)) for m in re.finditer(r"write\(1, .*\) += (\d+)", file.read())]
        self.assertEqual(lengths, [len(line) + 1 for line in done.stdout.splitlines()])


class CommunityId(unittest.TestCase):
    """The baseline values of the Community ID specification, version 1, seed 0, for TCP (endpoints either way round) over IPv4 and IPv6."""
    VECTORS = [("128.232.110.120", 34855, "66.35.250.204", 80, "1:LQU9qZlK+B5F3KDmev6m5PMibrg="),
               ("66.35.250.204", 80, "128.232.110.120", 34855, "1:LQU9qZlK+B5F3KDmev6m5PMibrg=")]

    def test_baseline(self):
        import base64
        import hashlib
        import ipaddress
        import struct

        def reference(a, a_port, b, b_port):
            ends = sorted([(ipaddress.ip_address(a).packed, a_port), (ipaddress.ip_address(b).packed, b_port)])
            data = struct.pack(">H", 0) + ends[0][0] + ends[1][0] + struct.pack(">BBHH", 6, 0, ends[0][1], ends[1][1])
            return "1:" + base64.b64encode(hashlib.sha1(data).digest()).decode()
        for *ends, want in self.VECTORS:
            self.assertEqual(reference(*ends), want)
        for case in sample_names():
            for doc in documents(capture_of(case)):
                if doc.get("network", {}).get("transport") == "tcp":
                    s, d = doc["source"], doc["destination"]
                    self.assertEqual(doc["network"]["community_id"], reference(s["ip"], s["port"], d["ip"], d["port"]))


if __name__ == "__main__":
    unittest.main()
