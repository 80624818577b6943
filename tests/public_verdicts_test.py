#!/usr/bin/env python3
"""Other people's captures: the verdicts of their mail sessions as reading them with tshark says, and no failure claimed anywhere else."""
import csv
import os
import unittest

from common import CAPTURES, documents, sessions

PUBLIC = os.path.join(CAPTURES, "public")
OK, CLEAN, PROBE, WRONG = "none.success", "none.clean_close", "none.probe", "misconfiguration.wrong_service"
# What each session of the capture came to, by client port.
VERDICTS = {
    "AlexeyVasilev+PcapFlowLab+pcap_flow_lab_showcase.pcap": [(40143, "inconclusive.too_short")],  # LOGIN, then FIN after 0.16 s without an answer
    "NotYuSheng+TracePcap+week1_baseline.pcap": [(49700, WRONG)],  # the server answers in HTTP
    "NotYuSheng+TracePcap+week8_near_baseline.pcap": [(49700, WRONG), (49700, WRONG)],
    "OISF+suricata-verify+imap-detection__input.pcap": [(4167, OK)],
    "OISF+suricata-verify+tcp-async-01__input.pcap": [(55774, OK)],  # the server's side alone, yet its login is answered OK
    "arkime+arkime+arkime_synthetic.pcap": [(49401, OK), (49600, "timeout.command_timeout")],  # one SELECT is never answered by its tag
    "arkime+arkime+imap-tag.pcap": [(4643, CLEAN)],
    "arkime+arkime+imap.pcap": [(4167, OK)],
    "arkime+arkime+ntlm_synthetic.pcap": [(50012, OK)],
    "bro+bro+telesec.pcap": [(65343, PROBE)],  # greeted inside TLS, says nothing, closes in order
    "chunhuitrue+protolens+imap.pcap": [(11550, OK)],
    "chunhuitrue+protolens+imap_append.pcap": [(51256, OK)],
    "chunhuitrue+protolens+imap_fetch.pcap": [(40279, OK)],
    "cisco+mercury+imap.pcap": [(4167, OK)],
    "ntop+nDPI+6in4tunnel.pcap": [(35610, OK), (56381, OK)],
    "ntop+nDPI+imap.pcap": [(46045, OK)],
    "ntop+nDPI+imaps.pcap": [(50506, OK), (51529, "inconclusive.too_short")],  # the second ends within the ServerHello
    "ntop+nDPI+whatsapp_login_call.pcap": [(49199, OK)],
    "ntop+nDPI+zoom.pcap": [(54341, "inconclusive.midstream")],  # two frames of one side in mid-stream
    "odedshimon+BruteShark+IMAP_-_Authenticate_CRAM-MD5.cap": [(56918, OK)],
    "odedshimon+BruteShark+IMAP_-_Authenticate_Digest-MD5.pcap": [(55032, OK)],
    # the first sent 3 of 39 and 4 of 53 data segments again
    "odedshimon+BruteShark+IMAP_-_Authenticate_Plain__Base64_.pcap": [(23365, "degraded.packet_loss"), (23465, OK), (23472, OK)],
    "odedshimon+BruteShark+IMAP_-_Authenticate_XYMPKI.pcap": [(57276, OK)],
    "odedshimon+BruteShark+IMAP_-_Login__Plaintext__1.pcap": [(4167, OK)],
    "odedshimon+BruteShark+IMAP_-_Login__Plaintext__2.pcap": [(1411, OK)],
    "odedshimon+BruteShark+IMAP_-_Login__Plaintext__3.pcap": [(54124, OK)],
}


@unittest.skipUnless(os.path.isdir(PUBLIC), "%s is not there" % PUBLIC)
class Public(unittest.TestCase):
    maxDiff = None

    def of(self, name):
        return sessions(documents(os.path.join(PUBLIC, name)))

    def test_mail_sessions(self):
        for name, want in VERDICTS.items():
            with self.subTest(capture=name):
                mail = [d for d in self.of(name) if d["destination"]["port"] in (143, 993)]
                self.assertEqual(sorted((d["source"]["port"], d["event"]["reason"]) for d in mail), sorted(want))

    # Real faults of mail's companions there, read with tshark: two SYNs answered by RST.
    ELSEWHERE = ["zeek+zeek+pop3.pcap: reset.connection_refused"] * 2

    def test_no_false_alarm_elsewhere(self):
        with open(PUBLIC + ".tsv", encoding="utf-8", newline="") as file:
            others = [r["file"] for r in csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE) if r["category"] != "imap"]
        self.assertGreater(len(others), 40)
        wrong = []
        for name in others:
            path = os.path.join(PUBLIC, name)
            found = sessions(documents(path)) if os.path.isfile(path) else []
            wrong += ["%s: %s" % (name, d["event"]["reason"]) for d in found if d["imapwhy"]["verdict"]["outcome"] == "failed"]
        self.assertEqual(wrong, self.ELSEWHERE)


if __name__ == "__main__":
    unittest.main()
