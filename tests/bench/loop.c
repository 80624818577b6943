/* The bare libpcap loop, the unit of the benchmark: reads every packet and touches its first 64 bytes. */
#include <pcap/pcap.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static uint64_t touched(const unsigned char *bytes, unsigned length)
{
	uint64_t sum = 0, word;

	for (unsigned i = 0; i + 8 <= length && i < 64; i += 8) {
		memcpy(&word, bytes + i, 8);
		sum += word;
	}
	return sum;
}

int main(int argc, char **argv)
{
	char error[PCAP_ERRBUF_SIZE];
	struct pcap_pkthdr *header;
	const unsigned char *bytes;
	uint64_t packets = 0, sum = 0;
	pcap_t *file = argc > 1 ? pcap_open_offline(argv[1], error) : NULL;

	if (!file)
		return fprintf(stderr, "use: loop FILE\n"), 1;
	for (; pcap_next_ex(file, &header, &bytes) == 1; packets++)
		sum += touched(bytes, header->caplen);
	printf("%llu packets %llx\n", (unsigned long long)packets, (unsigned long long)sum);
	pcap_close(file);
	return 0;
}
