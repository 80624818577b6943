"""What server texts mean: rules/server-texts.yaml, and the shape of the data files beside it."""
import os
import re
import unittest

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))


def load(name):
    with open(os.path.join(ROOT, "rules", name), encoding="utf-8") as f:
        return yaml.safe_load(f)


ROWS = load("server-texts.yaml")


def words():
    with open(os.path.join(ROOT, "analyzer", "facts", "words.def"), encoding="utf-8") as f:
        line = re.search(r"WORDS\(refusal,(.*)\)", f.read()).group(1)
    return set(re.findall(r"WORD\((\w+)\)", line))


def meaning(where, status, code, text):
    """The first row that fits; `text` stands behind the code, as on the wire."""
    whole = ("[%s] %s" % (code, text) if code else text).lower()
    for row in ROWS:
        if where not in row["where"] or status not in row.get("status", [status]):
            continue
        if "code" in row and row["code"] != code.split(" ")[0].upper():
            continue
        if "text" in row and row["text"].lower() not in whole:
            continue
        return row["means"]
    return "unclassified"


TABLE = """
login|no|AUTHENTICATIONFAILED|Authentication failed.|invalid_credentials
login|no|UNAVAILABLE|Temporary authentication failure. [mx1:2026-11-02 10:11:12]|temporarily_unavailable
login|no||Temporary authentication failure.|temporarily_unavailable
login|no|AUTHORIZATIONFAILED|Authorization failed|not_authorized
login|no|EXPIRED|Authentication failed.|account_action_required
login|no|EXPIRED|Password expired, change it at https://webmail.example.test|account_action_required
login|no|CONTACTADMIN|Login disabled for this user|account_action_required
login|no|CONTACTADMIN|Anonymous login denied|account_action_required
login|no|ALERT|Unsupported authentication mechanism.|mechanism_unsupported
login|no||Unsupported authentication mechanism.|mechanism_unsupported
login|bad|ALERT|cleartext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.|plaintext_auth_disabled
command|bad|ALERT|Plaintext authentication not allowed without SSL/TLS, but your client did it anyway. If anyone was listening, the password was exposed.|plaintext_auth_disabled
login|no|PRIVACYREQUIRED|Cleartext authentication disallowed on non-secure (SSL/TLS) connections.|plaintext_auth_disabled
login|no|PRIVACYREQUIRED|Authentication disallowed on non-secure (SSL/TLS) connections.|plaintext_auth_disabled
login|no|LIMIT|Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)|connection_limit
login|no|UNAVAILABLE|Maximum number of connections from user+IP exceeded (mail_max_userip_connections=10)|connection_limit
bye|bye||Connection queue full|connection_limit
greeting|bye||Connection queue full|connection_limit
bye|bye||Disconnected for inactivity.|autologout
bye|bye||Disconnected for inactivity during authentication.|autologout
bye|bye||Timeout while finishing login.|temporarily_unavailable
bye|bye|UNAVAILABLE|Internal login failure. Refer to server log for more information.|temporarily_unavailable
login|no|UNAVAILABLE|Internal error occurred. Refer to server log for more information.|temporarily_unavailable
bye|bye||Internal error occurred. Refer to server log for more information.|temporarily_unavailable
bye|bye||Auth process broken|temporarily_unavailable
greeting|ok||Waiting for authentication process to respond..|temporarily_unavailable
greeting|ok||Dovecot (Debian) ready.|unclassified
login|no|UNAVAILABLE|Account is temporarily unavailable.|temporarily_unavailable
login|no|SERVERBUG|Account is temporarily unavailable.|temporarily_unavailable
bye|bye||Too many invalid IMAP commands.|protocol_error
command|bad||Error in IMAP command received by server.|protocol_error
login|bad||Error in IMAP command received by server.|protocol_error
command|bad||Error in IMAP command XFROB: Unknown command (0.001 + 0.000 secs).|protocol_error
command|bad||First parameter in line is IMAP's command tag, not the command name. Add that before the command, like: a login user pass|protocol_error
bye|bye||Server shutting down.|maintenance
greeting|bye||Server shutting down|maintenance
bye|bye||IMAP session state is inconsistent, please relogin.|mailbox_unavailable
bye|bye||FETCH failed: Internal error|mailbox_unavailable
command|no|SERVERBUG|Internal error occurred. Refer to server log for more information. [2026-11-02 10:11:12]|temporarily_unavailable
command|no|OVERQUOTA|Quota exceeded (mailbox for user is full)|over_quota
command|no||Not enough disk quota|over_quota
command|no|LIMIT|Maximum number of mailboxes reached|over_quota
command|no|NONEXISTENT|Mailbox doesn't exist: X|mailbox_unavailable
command|no||Mailbox doesn't exist: Quota (0.001 + 0.000 secs).|mailbox_unavailable
command|no|INUSE|Mailbox is locked|mailbox_unavailable
command|no|SERVERBUG|Timeout while waiting for lock|mailbox_unavailable
command|no|NOPERM|Permission denied|mailbox_unavailable
command|no|CORRUPTION|Index file is damaged|mailbox_unavailable
command|bad||No mailbox selected.|protocol_error
command|bad|CLIENTBUG|Command pipelining results in ambiguity.|protocol_error
command|bad||TLS support isn't enabled.|unclassified
bye|bye|UNAVAILABLE|TLS initialization failed.|temporarily_unavailable
bye|bye||Logging out|logout
login|bad||Authentication aborted by client.|protocol_error
login|bad||Invalid base64 in response|protocol_error
login|no|REFERRAL imap://user@host/|Try this server instead.|not_authorized
login|no||Login failed: authentication failure|invalid_credentials
login|no||authentication failure|invalid_credentials
login|no||Login failed: generic failure|temporarily_unavailable
login|no||generic failure|temporarily_unavailable
login|no||Login failed: user not found|invalid_credentials
login|no||no mechanism available|mechanism_unsupported
login|no||encryption needed to use mechanism|plaintext_auth_disabled
login|no||Error authenticating|invalid_credentials
login|no||Invalid user|invalid_credentials
login|no||Login only available under a layer|plaintext_auth_disabled
login|no||Authenticate only available under a layer|plaintext_auth_disabled
login|no||Too many open connections (1 of 1 from [192.0.2.65], 0 of 1 for bob)|connection_limit
command|bad||Please login first|protocol_error
command|bad||Please select a mailbox first|protocol_error
login|bad||Already logged in|protocol_error
login|bad||Client canceled authentication|protocol_error
login|no|AUTHENTICATIONFAILED|Account locked due to too many failed logins|account_action_required
login|no||IMAP not permitted for this user|not_authorized
login|no||User account is not activated|account_action_required
login|no||LOGIN Service error|temporarily_unavailable
greeting|bye||Maximum number of clients reached|connection_limit
bye|bye||Your session has expired|autologout
bye|bye||Mailbox deleted|mailbox_unavailable
command|no||Storage exceeded|over_quota
bye|bye||Server is being upgraded and will be back shortly|maintenance
bye|bye|UNAVAILABLE|Scheduled downtime tonight|maintenance
bye|bye|ALERT|Down for maintenance until noon|maintenance
bye|bye||idle for too long|autologout
bye|bye||This is an IMAP server|protocol_error
command|bad||Invalid tag|protocol_error
command|bad||Null command|protocol_error
command|bad||Unrecognized command|protocol_error
bye|bye||Fatal error: Internal error|temporarily_unavailable
bye|bye||LOGOUT received|logout
command|no||Server(s) unavailable to complete operation|temporarily_unavailable
login|no||Server(s) unavailable to complete operation|temporarily_unavailable
command|no|REFERRAL imap://host/INBOX|Remote mailbox.|mailbox_unavailable
command|no||Mailbox does not exist|mailbox_unavailable
command|no||Mailbox is locked|mailbox_unavailable
command|no||Mailbox is currently reserved|mailbox_unavailable
command|no||Mailbox has been moved to another server|mailbox_unavailable
command|no||Mailbox format corruption detected|mailbox_unavailable
command|no||System I/O error|temporarily_unavailable
command|no||Permission denied|mailbox_unavailable
command|no||Over quota|over_quota
command|no||mail system storage has been exceeded|over_quota
command|no|ALERT|Mailbox is over 10 quota|over_quota
command|no|ALERT|Mailbox is at 92% of storage quota|none
login|no||Login failed.|invalid_credentials
bye|bye||Temporary problem, please try again later|temporarily_unavailable
login|no||STARTTLS required|plaintext_auth_disabled
bye|bye||IMAP access disabled for this account.|not_authorized
bye|bye||IMAP access disabled via insecure connection.|plaintext_auth_disabled
bye|bye|ALERT|Fatal error: TOO MANY CONSECUTIVE PROTOCOL VIOLATIONS|protocol_error
bye|bye|ALERT|Fatal error: write: Input/output error|temporarily_unavailable
command|no||Error in IMAP command received by server.|protocol_error
bye|bye||Courier-IMAP server shut down by signal.|maintenance
bye|bye||Courier-IMAP server shutting down|logout
bye|bye||Clock skew detected. Check the clock on the file server|temporarily_unavailable
command|no|ALERT|IMAP command too long.|protocol_error
command|no|ALERT|You exceeded your mail quota.|over_quota
command|no|ALERT|Cannot create message - no write permission or out of disk space.|over_quota
command|no||Unable to open this mailbox.|mailbox_unavailable
command|no||Mailbox does not exist, or must be subscribed to.|mailbox_unavailable
command|no|TRYCREATE|Mailbox is missing|mailbox_unavailable
command|no||Access denied for CREATE on INBOX.X|mailbox_unavailable
greeting|bye||Service not available imap.example.test IMAP4rev1|temporarily_unavailable
login|no||Invalid login credentials|invalid_credentials
bye|bye||Autologout|autologout
bye|bye||Autologout (idle for too long)|autologout
bye|bye||Killed (lost mailbox lock)|mailbox_unavailable
bye|bye|ALERT|IMAP4rev1 server crashing: out of memory|temporarily_unavailable
command|no||Disk error: Input/output error|temporarily_unavailable
command|bad||Command unrecognized: XFROB|protocol_error
bye|bye||imap.example.test IMAP4rev1 server terminating connection|logout
login|no||LOGIN failed|invalid_credentials
login|no||AUTHENTICATE failed|invalid_credentials
login|no||cleartext logins disabled|plaintext_auth_disabled
login|no||account does not have IMAP access enabled|not_authorized
login|no|ALERT|password must be changed before IMAP login permitted|account_action_required
login|no|ALERT|account undergoing maintenance; please try again later|maintenance
login|no||LOGIN failed (wrong host)|not_authorized
greeting|bye||mail.example.test Zimbra IMAP4rev1 server closing connection; service busy|connection_limit
bye|bye||mail.example.test Zimbra IMAP4rev1 server closing connection|logout
login|no||Invalid user name or password. Please use full email address as user name.|invalid_credentials
login|bad||Goodbye|rate_limited
login|bad||A SSL/TLS-connection is required for authentication.|plaintext_auth_disabled
login|bad||STARTTLS is required.|plaintext_auth_disabled
bye|bye||You will be disconnected because of timeout (30 minutes).|autologout
bye|bye||Excessive amount of data sent to server.|protocol_error
bye|bye||Have a nice day|logout
command|no||Your quota has been exceeded.|over_quota
command|no||Authenticate first|protocol_error
login|no|AUTHENTICATIONFAILED|Too many authentication attempts|rate_limited
login|no|LIMIT|Too many requests|rate_limited
command|no|LIMIT|Too many requests|rate_limited
login|no|LIMIT|Concurrent request limit reached|connection_limit
bye|bye||Connection timed out.|autologout
login|no|CONTACTADMIN|Database failure.|temporarily_unavailable
login|no||LOGIN failed. Invalid credentials.|invalid_credentials
login|no||LOGIN failed. Plain login / authentication are disabled.|plaintext_auth_disabled
login|no||AUTHENTICATE failed. Authentication failed.|invalid_credentials
bye|bye||Login failed too many times.|rate_limited
bye|bye||Unknown command.|protocol_error
bye|bye||IMAP4rev1 Server logging out|logout
command|no||SELECT failed. Failed to lock mailbox.|mailbox_unavailable
command|no||APPEND failed. Over quota.|over_quota
login|no||LOGIN failed. Invalid login/password for user id x@example.test|invalid_credentials
login|no||too many login attempts|rate_limited
bye|bye||Mailbox was deleted, have to disconnect.|mailbox_unavailable
login|bad||invalid command|protocol_error
login|bad||internal server error|temporarily_unavailable
login|no|AUTHENTICATIONFAILED|Invalid credentials (Failure)|invalid_credentials
login|no|ALERT|Application-specific password required: https://support.google.com/accounts/answer/185833 (Failure)|app_password_required
login|no|AUTHENTICATIONFAILED|Invalid credentials(Failure). Please use your application-specific password to log in|app_password_required
login|no|WEBALERT https://accounts.google.com/x|Web login required.|account_action_required
login|no|ALERT|Please log in via your web browser: https://support.google.com/mail/accounts/answer/78754 (Failure)|account_action_required
login|no|ALERT|Your account is not enabled for IMAP use. Please visit your Gmail settings page and enable your account for IMAP access. (Failure)|not_authorized
login|no|ALERT|IMAP access is disabled for your domain. Please contact your domain administrator for questions about this feature. (Failure)|not_authorized
login|no|ALERT|Too many simultaneous connections. (Failure)|connection_limit
login|no|OVERQUOTA|Account exceeded command or bandwidth limits. (Failure)|rate_limited
command|no|OVERQUOTA|Account exceeded command or bandwidth limits. (Failure)|rate_limited
command|no|THROTTLED|Slow down|rate_limited
command|ok||FETCH completed (Success) [THROTTLED]|unclassified
bye|bye||Session expired, please login again.|autologout
bye|bye||System Error|temporarily_unavailable
login|no||Temporary System Error (Failure)|temporarily_unavailable
login|bad||Invalid SASL argument|protocol_error
command|no||Some messages could not be FETCHed (Failure)|unclassified
command|no|NONEXISTENT|Unknown Mailbox: X (Failure)|mailbox_unavailable
login|no||LOGIN failed.|invalid_credentials
login|no||AUTHENTICATE failed.|invalid_credentials
login|no||Basic authentication is disabled.|mechanism_unsupported
login|no|AUTHENTICATIONFAILED|AuthFailed:LogonDenied-BasicAuthBlocked-<UserType:OutlookCom> LogonFailed-BasicAuthBlocked|mechanism_unsupported
bye|bye||Microsoft Exchange Server IMAP4 server signing off.|logout
login|no||LOGIN failed. Account is blocked. Login to your account via a web browser to verify your identity.|account_action_required
command|bad||User is authenticated but not connected.|not_authorized
bye|bye||Connection closed. 14|temporarily_unavailable
command|bad||Request is throttled. Suggested Backoff Time: 299993 milliseconds|rate_limited
login|no||Request is throttled. Suggested Backoff Time: 1000 milliseconds|rate_limited
login|no||Server Unavailable. 15|temporarily_unavailable
command|no||Server Unavailable. 15|temporarily_unavailable
bye|bye||Connection is closed. 13|autologout
bye|bye||Session invalidated - AccessTokenExpired|oauth_token_rejected
command|bad||Command Argument Error. 12|protocol_error
command|bad||Command received in Invalid state.|protocol_error
login|no|AUTHENTICATIONFAILED|LOGIN Invalid credentials|invalid_credentials
login|no||Incorrect username or password.|invalid_credentials
login|no|LIMIT|LOGIN Rate limit hit.|rate_limited
login|no|UNAVAILABLE|LOGIN failure. Server error--please try again after some time. Error code OCF12|temporarily_unavailable
command|no|UNAVAILABLE|UID FETCH Service is temporarily not available|temporarily_unavailable
command|bad|CLIENTBUG|Additional arguments found after last expected argument|protocol_error
login|no|AUTHENTICATIONFAILED|Authentication failed|invalid_credentials
login|no|AUTHENTICATIONFAILED|LOGIN invalid credentials or IMAP is disabled sc=abc|invalid_credentials
login|no|ALERT|You are yet to enable IMAP for your account. Please contact your administrator (Failure)|not_authorized
login|no|ALERT|Invalid credentials(Failure)|invalid_credentials
login|no||LOGIN Login error password error|invalid_credentials
command|no||SELECT Unsafe Login. Please contact kefu@188.com for help|account_action_required
login|no||Login fail. Account is abnormal, service is not open, password is incorrect, login frequency limited, or system is busy|invalid_credentials
login|no||Login fail. Please using authorized code to login.|app_password_required
login|no||LOGIN auth error|invalid_credentials
login|no||LOGIN GroupWise login failed|invalid_credentials
login|no||Account is temporarily unavailable|temporarily_unavailable
login|no|AUTH|authentication failed.|invalid_credentials
login|no||failed: Re-Authentication Failure|invalid_credentials
login|no||Login incorrect|invalid_credentials
login|no||LOGIN bad|invalid_credentials
login|no||incorrect password|invalid_credentials
login|no||Invalid email login|invalid_credentials
login|no||Too many concurrent connections|connection_limit
login|no|LIMIT|Too many login attempts, try again in 15 minutes|rate_limited
login|no|ALERT|Your mailbox has no valid license for this service|account_action_required
greeting|bye||Too many connections from your IP address|connection_limit
greeting|bye||Access denied for your host|access_denied
greeting|bye||Host not permitted|access_denied
greeting|bye||Your IP address has been blocked|access_denied
greeting|bye||Server temporarily unavailable, try again later|temporarily_unavailable
greeting|bye|UNAVAILABLE|Scheduled maintenance in progress|maintenance
greeting|bye||Server is shutting down for upgrade|maintenance
greeting|bye|ALERT|The maximum number of sessions is reached|connection_limit
bye|bye||Kicked by admin|maintenance
bye|bye||Disconnected by server|maintenance
bye|bye||Timeout after 1800 seconds of inactivity|autologout
bye|bye||The server died unexpectedly. Please contact your system administrator.|temporarily_unavailable
login|no||Login failed: IMAP service is disabled for this account|not_authorized
login|no||Your account has been temporarily locked|account_action_required
login|no||Account locked after too many failed login attempts|rate_limited
login|no||The account has been suspended|account_action_required
login|no||Mail file is not enabled for IMAP|not_authorized
login|no||Bad username/password|invalid_credentials
login|no||unknown user account|invalid_credentials
login|no||Invalid OAuth token|oauth_token_rejected
login|no||Login denied: mailbox full|over_quota
login|no||LDAP server is down|temporarily_unavailable
login|no||You must use TLS to log in|plaintext_auth_disabled
login|no||Login not allowed from this network|access_denied
bye|bye||Too many bad commands|protocol_error
login|no||IMAP login disabled for user|not_authorized
login|no|ALERT|Mailbox in use by another session|mailbox_unavailable
login|no||Authentication timed out|temporarily_unavailable
login|bad||LOGIN: command unknown or arguments invalid|protocol_error
bye|bye||Idle timeout, closing connection|autologout
command|no|ALREADYEXISTS|Mailbox already exists|unclassified
login|no||Zonk|unclassified
bye|bye||Zonk|unclassified
command|no||Zonk|unclassified
login|no||LOGIN failed for george@state.example|invalid_credentials
"""


