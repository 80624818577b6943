"""The mail clients of the lab: how each is told, headless, to log in and to do what a scenario asks.

A client is a function (job) -> (argv, environment, standard input's text or None). `job` has host, port, tls ("none", "starttls",
"implicit"), user, password, passwords (all tries of one session, for clients that can), op ("sync", "check": log in and out at once,
"idle"), seconds (how long it waits for an answer), dir (an own empty folder), ca (file of trusted roots), messages, and more from the step.
"""
import json
import os
import shutil
import subprocess
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
NODE = [""]


def put(job, name, text, mode=0o600):
    path = os.path.join(job.dir, name)
    with open(path, "w") as out:
        out.write(text)
    os.chmod(path, mode)
    return path


def home(job):
    return dict(os.environ, HOME=job.dir, TERM="xterm", LC_ALL="C.UTF-8", SSLKEYLOGFILE="")


def curl(job):
    scheme = "imaps" if job.tls == "implicit" else "imap"
    argv = ["curl", "-sS", "-m", str(job.seconds), "--user", "%s:%s" % (job.user, job.password)] + ["--ssl-reqd"] * (job.tls == "starttls")
    base = "%s://%s:%d/" % (scheme, job.host, job.port)
    mail = put(job, "mail", "From: Sender <a@sender.example>\r\nSubject: A draft\r\n\r\n" + "A line of it.\r\n" * 800) if job.op == "append" else None
    tail = {
        "check": [base, "-X", "NOOP"],
        "list": [base],
        "append": [base + "INBOX", "-T", mail],
        "examine": [base, "-X", "EXAMINE INBOX"],
    }
    return argv + tail.get(job.op, [base + "INBOX;MAILINDEX=1"]) + ["-o", "/dev/null"] + list(job.more.get("args", ())), home(job), None


def mbsync(job):
    kind = {"none": "None", "starttls": "STARTTLS", "implicit": "IMAPS"}[job.tls]
    path = put(
        job,
        "mbsyncrc",
        'IMAPAccount a\nHost %s\nPort %d\nUser %s\nPass "%s"\nSSLType %s\nCertificateFile %s\nTimeout %d\n'
        'AuthMechs %s\n\nIMAPStore far\nAccount a\n\nMaildirStore near\nPath %s/m/\nInbox %s/m/INBOX\n'
        'SubFolders Verbatim\n\nChannel c\nFar :far:\nNear :near:\nPatterns INBOX\nCreate Near\nSyncState *\n'
        % (job.host, job.port, job.user, job.password, kind, job.ca, job.seconds, job.more.get("mechanism", "LOGIN PLAIN"), job.dir, job.dir),
    )
    os.makedirs(job.dir + "/m", exist_ok=True)
    return ["mbsync", "-c", path] + (["-l"] if job.op in ("check", "list") else []) + ["c"], home(job), None


def fetchmail(job):
    tls = {"none": "sslproto ''", "starttls": "sslproto 'TLS1.2+' sslcertck", "implicit": "ssl sslproto 'TLS1.2+' sslcertck"}[job.tls]
    path = put(
        job,
        "fetchmailrc",
        'set no bouncemail\npoll %s protocol imap port %d timeout %d user "%s" password "%s" %s %s sslcertfile %s mda "cat >/dev/null"\n'
        % (job.host, job.port, job.seconds, job.user, job.password, tls, "idle" if job.op == "idle" else "fetchall keep", job.ca),
    )
    return (
        ["fetchmail", "-f", path, "-v", "--nosyslog", "--pidfile", job.dir + "/pid"] + ["-c"] * (job.op == "check"),
        dict(home(job), FETCHMAILHOME=job.dir),
        None,
    )


def getmail(job):
    kind = "SimpleIMAPSSLRetriever" if job.tls == "implicit" else "SimpleIMAPRetriever"
    os.makedirs(job.dir + "/m/cur"), os.makedirs(job.dir + "/m/new"), os.makedirs(job.dir + "/m/tmp")
    put(
        job,
        "getmailrc",
        '[retriever]\ntype = %s\nserver = %s\nport = %d\nusername = %s\npassword = %s\ntimeout = %d\n'
        'mailboxes = ("INBOX",)\n%s\n[destination]\ntype = Maildir\npath = %s/m/\n\n[options]\nverbose = 1\n'
        'read_all = true\ndelete = false\n'
        % (kind, job.host, job.port, job.user, job.password, job.seconds, "ca_certs = %s\n" % job.ca if job.tls == "implicit" else "", job.dir),
    )
    return ["getmail", "--getmaildir", job.dir], home(job), None


def under_terminal(job, argv, keys):
    """A client that wants a terminal gets one; `keys` is what terminal.py is to type, and when."""
    return [sys.executable, "-SEI", HERE + "/terminal.py", put(job, "keys.json", json.dumps(keys)), *argv], home(job), None


