"""The lab's own certificate authority, and the names that its servers go by."""
import os
import subprocess

WORDS = "amber birch cedar delta ember fjord grove harbor inlet juniper kestrel lagoon meadow nimbus orchard pebble quarry rowan".split()
HEADS = ("imap", "mail", "imap", "mx", "post", "imap4", "webmail", "secure.mail")
TAILS = ("example", "example.org", "example.net", "test", "mail.example.com")
KEYS = (["-newkey", "rsa:2048"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["-newkey", "rsa:2048"], ["-newkey", "rsa:3072"])
UNTRUSTED = "untrusted"


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(folder, name, title):
    openssl("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "3000", "-subj", title, "-keyout", "%s/%s.key" % (folder, name), "-out", "%s/%s.pem" % (folder, name))


def leaf(folder, name, host, key, issuer="ca", days=300, start=None, alt=None):
    """A certificate for a host: NAME.pem (with its issuer behind it) and NAME.key."""
    base = "%s/%s" % (folder, name)
    openssl("req", "-new", *key, "-nodes", "-subj", "/CN=" + host, "-keyout", base + ".key", "-out", base + ".csr")
    with open(base + ".ext", "w") as out:
        out.write("subjectAltName=%s\nextendedKeyUsage=serverAuth\n" % (alt or "DNS:" + host))
    when = ["-days", str(days)] if not start else ["-not_before", start[0], "-not_after", start[1]]
    openssl("x509", "-req", "-in", base + ".csr", "-CA", "%s/%s.pem" % (folder, issuer), "-CAkey", "%s/%s.key" % (folder, issuer), "-CAcreateserial", "-extfile", base + ".ext", *when, "-out", base + ".pem")
    with open(base + ".pem", "a") as out, open("%s/%s.pem" % (folder, issuer)) as chain:
        out.write(chain.read())
    with open(base + ".both", "w") as out:
        out.write(open(base + ".pem").read() + open(base + ".key").read())


def make(folder, rng, count=8):
    """Makes the authority, `count` hosts' certificates and a folder of trusted roots; the list of (name of files, host)."""
    os.makedirs(folder + "/certs")
    authority(folder, "ca", "/O=Lab Trust Services/CN=Lab Root R1")
    authority(folder, UNTRUSTED, "/O=Nobody/CN=Unknown Root")
    hosts = []
    for i in range(count):
        host = "%s.%s.%s" % (rng.choice(HEADS), WORDS[rng.randrange(len(WORDS))], rng.choice(TAILS))
        leaf(folder, "host%d" % i, host, KEYS[i % len(KEYS)])
        hosts.append(("host%d" % i, host))
    with open(folder + "/certs/ca-certificates.crt", "w") as out:
        out.write(open(folder + "/ca.pem").read())
    with open(folder + "/certs/lab-root.pem", "w") as out:
        out.write(open(folder + "/ca.pem").read())
    openssl("rehash", folder + "/certs")
    return hosts