class Meanings(unittest.TestCase):
    """One test a row of the table, made below."""


for _n, _line in enumerate(line for line in TABLE.strip().splitlines()):
    def _check(self, line=_line):
        where, status, code, text, expected = line.split("|")
        self.assertEqual(meaning(where, status, code, text), expected, line)
    setattr(Meanings, "test_%03d" % (_n + 1), _check)


class Shape(unittest.TestCase):
    def test_rows(self):
        known = words()
        for row in ROWS:
            self.assertLessEqual(set(row), {"where", "status", "code", "text", "means", "source"}, row)
            self.assertIn(row["means"], known, row)
            self.assertTrue(row["source"] and ("code" in row or row.get("text")), row)
            self.assertTrue(row["where"] and set(row["where"]) <= {"login", "bye", "command", "greeting"}, row)
            self.assertTrue(set(row.get("status", ["no"])) <= {"no", "bad", "bye", "ok"}, row)
            self.assertRegex(row.get("code", "A"), r"^[A-Z0-9/-]+$")

    def test_every_row_can_win(self):
        """No row stands behind one that takes all of its answers."""
        hidden = []
        for n, late in enumerate(ROWS):
            for early in ROWS[:n]:
                if (set(late["where"]) <= set(early["where"]) and set(late["status"]) <= set(early["status"])
                        and early.get("code") in (None, late.get("code"))
                        and early.get("text", "").lower() in late.get("text", "").lower()):
                    hidden.append("%s behind %s" % (late, early))
                    break
        self.assertEqual(hidden, [])

    def test_issuers(self):
        rows = load("interception-issuers.yaml")
        for row in rows:
            self.assertEqual(set(row), {"product", "kind", "issuer"}, row)
            self.assertIn(row["kind"], {"antivirus", "firewall", "proxy", "tool"})
            self.assertTrue(row["issuer"] and all(len(text) >= 5 for text in row["issuer"]), row)

        def product(issuer):
            return next((r["product"] for r in rows if any(t.lower() in issuer.lower() for t in r["issuer"])), None)
        self.assertEqual(product("CN=Avast Web/Mail Shield Root,O=Avast Web/Mail Shield"), "Avast Web/Mail Shield")
        self.assertEqual(product("O=Cisco,CN=Cisco Umbrella Primary SubCA"), "Cisco Umbrella")
        for public in ("C=US,O=Let's Encrypt,CN=R11", "C=US,O=Google Trust Services,CN=WR2", "C=US,O=DigiCert Inc,CN=DigiCert Global G2 TLS RSA SHA256 2020 CA1",
                       "C=US,O=Cisco Systems,CN=Cisco Meraki", "C=GB,O=Sectigo Limited,CN=Sectigo RSA Domain Validation Secure Server CA",
                       "C=US,O=Symantec Corporation,CN=Symantec Class 3 Secure Server CA - G4", "C=US,O=Amazon,CN=Amazon RSA 2048 M02", "CN=imap.example.test"):
            self.assertIsNone(product(public), public)

    def test_providers(self):
        rows = load("providers.yaml")
        self.assertGreaterEqual(len(rows), 40)
        seen = {}
        for row in rows:
            self.assertTrue(row["name"] and row["domains"] and row["imap"], row)
            self.assertTrue(set(row["login"]) <= {"oauth2", "password", "app_password"} and row["login"], row)
            for kind in ("imap", "pop3", "smtp"):
                for server in row.get(kind, []):
                    self.assertRegex(server["host"], r"^[a-z0-9.-]+$")
                    self.assertIn(server["security"], {"tls", "starttls"})
                    self.assertIsInstance(server["port"], int)
                    if kind == "imap":
                        self.assertIn((server["port"], server["security"]), {(993, "tls"), (143, "starttls"), (1143, "starttls")})
            for domain in row["domains"]:
                self.assertEqual(domain, domain.lower())
                self.assertNotIn(domain, seen, "%s: also of %s" % (domain, seen.get(domain)))
                seen[domain] = row["name"]


if __name__ == "__main__":
    unittest.main()