def mutt(job, program="neomutt"):
    scheme = "imaps" if job.tls == "implicit" else "imap"
    path = put(
        job,
        "muttrc",
        'set imap_user="%s"\nset imap_pass="%s"\nset folder="%s://%s:%d/"\nset spoolfile="%s://%s:%d/INBOX"\n'
        'set ssl_starttls=%s\nset ssl_force_tls=%s\nset timeout=1\nset mail_check=60\nset certificate_file="%s"\n'
        'set ssl_ca_certificates_file="%s"\nset connect_timeout=%d\nset header_cache=""\nset imap_authenticators="%s"\n'
        'set record=""\nset quit=yes\nset confirmappend=no\nset wait_key=no\nset sleep_time=0\n%s'
        % (
            job.user,
            job.password,
            scheme,
            job.host,
            job.port,
            scheme,
            job.host,
            job.port,
            "yes" if job.tls == "starttls" else "no",
            "no" if job.tls == "none" else "yes",
            job.ca,
            job.ca,
            job.seconds,
            job.more.get("mechanism", "login"),
            "" if program == "mutt" else "set imap_passive=no\n",
        ),
    )
    stay = job.more.get("idle", 6) if job.op == "idle" else 0.5
    return under_terminal(job, [program, "-F", path], [["Msgs:", job.seconds, ""], [None, stay, "q"], [None, 1, "q"], [None, 1, "q"]])


def alpine(job):
    kind = {"none": "/notls", "starttls": "/tls", "implicit": "/ssl"}[job.tls]
    path = put(
        job,
        "pinerc",
        'personal-name=X\nuser-domain=here.example\ninbox-path={%s:%d/imap%s/user="%s"}INBOX\n'
        'feature-list=quit-without-confirm,enable-suspend,no-enable-msg-view-urls\npersonal-print-command=\n'
        'last-version-used=9.99\nlast-time-prune-questioned=999.9\nssl-ciphers=\n'
        % (job.host, job.port, kind, job.user),
    )
    stay = job.more.get("idle", 6) if job.op == "idle" else 1
    return under_terminal(
        job,
        ["alpine", "-p", path, "-n", "1"],
        [
            ["password:", job.seconds, job.password + "\r"],
            [None, 3 + stay, "\x03"],
            [None, 1, "q"],
            [None, 1, "y"],
            [None, 0.5, "q"],
            [None, 0.5, "y"],
        ],
    )


def imapfilter(job):
    tls = {"none": "", "starttls": "", "implicit": " ssl = 'auto',"}[job.tls]
    path = put(
        job,
        "config.lua",
        "options.timeout = %d\noptions.certificates = %s\noptions.starttls = %s\n"
        "account = IMAP {server = '%s', port = %d, username = '%s', password = '%s',%s}\n%s"
        % (
            job.seconds,
            "true" if job.more.get("strict") else "false",
            "true" if job.tls == "starttls" else "false",
            job.host,
            job.port,
            job.user,
            job.password,
            tls,
            "account.INBOX:check_status()\nr = account.INBOX:is_unseen()\n" if job.op != "check" else "",
        ),
    )
    return ["imapfilter", "-c", path], home(job), None


def offlineimap(job):
    tls = {"none": "ssl = no\nstarttls = no\n", "starttls": "ssl = no\nstarttls = yes\n", "implicit": "ssl = yes\n"}[job.tls]
    path = put(
        job,
        "offlineimaprc",
        "[general]\naccounts = a\nmetadata = %s/meta\nmaxsyncaccounts = 1\nui = basic\nsocktimeout = %d\n[Account a]\n"
        "localrepository = near\nremoterepository = far\n[Repository near]\ntype = Maildir\nlocalfolders = %s/m\n"
        "[Repository far]\ntype = IMAP\nremotehost = %s\nremoteport = %d\nremoteuser = %s\nremotepass = %s\n"
        "sslcacertfile = %s\nmaxconnections = 1\nauth_mechanisms = %s\nreadonly = true\n%s"
        % (job.dir, job.seconds, job.dir, job.host, job.port, job.user, job.password, job.ca, job.more.get("mechanism", "LOGIN"), tls),
    )
    return ["offlineimap", "-c", path, "-o", "-u", "basic"] + (["--info"] if job.op == "check" else []), home(job), None


def by_script(job, argv):
    path = put(
        job,
        "job.json",
        json.dumps(
            dict(
                job.more, host=job.host, port=job.port, tls=job.tls, user=job.user, passwords=job.passwords, op=job.op, seconds=job.seconds, ca=job.ca
            )
        ),
    )
    return argv + [path], home(job), None


def imaplib(job):
    return by_script(job, [sys.executable, HERE + "/client_imaplib.py"])


def perl(job):
    return by_script(job, ["perl", HERE + "/client_perl.pl"])


def imapflow(job):
    argv, env, text = by_script(job, ["node", HERE + "/client_imapflow.js"])
    return argv, dict(env, NODE_PATH=NODE[0], NODE_EXTRA_CA_CERTS=job.ca), text


def raw(job):
    """A socket and a script of lines: `lines` in the step, as client_raw.py says."""
    return by_script(job, [sys.executable, HERE + "/client_raw.py"])


