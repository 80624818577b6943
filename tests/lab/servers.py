"""The servers of the lab: their configuration, written anew for each run, and how they are started and stopped.

A server runs in the namespace s1 (or s2) on the ports 143 and 993. `Server.options` come from the scenario:
version ("1.2"/"1.3": the highest TLS version it speaks), plaintext (False: LOGIN needs TLS), slow (seconds before any
login is answered), extra (text put into the server's own configuration), script (the scripted server's), cert (a name of
the lab's certificates), ports, users.
"""
import glob
import json
import os
import random
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
MAIL = 8  # uid and gid of Debian's user mail
TEXT = "the quick brown fox jumps over the lazy dog and a thousand more words follow it"


def message(rng, i, size):
    head = (
        "Return-Path: <a%d@sender.example>\nFrom: Sender %d <a%d@sender.example>\nTo: you@here.example\n"
        "Subject: note %d %s\nDate: Mon, %d Jan 2026 1%d:00:00 +0000\nMessage-ID: <%x@sender.example>\n"
        "MIME-Version: 1.0\nContent-Type: text/plain\n\n"
        % (i, i, i, i, " ".join(rng.sample(TEXT.split(), rng.randrange(1, 7))), rng.randrange(1, 28), rng.randrange(10), rng.getrandbits(64))
    )
    lines = [" ".join(rng.sample(TEXT.split(), 9)) for _ in range(max(1, size // 55))]
    return head + "\n".join(lines) + "\n"


def maildir(path, rng, messages):
    for sub in ("cur", "new", "tmp"):
        os.makedirs("%s/%s" % (path, sub), exist_ok=True)
    for i, text in enumerate(messages):
        with open(
            "%s/%s/%d.M%dP%d.lab" % (path, "new" if i % 3 else "cur", 1760000000 + i * 977, i, rng.randrange(9999)) + ("" if i % 3 else ":2,S"), "w"
        ) as out:
            out.write(text)


# Debian's own Python: Dovecot's unprivileged user may not be able to enter the folder of another one.
CHECKPASSWORD = """#!/usr/bin/python3 -SEI
import json,os,sys,time
user,word=os.read(3,512).decode().split(chr(0))[:2]
know=json.load(open(%r))
time.sleep(know.get('slow',0))
r=know['users'].get(user)
if not r or r['password']!=word: sys.exit(1)
os.environ['USER']=user
os.execv(sys.argv[1],sys.argv[1:])
"""


class Server:
    """What all servers share: users, the helper that knows them, the certificate, the log, stop and start."""

    software, tls_modes, started_by = "?", ("none", "starttls", "implicit"), ()

    def __init__(self, net, role, tmp, pki, cert, users, options, mailbox):
        self.net, self.role, self.tmp, self.pki, self.cert, self.users = net, role, tmp, pki, cert, users
        self.o, self.mailbox, self.proc, self.launched = options, mailbox, None, []
        os.makedirs(tmp)
        os.chmod(tmp, 0o755)
        self.keys = tmp + "/keys.log"
        open(self.keys, "w").close()
        os.chmod(self.keys, 0o666)
        self.env = dict(os.environ, LAB_KEYS=self.keys, LD_PRELOAD=pki + "/keylog.so", SSLKEYLOGFILE=self.keys, OPENSSL_CONF=self.openssl_conf())
        self.ports = [143, 993]

    def openssl_conf(self):
        """Holds every OpenSSL server to the scenario's highest TLS version, whatever settings it has of its own."""
        path = self.tmp + "/openssl.cnf"
        with open(path, "w") as out:
            out.write(
                "openssl_conf = c\n[c]\nssl_conf = s\n[s]\nsystem_default = d\n[d]\nMinProtocol = TLSv%s\nMaxProtocol = TLSv%s\n"
                % (self.o.get("min", "1.2").replace("1.0", "1"), self.o.get("version", "1.3"))
            )
        return path

    def launch(self, argv, **how):
        """Starts one of the server's programs, and remembers how: again() starts them all as they were."""
        self.launched.append((argv, how))
        return self.net.start(self.role, argv, **how)

    def again(self):
        for argv, how in self.launched:
            self.proc = self.net.start(self.role, argv, **how)
        for port in self.ports:
            self.net.wait_port(self.role, port)

    def write(self, name, text):
        path = os.path.join(self.tmp, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w") as out:
            out.write(text)
        return path

    def know(self, **more):
        """Writes the helper's users.json; also to change it in the middle of a scenario."""
        self.o.update(more)
        table = {u: {"password": p, "home": "%s/home/%s" % (self.tmp, u), "uid": MAIL, "gid": MAIL} for u, p in self.users.items()}
        self.write("users.json.new", json.dumps({"users": table, **{k: self.o[k] for k in ("slow", "slow_no", "fault") if k in self.o}}))
        os.replace(self.tmp + "/users.json.new", self.tmp + "/users.json")

    def homes(self):
        rng = random.Random(self.mailbox["seed"])
        for user in self.users:
            maildir(
                "%s/home/%s/Maildir" % (self.tmp, user),
                rng,
                [message(rng, i, rng.randrange(*self.mailbox["size"])) for i in range(self.mailbox["messages"])],
            )
        subprocess.run(["chown", "-R", "%d:%d" % (MAIL, MAIL), self.tmp + "/home"], check=True)

    def start_helper(self):
        self.know()
        self.launch(
            [sys.executable, "-SEI", HERE + "/backend.py", self.tmp + "/users.json", self.tmp + "/run/mux", self.tmp + "/authdaemon/socket", "9009"],
            log="helper.log",
        )
        self.net.wait_port(self.role, 9009)

    def start(self):
        raise NotImplementedError

    def ready(self):
        for port in self.ports:
            self.net.wait_port(self.role, port)

    def log(self):
        return "".join(open(path, errors="replace").read() for path in glob.glob(self.tmp + "/*.log") if path != self.keys)


class Dovecot(Server):
    """Dovecot with Maildir and a passwd-file (or, when it is to be slow, a checkpassword script)."""

    software = "dovecot"

    def config(self, imap="*:143", imaps="*:993"):
        rng = random.Random(self.mailbox["seed"])
        listeners = ""
        for name, where, tls in (("imap", imap, "no"), ("imaps", imaps, "yes")):
            address, _, port = where.rpartition(":")
            listeners += "  inet_listener %s {\n%s    port = %s\n    ssl = %s\n  }\n" % (
                name,
                "" if address == "*" else "    address = %s\n" % address,
                port,
                tls,
            )
        passdb = "driver = passwd-file\n  args = scheme=PLAIN username_format=%%u %s/passwd" % self.tmp
        if self.o.get("slow"):
            check = self.write("check", CHECKPASSWORD % (self.tmp + "/users.json"))
            os.chmod(check, 0o755)
            self.know()
            passdb = "driver = checkpassword\n  args = " + check
        return """
base_dir = {t}/run
state_dir = {t}/state
log_path = {t}/dovecot.log
auth_verbose = yes
protocols = imap
listen = *, ::
import_environment = TZ LAB_KEYS LD_PRELOAD OPENSSL_CONF
ssl = yes
ssl_cert = <{cert}.pem
ssl_key = <{cert}.key
ssl_min_protocol = TLSv1.2
disable_plaintext_auth = {disable}
auth_mechanisms = {mechs}
auth_failure_delay = {delay}
login_greeting = {greeting}
mail_location = maildir:{t}/home/%u/Maildir
first_valid_uid = 1
passdb {{
  {passdb}
}}
userdb {{
  driver = static
  args = uid={mail} gid={mail} home={t}/home/%u
}}
service imap-login {{
  chroot =
{listeners}}}
service anvil {{
  chroot =
}}
{extra}
""".format(
            t=self.tmp,
            cert=self.cert,
            disable="no" if self.o.get("plaintext", True) else "yes",
            mechs=rng.choice(("plain", "plain login", "plain")),
            mail=MAIL,
            delay=rng.choice(("2 secs", "2 secs", "1 secs", "3 secs")),
            greeting=rng.choice(("Dovecot ready.", "Dovecot (Debian) ready.", "IMAP4 service ready")),
            passdb=passdb,
            listeners=listeners,
            extra=self.o.get("extra", ""),
        )

    def start(self, imap="*:143", imaps="*:993"):
        self.homes()
        self.write("passwd", "".join("%s:%s\n" % pair for pair in self.users.items()))
        path = self.write("dovecot.conf", self.config(imap, imaps))
        self.proc = self.launch(["/usr/sbin/dovecot", "-F", "-c", path], log=os.path.basename(self.tmp) + "-start.log", env=self.env)


class Cyrus(Server):
    software = "cyrus-imapd"

    def start(self):
        self.start_helper()
        bin_ = "/usr/lib/cyrus/bin/"
        conf = self.write(
            "imapd.conf",
            """
configdirectory: {t}/cyrus
defaultpartition: default
partition-default: {t}/spool
cyrus_user: mail
admins: postmaster
allowplaintext: {plain}
sasl_pwcheck_method: saslauthd
sasl_saslauthd_path: {t}/run/mux
sasl_mech_list: PLAIN
virtdomains: userid
unixhierarchysep: yes
autocreate_quota: {quota}
autocreate_users: anyone
tls_server_cert: {cert}.pem
tls_server_key: {cert}.key
tls_versions: {versions}
{extra}
""".format(
                t=self.tmp,
                cert=self.cert,
                quota=self.o.get("quota", 0),
                plain="yes" if self.o.get("plaintext", True) else "no",
                versions="tls1_2 tls1_3" if self.o.get("version", "1.3") == "1.3" else "tls1_2",
                extra=self.o.get("extra", ""),
            ),
        )
        services = self.write(
            "cyrus.conf",
            'START {\n}\nSERVICES {\n imap cmd="imapd -C {c}" listen="143" prefork=0\n'
            ' imaps cmd="imapd -s -C {c}" listen="993" prefork=0\n}\nEVENTS {\n}\n'.replace(
                "{c}", conf
            ),
        )
        os.makedirs(self.tmp + "/cyrus/socket")
        os.makedirs(self.tmp + "/spool")
        os.makedirs(self.tmp + "/cyrus/proc")
        for name in ("db", "log", "msg", "ptclient", "user", "quota", "sieve", "sync"):
            os.makedirs("%s/cyrus/%s" % (self.tmp, name))
        os.chmod(self.cert + ".key", 0o644)
        subprocess.run(["chown", "-R", "%d:%d" % (MAIL, MAIL), self.tmp + "/cyrus", self.tmp + "/spool"], check=True)
        self.proc = self.launch(
            [bin_ + "master", "-D", "-C", conf, "-M", services, "-p", self.tmp + "/master.pid"],
            log="cyrus-master.log",
            binds=[("overlay:%s/usr" % packages("cyrus"), "/usr")],
            env=self.env,
        )

    def ready(self):
        super().ready()
        if not self.mailbox["messages"]:
            return
        users = {u: p for u, p in self.users.items()}
        rng = random.Random(self.mailbox["seed"])
        work = self.write(
            "fill.json",
            json.dumps(
                {"users": users, "messages": [message(rng, i, rng.randrange(*self.mailbox["size"])) for i in range(self.mailbox["messages"])]}
            ),
        )
        status, text = self.net.run(self.role, [sys.executable, HERE + "/fill.py", work], timeout=40)
        if status:
            raise RuntimeError("cyrus was not filled: " + text[-300:])


class Courier(Server):
    software = "courier-imap"

    def start(self):
        self.homes()
        self.start_helper()
        # GnuTLS has no DH parameters of its own here; the file must exist.
        env = dict(
            self.env,
            IMAP_CAPABILITY="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE",
            IMAP_KEYWORDS="1",
            IMAP_ACL="1",
            IMAP_CAPABILITY_TLS="IMAP4rev1 UIDPLUS CHILDREN NAMESPACE THREAD=ORDEREDSUBJECT THREAD=REFERENCES SORT QUOTA IDLE AUTH=PLAIN",
            IMAP_IDLE_TIMEOUT="60",
            IMAP_MAILBOX_SANITY_CHECK="0",
            IMAP_CHECK_ALL_FOLDERS="0",
            IMAP_USELOCKS="1",
            IMAP_ENHANCEDIDLE="0",
            IMAP_EMPTYTRASH="Trash:7",
            IMAP_TRASHFOLDERNAME="Trash",
            COURIERTLS="/usr/bin/couriertls",
            TLS_CERTFILE=self.cert + ".both",
            TLS_VERIFYPEER="NONE",
            TLS_PRIORITY="NORMAL" if self.o.get("version", "1.3") == "1.3" else "NORMAL:-VERS-TLS1.3",
            TLS_PROTOCOL="",
            IMAP_STARTTLS="YES",
            IMAP_TLS_REQUIRED="0" if self.o.get("plaintext", True) else "1",
            MAILDIRPATH="Maildir",
            **self.o.get("environment", {})
        )
        binds = [("overlay:%s/usr" % packages("courier"), "/usr"), (self.tmp + "/authdaemon", "/run/courier/authdaemon")]
        tcpd = [
            "/usr/sbin/couriertcpd",
            "-address=0",
            "-maxprocs=%d" % self.o.get("maxprocs", 40),
            "-maxperip=%d" % self.o.get("maxperip", 20),
            "-nodnslookup",
            "-noidentlookup",
        ]
        login = ["/usr/lib/courier/courier/imaplogin", "/usr/bin/imapd", "Maildir"]
        self.proc = self.launch(tcpd + ["143"] + login, log="courier.log", binds=binds, env=env)
        self.launch(
            tcpd + ["993", "/usr/bin/couriertls", "-server", "-tcpd", "-user=courier"] + login,
            log="courier.log",
            binds=binds,
            env=dict(env, IMAP_TLS="1"),
        )


class Fronted(Server):
    """A proxy in front of a Dovecot that listens on the loopback of the same namespace."""

    def backend(self):
        self.behind = Dovecot(self.net, self.role, self.tmp + "/behind", self.pki, self.cert, self.users, dict(self.o, plaintext=True), self.mailbox)
        self.behind.ports = [10143]
        self.behind.start("127.0.0.1:10143", "127.0.0.1:10993")
        self.net.wait_port(self.role, 10143)

    def again(self):
        self.behind.again()
        super().again()

    def log(self):
        return super().log() + self.behind.log()


class Nginx(Fronted):
    software = "nginx mail proxy + dovecot"

    def start(self):
        self.backend()
        self.start_helper()
        versions = "TLSv1.2 TLSv1.3" if self.o.get("version", "1.3") == "1.3" else "TLSv1.2"
        conf = self.write(
            "nginx.conf",
            """
load_module /usr/lib/nginx/modules/ngx_mail_module.so;
daemon off; master_process off; pid {t}/nginx.pid; error_log {t}/nginx.log info; user mail;
events {{ worker_connections 512; }}
mail {{
 server_name {host}; auth_http 127.0.0.1:9009/auth; proxy_pass_error_message on;
 imap_capabilities "IMAP4rev1" "UIDPLUS" "IDLE" "LITERAL+"; imap_auth plain;
 ssl_certificate {cert}.pem; ssl_certificate_key {cert}.key; ssl_protocols {versions};
 server {{ listen 143; listen [::]:143; protocol imap; starttls {starttls}; }}
 server {{ listen 993 ssl; listen [::]:993 ssl; protocol imap; }}
 {extra}
}}
""".format(
                t=self.tmp,
                host="mail.example",
                cert=self.cert,
                versions=versions,
                starttls="on" if self.o.get("plaintext", True) else "only",
                extra=self.o.get("extra", ""),
            ),
        )
        self.proc = self.launch(["/usr/sbin/nginx", "-e", self.tmp + "/nginx.log", "-c", conf], log="nginx-start.log", env=self.env)


class Stunnel(Fronted):
    software, tls_modes = "stunnel + dovecot", ("starttls", "implicit")

    def start(self):
        self.backend()
        conf = self.write(
            "stunnel.conf",
            "foreground = yes\npid =\noutput = {t}/stunnel.log\ndebug = 5\n[imaps]\naccept = :::993\n"
            "connect = 127.0.0.1:10143\ncert = {c}.pem\nkey = {c}.key\nsslVersionMax = TLSv{v}\n"
            "[imap]\naccept = :::143\nconnect = 127.0.0.1:10143\nprotocol = imap\ncert = {c}.pem\nkey = {c}.key\nsslVersionMax = TLSv{v}\n".format(
                t=self.tmp, c=self.cert, v=self.o.get("version", "1.3")
            ),
        )
        self.proc = self.launch(["/usr/bin/stunnel4", conf], log="stunnel-start.log", env=self.env)


class Haproxy(Fronted):
    software, tls_modes = "haproxy + dovecot", ("none", "implicit")

    def start(self):
        self.backend()
        conf = self.write(
            "haproxy.cfg",
            "global\n maxconn 200\ndefaults\n mode tcp\n timeout connect 5s\n timeout client 60s\n timeout server 60s\n"
            "frontend imaps\n bind :::993 v4v6 ssl crt {c}.both ssl-max-ver TLSv{v}\n default_backend d\n"
            "frontend imap\n bind :::143 v4v6\n default_backend d\nbackend d\n server one 127.0.0.1:10143 {x}\n".format(
                c=self.cert, v=self.o.get("version", "1.3"), x=self.o.get("extra", "")
            ),
        )
        self.proc = self.launch(["/usr/sbin/haproxy", "-db", "-f", conf], log="haproxy.log", env=self.env)


class Scripted(Server):
    software = "scripted"

    def start(self):
        script = dict(
            {
                "cert": self.cert + ".pem",
                "key": self.cert + ".key",
                "max": self.o.get("version"),
                "pki": self.pki,
                "passwords": list(self.users.values()),
                "messages": self.mailbox["messages"],
                "size": self.mailbox["size"][1],
            },
            **self.o.get("script", {})
        )
        self.write("script.json", json.dumps(script))
        self.ports = self.o.get("ports", [143, 993])
        words = ["%d%s" % (p, ",ssl" if p in self.o.get("tls_ports", [993]) else "") for p in self.ports]
        self.proc = self.launch(
            [sys.executable, "-SEI", HERE + "/scripted.py", self.tmp + "/script.json", *words],
            log="scripted.log",
            env={k: v for k, v in self.env.items() if k != "LD_PRELOAD"},
        )  # Python writes its keys itself


class Tool(Server):
    """A bare TLS server that speaks no IMAP: for handshakes that fail. `args` are more of its own words."""

    def start(self):
        self.ports = [993]
        words = [w.format(cert=self.cert, pki=self.pki) for w in self.o.get("args", ())]
        self.proc = self.launch(self.program() + words, log="tool.log", env=self.env)


class OpensslServer(Tool):
    software = "openssl s_server"

    def program(self):
        return ["/usr/bin/openssl", "s_server", "-accept", "993", "-cert", self.cert + ".pem", "-key", self.cert + ".key", "-quiet"]


class GnutlsServer(Tool):
    software = "gnutls-serv"

    def program(self):
        return ["/usr/bin/gnutls-serv", "-p", "993", "--echo", "--x509certfile", self.cert + ".pem", "--x509keyfile", self.cert + ".key"]


KINDS = {
    "openssl": OpensslServer,
    "gnutls": GnutlsServer,
    "dovecot": Dovecot,
    "cyrus": Cyrus,
    "courier": Courier,
    "nginx": Nginx,
    "stunnel": Stunnel,
    "haproxy": Haproxy,
    "scripted": Scripted,
}
PROGRAMS = {
    "dovecot": "/usr/sbin/dovecot",
    "nginx": "/usr/sbin/nginx",
    "stunnel": "/usr/bin/stunnel4",
    "haproxy": "/usr/sbin/haproxy",
    "openssl": "/usr/bin/openssl",
    "gnutls": "/usr/bin/gnutls-serv",
}
PACKAGES = [os.environ.get("LAB_PACKAGES", "")]


def packages(name):
    """Where the servers that Debian can't install beside each other are unpacked (see tests/setup.sh)."""
    return os.path.join(PACKAGES[0], name)
