// Node's imapflow as a client of the lab: client_imapflow.js JOB.json (see clients.py).
const { readFileSync } = require('fs');
const { ImapFlow } = require('imapflow');
const job = JSON.parse(readFileSync(process.argv[2]));

async function main() {
	const client = new ImapFlow({
		host: job.host, port: job.port, secure: job.tls === 'implicit', doSTARTTLS: job.tls === 'starttls', logger: false,
		auth: { user: job.user, pass: job.passwords[job.passwords.length - 1] }, verifyOnly: job.op === 'check',
		connectionTimeout: job.seconds * 1000, greetingTimeout: job.seconds * 1000, socketTimeout: (job.seconds + 2) * 1000,
		tls: { maxVersion: job.max ? 'TLSv' + job.max : undefined },
	});
	client.on('error', error => console.log('error', error.message));
	await client.connect();
	if (job.op === 'check') return;
	const lock = await client.getMailboxLock('INBOX');
	for await (const message of client.fetch('1:*', { source: true, flags: true })) message.source.length;
	lock.release();
	if (job.op === 'idle') await Promise.race([client.idle(), new Promise(done => setTimeout(done, (job.idle || 4) * 1000))]);
	if (job.end === 'close') client.close();
	else await client.logout();
}
main().then(() => process.exit(0), error => { console.log('failed', error.message); process.exit(1); });