def crowd(job):
    """Many devices, each with an address of its own: client_crowd.py."""
    return by_script(job, [sys.executable, HERE + "/client_crowd.py"])


def openssl(job):
    """OpenSSL's s_client: `args` are more of its words."""
    argv = [
        "openssl",
        "s_client",
        "-connect",
        "%s:%d" % (job.host, job.port),
        "-servername",
        job.host,
        "-CAfile",
        job.ca,
        "-verify_return_error",
        "-verify_hostname",
        job.host,
        "-quiet",
    ]
    return argv + ["-starttls", "imap"] * (job.tls == "starttls") + list(job.more.get("args", ())), home(job), None


def gnutls(job):
    argv = ["gnutls-cli", "-p", str(job.port), job.host, "--x509cafile", job.ca] + ["--starttls-proto=imap"] * (job.tls == "starttls")
    return argv + list(job.more.get("args", ())), home(job), None


def nagios(job):
    """The health check of the monitoring plugins: `args` are more of its words (-D 7: the certificate's date alone is looked at)."""
    inside = ["-S", "--sni=" + job.host] * (job.tls == "implicit")
    argv = [PROGRAMS["nagios"], "-H", job.host, "-p", str(job.port), "-t", str(job.seconds)] + inside
    return argv + list(job.more.get("args", ())), home(job), None


CHECKS = {  # what follows its `tcp-check connect`
    "connect": [],
    "banner": [r"expect string *\ OK"],
    "capability": [r"expect string *\ OK", r"send a\ CAPABILITY\r\n", r"expect string a\ OK"],
    "logout": [r"expect string *\ OK", r"send a\ LOGOUT\r\n", r"expect string BYE"],
}


def balancer(job):
    """HAProxy's health check of a server behind it, every `every` ms: `how` it asks (CHECKS)."""
    connects = "connect" + (" ssl sni " + job.host if job.tls == "implicit" else "")
    path = put(
        job,
        "haproxy.cfg",
        "defaults\n mode tcp\n timeout connect 4s\n timeout client 9s\n timeout server 9s\n timeout check %ds\nfrontend f\n bind 127.0.0.1:19143\n"
        " default_backend b\nbackend b\n option tcp-check\n%s server one %s:%d check inter %d verify none\n"
        % (job.seconds, "".join(" tcp-check %s\n" % line for line in [connects] + CHECKS[job.more["how"]]), job.host, job.port, job.more["every"]),
    )
    return [PROGRAMS["balancer"], "-db", "-f", path], home(job), None


KINDS = {
    "balancer": balancer,
    "nagios": nagios,
    "openssl": openssl,
    "gnutls": gnutls,
    "curl": curl,
    "mbsync": mbsync,
    "fetchmail": fetchmail,
    "getmail": getmail,
    "neomutt": mutt,
    "alpine": alpine,
    "imapfilter": imapfilter,
    "offlineimap": offlineimap,
    "imaplib": imaplib,
    "perl": perl,
    "imapflow": imapflow,
    "raw": raw,
    "crowd": crowd,
}
PROGRAMS = {"balancer": "/usr/sbin/haproxy", "nagios": "/usr/lib/nagios/plugins/check_imap", "gnutls": "gnutls-cli", "imaplib": "python3", "imapflow": "node", "raw": "python3", "crowd": "python3"}
PACKAGE = {
    "balancer": "haproxy",
    "nagios": "monitoring-plugins-basic",
    "openssl": "openssl",
    "gnutls": "gnutls-bin",
    "curl": "curl",
    "mbsync": "isync",
    "fetchmail": "fetchmail",
    "getmail": "getmail6",
    "neomutt": "neomutt",
    "alpine": "alpine",
    "imapfilter": "imapfilter",
    "offlineimap": "offlineimap3",
    "imaplib": "python3",
    "perl": "libmail-imapclient-perl",
    "imapflow": "nodejs",
    "raw": "python3",
    "crowd": "python3",
}
NO_STARTTLS = ("getmail",)
MANY_TRIES = ("imaplib", "perl", "raw")


def missing():
    """{client: why it can't run here}."""
    found = {}
    for name in KINDS:
        if not shutil.which(PROGRAMS.get(name, name)):
            found[name] = "%s is not installed" % PROGRAMS.get(name, name)
    if not os.path.isdir(NODE[0] + "/imapflow"):
        found["imapflow"] = "imapflow is not installed"
    return found


def version(name):
    """What the client says it is, for the label."""
    if name in ("imaplib", "raw", "crowd"):
        return "python %s %d.%d" % ("raw socket" if name == "raw" else "imaplib", *sys.version_info[:2])
    if name == "imapflow":
        with open(NODE[0] + "/imapflow/package.json") as text:
            return "imapflow %s (node)" % json.load(text)["version"]
    done = subprocess.run(["dpkg-query", "-W", "-f=${Version}", PACKAGE[name]], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    return (
        "%s %s" % ({"mbsync": "isync", "perl": "perl Mail::IMAPClient"}.get(name, name), done.stdout.split("-")[0].split("+")[0].split(":")[-1])
    ).strip()
