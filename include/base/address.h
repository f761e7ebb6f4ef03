/*
 * IPv4 and IPv6 addresses and prefixes as values.
 *
 * Reading is lenient as R0.3 says: an IPv4 octet may have leading zeros and is decimal all the same, and an
 * IPv4-mapped IPv6 address is an IPv4 address. Writing is canonical (RFC 5952). Values compare as bytes,
 * never as text; the unused tail of an IPv4 address is zero, so that a memory comparison is a comparison of
 * addresses.
 */
#ifndef KUBE_IPVS_BASE_ADDRESS_H
#define KUBE_IPVS_BASE_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum family {
	FAMILY_NONE = 0, /* no address at all, e.g. of a firewall-mark virtual server */
	FAMILY_IPV4 = 1,
	FAMILY_IPV6 = 2,
};

struct address {
	uint8_t family;    /* enum family */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four, the rest is zero */
};

struct cidr {
	struct address base; /* host bits are zero */
	uint8_t prefix_bits;
};

#define ADDRESS_TEXT_SIZE  46 /* the longest text of an address, with its NUL */
#define ENDPOINT_TEXT_SIZE 54 /* "[address]:port", with its NUL */
#define CIDR_TEXT_SIZE     50

/* Reads an address that fills the whole of `text`. False: it is none, and *ret_address is untouched. */
bool address_parse(const char *text, struct address *ret_address);
/*
 * Reads ADDRESS/BITS and clears host bits; also a bare address, as its host prefix, if `bare_allowed`. The
 * bits of an IPv4-mapped address count from the IPv6 start: ::ffff:10.0.0.0/104 is 10.0.0.0/8, and below 96
 * it is none. False: *ret_cidr is untouched.
 */
bool cidr_parse(const char *text, bool bare_allowed, struct cidr *ret_cidr);

/* These write canonical text with its NUL and return its length. A FAMILY_NONE address is written as nothing.
 */
size_t address_format(const struct address *address, char text[static ADDRESS_TEXT_SIZE]);
size_t cidr_format(const struct cidr *cidr, char text[static CIDR_TEXT_SIZE]);
/* "10.0.0.1:80" or "[fd00::1]:80": the form that ipvsadm prints and that sorts real servers (R1.23). */
size_t endpoint_format(const struct address *address, uint16_t port, char text[static ENDPOINT_TEXT_SIZE]);

/* Order by family, then by bytes: below, equal to or above 0, as memcmp. */
int address_compare(const struct address *a, const struct address *b);
bool address_equal(const struct address *a, const struct address *b);
/* Sorts, drops doubles, and returns how many are left. */
size_t addresses_sort(struct address *addresses, size_t count);
/* Whether an ascending array has it. */
bool addresses_contain(const struct address *addresses, size_t count, const struct address *address);
bool cidr_contains(const struct cidr *cidr, const struct address *address);
/* Whether any of them does. */
bool cidrs_contain(const struct cidr *cidrs, size_t count, const struct address *address);

/* The host prefix length of the family: 32 or 128. */
uint8_t family_bits(enum family family);
/* "IPv4" or "IPv6", as the Kubernetes API spells them. */
const char *family_name(enum family family);

bool address_is_loopback(const struct address *address);             /* 127.0.0.0/8, ::1 */
bool address_is_unspecified(const struct address *address);          /* 0.0.0.0, :: */
bool address_is_link_local(const struct address *address);           /* 169.254.0.0/16, fe80::/10 */
bool address_is_multicast(const struct address *address);            /* 224.0.0.0/4, ff00::/8 */
bool address_is_link_local_multicast(const struct address *address); /* 224.0.0.0/24, ff02::/16 */

#endif
