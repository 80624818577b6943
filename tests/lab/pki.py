"""The lab's own certificate authority, and the names that its servers go by."""
import os
import shutil
import subprocess

WORDS = "amber birch cedar delta ember fjord grove harbor inlet juniper kestrel lagoon meadow nimbus orchard pebble quarry rowan".split()
HEADS = ("imap", "mail", "imap", "mx", "post", "imap4", "webmail", "secure.mail")
TAILS = ("example", "example.org", "example.net", "test", "mail.example.com")
KEYS = (["-newkey", "rsa:2048"], ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1"], ["-newkey", "rsa:2048"], ["-newkey", "rsa:3072"])
UNTRUSTED = "untrusted"
QUICK = KEYS[1]
# What antivirus programs and firewalls call the authorities that they sign with.
PRODUCTS = {
    "avast": "/O=AVAST Software/CN=Avast Web\\/Mail Shield Root",
    "kaspersky": "/O=AO Kaspersky Lab/CN=Kaspersky Anti-Virus Personal Root Certificate",
    "eset": "/O=ESET, spol. s r. o./CN=ESET SSL Filter CA",
    "fortinet": "/O=Fortinet/CN=Fortinet_CA_SSL",
    "zscaler": "/O=Zscaler Inc./CN=Zscaler Root CA",
    "bitdefender": "/O=Bitdefender/CN=Bitdefender Personal CA.Net-Defender",
}


def openssl(*argv):
    subprocess.run(["openssl", *argv], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def authority(folder, name, title):
    openssl(
        "req",
        "-x509",
        "-newkey",
        "rsa:2048",
        "-nodes",
        "-days",
        "3000",
        "-subj",
        title,
        "-keyout",
        "%s/%s.key" % (folder, name),
        "-out",
        "%s/%s.pem" % (folder, name),
    )


def leaf(folder, name, host, key, issuer="ca", dates=None, alt=None, usage="serverAuth"):
    """A certificate for a host: NAME.pem (with its issuer behind it) and NAME.key.

    `issuer` may be a path; `key` is the words of a new key, or a key's file."""
    base, issuer = "%s/%s" % (folder, name), issuer if "/" in issuer else "%s/%s" % (folder, issuer)
    if isinstance(key, str):
        shutil.copy(key, base + ".key")
        openssl("req", "-new", "-key", base + ".key", "-subj", "/CN=" + host, "-out", base + ".csr")
    else:
        openssl("req", "-new", *key, "-nodes", "-subj", "/CN=" + host, "-keyout", base + ".key", "-out", base + ".csr")
    with open(base + ".ext", "w") as out:
        out.write("subjectAltName=%s\nextendedKeyUsage=%s\n" % (alt or "DNS:" + host, usage))
    if dates:
        with open(base + ".cnf", "w") as out:
            out.write(
                "[ca]\ndefault_ca=d\n[d]\ndatabase=%s.db\nserial=%s.srl\nnew_certs_dir=%s\ndefault_md=sha256\npolicy=p\n[p]\ncommonName=supplied\n"
                % (base, base, folder)
            )
        open(base + ".db", "w").close()
        openssl(
            "ca",
            "-batch",
            "-rand_serial",
            "-notext",
            "-config",
            base + ".cnf",
            "-in",
            base + ".csr",
            "-cert",
            issuer + ".pem",
            "-keyfile",
            issuer + ".key",
            "-extfile",
            base + ".ext",
            "-startdate",
            dates[0],
            "-enddate",
            dates[1],
            "-out",
            base + ".pem",
        )
    else:
        openssl(
            "x509",
            "-req",
            "-in",
            base + ".csr",
            "-CA",
            issuer + ".pem",
            "-CAkey",
            issuer + ".key",
            "-CAserial",
            base + ".srl",
            "-CAcreateserial",
            "-extfile",
            base + ".ext",
            "-days",
            "300",
            "-out",
            base + ".pem",
        )
    with open(base + ".pem", "a") as out, open(issuer + ".pem") as chain:
        out.write(chain.read())
    both(base)


def both(base):
    with open(base + ".both", "w") as out:
        out.write(open(base + ".pem").read() + open(base + ".key").read())


def self_signed(folder, name, host, key):
    base = "%s/%s" % (folder, name)
    shutil.copy(key, base + ".key")
    openssl(
        "req", "-x509", "-key", base + ".key", "-days", "300", "-subj", "/CN=" + host, "-addext", "subjectAltName=DNS:" + host, "-out", base + ".pem"
    )
    both(base)


def faulty(folder, name, host):
    """The same host with a certificate that no client should take."""
    key = "%s/%s.key" % (folder, name)
    leaf(folder, name + "-expired", host, key, dates=("20240301000000Z", "20250301000000Z"))
    leaf(folder, name + "-notyet", host, key, dates=("20440301000000Z", "20450301000000Z"))
    leaf(folder, name + "-purpose", host, key, usage="clientAuth")
    leaf(folder, name + "-unknown", host, key, issuer=UNTRUSTED)
    leaf(folder, name + "-wrongname", "other." + WORDS[len(host) % len(WORDS)] + ".example", key)
    self_signed(folder, name + "-selfsigned", host, key)


def product_file(product):
    return "product-" + product


def make(folder, rng, count=8):
    """Makes the authority, `count` hosts' certificates and a folder of trusted roots; the list of (name of files, host)."""
    os.makedirs(folder + "/certs")
    authority(folder, "ca", "/O=Lab Trust Services/CN=Lab Root R1")
    for product, title in PRODUCTS.items():
        authority(folder, product_file(product), title)
    authority(folder, UNTRUSTED, "/O=Nobody/CN=Unknown Root")
    hosts = []
    for i in range(count):
        host = "%s.%s.%s" % (rng.choice(HEADS), WORDS[rng.randrange(len(WORDS))], rng.choice(TAILS))
        leaf(folder, "host%d" % i, host, KEYS[i % len(KEYS)])
        faulty(folder, "host%d" % i, host)
        hosts.append(("host%d" % i, host))
    with open(folder + "/certs/ca-certificates.crt", "w") as out:
        out.write(open(folder + "/ca.pem").read())
    with open(folder + "/certs/lab-root.pem", "w") as out:
        out.write(open(folder + "/ca.pem").read())
    openssl("rehash", folder + "/certs")
    return hosts
