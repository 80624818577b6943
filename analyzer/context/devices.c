/* Handshakes in a small ring by device, refused logins by client and server. */
#include "devices.h"

#define HANDSHAKES 16

struct device {
	struct aged aged;
	nanoseconds mail_failed[2]; /* reading, sending */
	uint32_t count;
	struct handshake handshake[HANDSHAKES];
};

struct account {
	struct aged aged;
	struct login_history logins;
};

const size_t devices_record = sizeof(struct device), devices_account_record = sizeof(struct account);

void devices_handshake(struct devices *d, const struct address *client, const struct handshake *handshake)
{
	uint8_t key[AGEING_KEY];

	key_address(key, client);
	struct device *device = ageing_take(d->devices, key, handshake->at.time);
	device->handshake[device->count++ % HANDSHAKES] = *handshake;
}

static void add(struct handshakes *sum, const struct handshake *h)
{
	bool answered = h->result == HANDSHAKE_ANSWERED;

	if (answered ? h->at.time > sum->newest.time || !sum->answered : !sum->answered && h->at.time > sum->newest.time)
		sum->newest = h->at;
	if (!answered) {
		sum->unanswered++;
		return;
	}
	sum->answered++;
	if (!h->rtt)
		return;
	if (!sum->rtt_least || h->rtt < sum->rtt_least)
		sum->rtt_least = h->rtt;
	if (h->rtt > sum->rtt_most)
		sum->rtt_most = h->rtt;
}

void devices_others(const struct devices *d, const struct endpoint *client, const struct endpoint *server, nanoseconds from, nanoseconds to,
		    struct handshakes *into)
{
	uint8_t key[AGEING_KEY];

	*into = (struct handshakes){ 0 };
	key_address(key, &client->address);
	const struct device *device = ageing_find(d->devices, key);
	for (uint32_t i = 0; device && i < HANDSHAKES && i < device->count; i++) {
		const struct handshake *h = &device->handshake[i];
		if (h->at.time >= from && h->at.time <= to && !address_same(&h->server, &server->address))
			add(into, h);
	}
}

void devices_mail_failed(struct devices *d, const struct address *client, bool sending, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_address(key, client);
	((struct device *)ageing_take(d->devices, key, at))->mail_failed[sending] = at;
}

bool devices_all_mail_fails(const struct devices *d, const struct address *client, nanoseconds from)
{
	uint8_t key[AGEING_KEY];

	key_address(key, client);
	const struct device *device = ageing_find(d->devices, key);
	return device && device->mail_failed[0] && device->mail_failed[1] && device->mail_failed[0] >= from && device->mail_failed[1] >= from;
}

/* --- logins --- */

void devices_login_refused(struct devices *d, const struct endpoint *client, const struct endpoint *server, uint32_t count, struct moment at,
			   uint64_t session)
{
	uint8_t key[AGEING_KEY];

	key_addresses(key, &client->address, &server->address);
	struct account *account = ageing_take(d->accounts, key, at.time);
	account->logins.refused += count;
	account->logins.at = at;
	account->logins.session = session;
}

void devices_login_ok(struct devices *d, const struct endpoint *client, const struct endpoint *server, nanoseconds at)
{
	uint8_t key[AGEING_KEY];

	key_addresses(key, &client->address, &server->address);
	struct account *account = ageing_find(d->accounts, key);
	if (account && at > account->logins.at.time)
		account->logins.refused = 0;
}

bool devices_logins(const struct devices *d, const struct endpoint *client, const struct endpoint *server, nanoseconds from,
		    struct login_history *into)
{
	uint8_t key[AGEING_KEY];

	key_addresses(key, &client->address, &server->address);
	const struct account *account = ageing_find(d->accounts, key);
	if (!account || !account->logins.refused || account->logins.at.time < from)
		return false;
	*into = account->logins;
	return true;
}
