#include "base/address.h"

#include "base/check.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { IPV4_BYTES = 4, IPV6_BYTES = 16, IPV6_WORDS = 8, MAPPED_BITS = 96 };

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Decimal digits, any number of leading zeros. NULL: none, or above `most`; else where they end. */
static const char *parse_number(const char *text, unsigned most, unsigned *ret_number)
{
	unsigned number = 0;
	if (!is_digit(*text))
		return NULL;
	for (; is_digit(*text); text++) {
		number = 10 * number + (unsigned)(*text - '0');
		if (number > most)
			return NULL;
	}
	*ret_number = number;
	return text;
}

static bool parse_ipv4(const char *text, uint8_t bytes[static IPV4_BYTES])
{
	for (int i = 0; i < IPV4_BYTES; i++) {
		unsigned octet;
		if (i > 0 && *text++ != '.')
			return false;
		text = parse_number(text, 255, &octet);
		if (!text)
			return false;
		bytes[i] = (uint8_t)octet;
	}
	return *text == '\0';
}

/* inet_pton refuses leading zeros in a dotted tail, so the tail is read here and handed over as words. */
static bool parse_ipv6(const char *text, uint8_t bytes[static IPV6_BYTES])
{
	if (!strchr(text, '.'))
		return inet_pton(AF_INET6, text, bytes) == 1;
	char words[ADDRESS_TEXT_SIZE];
	uint8_t tail[IPV4_BYTES];
	const char *last_colon = strrchr(text, ':');
	if (last_colon - text >= ADDRESS_TEXT_SIZE || !parse_ipv4(last_colon + 1, tail))
		return false;
	int length = snprintf(words, sizeof(words), "%.*s%x:%x", (int)(last_colon + 1 - text), text,
	                      tail[0] << 8 | tail[1], tail[2] << 8 | tail[3]);
	return (size_t)length < sizeof(words) && inet_pton(AF_INET6, words, bytes) == 1;
}

static bool is_mapped(const uint8_t bytes[static IPV6_BYTES])
{
	static const uint8_t mapped[MAPPED_BITS / 8] = {[10] = 0xff, [11] = 0xff};
	return memcmp(bytes, mapped, sizeof(mapped)) == 0;
}

/* Also says whether an IPv4 address was written as an IPv6 one. */
static bool parse(const char *text, struct address *ret_address, bool *ret_mapped)
{
	struct address address = {0};
	*ret_mapped = false;
	if (!strchr(text, ':')) {
		address.family = FAMILY_IPV4;
		if (!parse_ipv4(text, address.bytes))
			return false;
	} else {
		uint8_t bytes[IPV6_BYTES];
		if (!parse_ipv6(text, bytes))
			return false;
		*ret_mapped = is_mapped(bytes);
		address.family = *ret_mapped ? FAMILY_IPV4 : FAMILY_IPV6;
		if (*ret_mapped)
			memcpy(address.bytes, bytes + MAPPED_BITS / 8, IPV4_BYTES);
		else
			memcpy(address.bytes, bytes, IPV6_BYTES);
	}
	*ret_address = address;
	return true;
}

bool address_parse(const char *text, struct address *ret_address)
{
	bool mapped;
	return parse(text, ret_address, &mapped);
}

static void clear_host_bits(struct cidr *cidr)
{
	for (unsigned i = 0; i < IPV6_BYTES; i++) {
		unsigned kept = cidr->prefix_bits > 8 * i ? cidr->prefix_bits - 8 * i : 0;
		if (kept < 8)
			cidr->base.bytes[i] &= (uint8_t)(0xff00 >> kept);
	}
}

/* Both parts of ADDRESS/BITS. A mapped address counts its bits from the start of the IPv6 form. */
static bool parse_prefix(const char *text, const char *slash, struct cidr *ret_cidr)
{
	/* Leading zeros may make an address longer than its canonical text. */
	char base[4 * ADDRESS_TEXT_SIZE];
	size_t length = (size_t)(slash - text);
	bool mapped;
	unsigned bits;
	if (length >= sizeof(base))
		return false;
	memcpy(base, text, length);
	base[length] = '\0';
	if (!parse(base, &ret_cidr->base, &mapped))
		return false;
	unsigned hidden = mapped ? MAPPED_BITS : 0;
	const char *end = parse_number(slash + 1, family_bits(ret_cidr->base.family) + hidden, &bits);
	if (!end || *end || bits < hidden)
		return false;
	ret_cidr->prefix_bits = (uint8_t)(bits - hidden);
	return true;
}

bool cidr_parse(const char *text, bool bare_allowed, struct cidr *ret_cidr)
{
	struct cidr cidr;
	const char *slash = strchr(text, '/');
	if (slash) {
		if (!parse_prefix(text, slash, &cidr))
			return false;
	} else {
		if (!bare_allowed || !address_parse(text, &cidr.base))
			return false;
		cidr.prefix_bits = family_bits(cidr.base.family);
	}
	clear_host_bits(&cidr);
	*ret_cidr = cidr;
	return true;
}

static char *write_octet(char *end, unsigned octet)
{
	if (octet >= 100) {
		*end++ = (char)('0' + octet / 100);
		octet %= 100;
		*end++ = (char)('0' + octet / 10);
		octet %= 10;
	} else if (octet >= 10) {
		*end++ = (char)('0' + octet / 10);
		octet %= 10;
	}
	*end++ = (char)('0' + octet);
	return end;
}

static char *write_ipv4(char *end, const uint8_t *bytes)
{
	end = write_octet(end, bytes[0]);
	*end++ = '.';
	end = write_octet(end, bytes[1]);
	*end++ = '.';
	end = write_octet(end, bytes[2]);
	*end++ = '.';
	return write_octet(end, bytes[3]);
}

static char *write_word(char *end, unsigned word)
{
	static const char digits[] = "0123456789abcdef";
	int shift = 12;
	while (shift > 0 && word >> shift == 0)
		shift -= 4;
	for (; shift >= 0; shift -= 4)
		*end++ = digits[word >> shift & 0xf];
	return end;
}

/* The first of the longest runs of two or more zero words (RFC 5952, 4.2.2 and 4.2.3). */
static void find_gap(const unsigned words[static IPV6_WORDS], int *ret_start, int *ret_length)
{
	*ret_start = -1;
	*ret_length = 1;
	for (int i = 0, run = 0; i < IPV6_WORDS; i++) {
		run = words[i] == 0 ? run + 1 : 0;
		if (run > *ret_length) {
			*ret_start = i + 1 - run;
			*ret_length = run;
		}
	}
}

static char *write_ipv6(char *end, const uint8_t *bytes)
{
	unsigned words[IPV6_WORDS];
	int gap_start, gap_length;
	for (int i = 0; i < IPV6_WORDS; i++)
		words[i] = (unsigned)bytes[2 * i] << 8 | bytes[2 * i + 1];
	find_gap(words, &gap_start, &gap_length);
	/* As inet_ntop, and so as ipvsadm: an address that embeds an IPv4 address ends dotted. */
	bool dotted = gap_start == 0 && (gap_length == 6 || (gap_length == 5 && words[5] == 0xffff));
	int written = dotted ? 6 : IPV6_WORDS;
	for (int i = 0; i < written;) {
		if (i == gap_start) {
			*end++ = ':';
			i += gap_length;
			if (i == IPV6_WORDS)
				*end++ = ':';
			continue;
		}
		if (i > 0)
			*end++ = ':';
		end = write_word(end, words[i++]);
	}
	if (dotted) {
		*end++ = ':';
		end = write_ipv4(end, bytes + 12);
	}
	return end;
}

static char *write_address(char *end, const struct address *address)
{
	if (address->family == FAMILY_IPV4)
		return write_ipv4(end, address->bytes);
	if (address->family == FAMILY_IPV6)
		return write_ipv6(end, address->bytes);
	return end;
}

static char *write_number(char *end, unsigned number)
{
	char digits[10];
	int count = 0;
	do {
		digits[count++] = (char)('0' + number % 10);
		number /= 10;
	} while (number);
	while (count > 0)
		*end++ = digits[--count];
	return end;
}

static size_t finish(char *end, const char *text)
{
	*end = '\0';
	return (size_t)(end - text);
}

size_t address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE])
{
	return finish(write_address(text, address), text);
}

size_t cidr_format(const struct cidr *cidr, char text[static CIDR_TEXT_SIZE])
{
	char *end = write_address(text, &cidr->base);
	if (cidr->base.family != FAMILY_NONE) {
		*end++ = '/';
		end = write_number(end, cidr->prefix_bits);
	}
	return finish(end, text);
}

size_t endpoint_format(const struct address *address, uint16_t port, char text[static ENDPOINT_TEXT_SIZE])
{
	char *end = text;
	if (address->family == FAMILY_IPV6) {
		*end++ = '[';
		end = write_ipv6(end, address->bytes);
		*end++ = ']';
	} else {
		end = write_address(end, address);
	}
	*end++ = ':';
	return finish(write_number(end, port), text);
}

int address_compare(const struct address *a, const struct address *b)
{
	if (a->family != b->family)
		return a->family < b->family ? -1 : 1;
	return memcmp(a->bytes, b->bytes, sizeof(a->bytes));
}

bool address_equal(const struct address *a, const struct address *b)
{
	return address_compare(a, b) == 0;
}

static int order_addresses(const void *a, const void *b)
{
	return address_compare(a, b);
}

size_t addresses_sort(struct address *addresses, size_t count)
{
	size_t kept = 0;
	if (count)
		qsort(addresses, count, sizeof(*addresses), order_addresses);
	for (size_t i = 0; i < count; i++)
		if (kept == 0 || !address_equal(&addresses[kept - 1], &addresses[i]))
			addresses[kept++] = addresses[i];
	return kept;
}

bool addresses_contain(const struct address *addresses, size_t count, const struct address *address)
{
	size_t low = 0, high = count;
	while (low < high) {
		size_t middle = low + (high - low) / 2;
		int order = address_compare(&addresses[middle], address);
		if (order == 0)
			return true;
		if (order < 0)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool cidr_contains(const struct cidr *cidr, const struct address *address)
{
	if (cidr->base.family != address->family || address->family == FAMILY_NONE)
		return false;
	struct cidr of_address = {.base = *address, .prefix_bits = cidr->prefix_bits};
	clear_host_bits(&of_address);
	return address_equal(&of_address.base, &cidr->base);
}

bool cidrs_contain(const struct cidr *cidrs, size_t count, const struct address *address)
{
	for (size_t i = 0; i < count; i++)
		if (cidr_contains(&cidrs[i], address))
			return true;
	return false;
}

uint8_t family_bits(enum family family)
{
	CHECK(family == FAMILY_IPV4 || family == FAMILY_IPV6);
	return family == FAMILY_IPV4 ? 32 : 128;
}

const char *family_name(enum family family)
{
	CHECK(family == FAMILY_IPV4 || family == FAMILY_IPV6);
	return family == FAMILY_IPV4 ? "IPv4" : "IPv6";
}

/* One range for each family: what the predicates below ask for. */
struct ranges {
	struct cidr ipv4, ipv6;
};

static const struct ranges loopback = {
        {{FAMILY_IPV4, {127}}, 8},
        {{FAMILY_IPV6, {[15] = 1}}, 128},
};
static const struct ranges unspecified = {
        {{FAMILY_IPV4, {0}}, 32},
        {{FAMILY_IPV6, {0}}, 128},
};
static const struct ranges link_local = {
        {{FAMILY_IPV4, {169, 254}}, 16},
        {{FAMILY_IPV6, {0xfe, 0x80}}, 10},
};
static const struct ranges multicast = {
        {{FAMILY_IPV4, {224}}, 4},
        {{FAMILY_IPV6, {0xff}}, 8},
};
static const struct ranges link_local_multicast = {
        {{FAMILY_IPV4, {224}}, 24},
        {{FAMILY_IPV6, {0xff, 0x02}}, 16},
};

static bool contain(const struct ranges *ranges, const struct address *address)
{
	return cidr_contains(&ranges->ipv4, address) || cidr_contains(&ranges->ipv6, address);
}

bool address_is_loopback(const struct address *address)
{
	return contain(&loopback, address);
}

bool address_is_unspecified(const struct address *address)
{
	return contain(&unspecified, address);
}

bool address_is_link_local(const struct address *address)
{
	return contain(&link_local, address);
}

bool address_is_multicast(const struct address *address)
{
	return contain(&multicast, address);
}

bool address_is_link_local_multicast(const struct address *address)
{
	return contain(&link_local_multicast, address);
}
