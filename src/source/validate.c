/*
 * What the API server checks in several kinds, with its messages.
 */
#include "decoder.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { LABEL_LENGTH = 63, SUBDOMAIN_LENGTH = 253 };

static bool is_lower_alphanumeric(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

static bool is_label_part(const char *text, size_t length)
{
	if (length == 0 || text[0] == '-' || text[length - 1] == '-')
		return false;
	for (size_t i = 0; i < length; i++)
		if (!is_lower_alphanumeric(text[i]) && text[i] != '-')
			return false;
	return true;
}

bool is_label(const char *text)
{
	size_t length = strlen(text);
	return length <= LABEL_LENGTH && is_label_part(text, length);
}

bool is_subdomain(const char *text)
{
	if (strlen(text) > SUBDOMAIN_LENGTH)
		return false;
	for (;;) {
		size_t length = strcspn(text, ".");
		if (!is_label_part(text, length))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

int check_port_name(struct decoder *decoder, struct spot spot, const json_t *port, const char *name)
{
	if (is_label(name))
		return 0;
	const char *message =
	        strlen(name) > LABEL_LENGTH
	                ? "must be no more than 63 bytes"
	                : "must consist of lower case letters, digits and '-', and begin and end "
	                  "with a letter or a digit (an RFC 1123 label)";
	return refuse_invalid(decoder, spot, "name", json_object_get(port, "name"), message);
}

int check_port_number(struct decoder *decoder, struct spot spot, const char *key, int64_t number, int lowest,
                      uint16_t *ret_port)
{
	if (number < lowest || number > UINT16_MAX)
		return refuse(decoder, spot, key,
		              "Invalid value: %lld: must be between 1 and 65535, inclusive",
		              (long long)number);
	*ret_port = (uint16_t)number;
	return 0;
}

int field_protocol(struct decoder *decoder, const json_t *port, struct spot spot, uint8_t *ret_protocol)
{
	static const char *const words[] = {"SCTP", "TCP", "UDP", NULL};
	static const uint8_t protocols[] = {PROTOCOL_SCTP, PROTOCOL_TCP, PROTOCOL_UDP};
	uint8_t word = 1;
	int r = field_word(decoder, port, spot, "protocol", words, &word);
	*ret_protocol = protocols[word];
	return r;
}

int check_address(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                  struct address *ret_address)
{
	if (!json_is_string(value))
		return refuse_type(decoder, spot, key, value, "text");
	if (!address_parse(json_string_value(value), ret_address))
		return refuse_invalid(decoder, spot, key, value,
		                      "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
	return 0;
}

int check_ordinary_address(struct decoder *decoder, struct spot spot, const char *key, const json_t *value,
                           const struct address *address)
{
	static const struct {
		bool (*is)(const struct address *address);
		const char *message;
	} refused[] = {
	        {address_is_unspecified, "may not be unspecified (0.0.0.0 or ::)"},
	        {address_is_loopback, "may not be in the loopback range (127.0.0.0/8, ::1/128)"},
	        {address_is_link_local, "may not be in the link-local range (169.254.0.0/16, fe80::/10)"},
	        {address_is_link_local_multicast,
	         "may not be in the link-local multicast range (224.0.0.0/24, ff02::/16)"},
	};
	for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++)
		if (refused[i].is(address))
			return refuse_invalid(decoder, spot, key, value, refused[i].message);
	return 0;
}

/* Reads exactly `digits` digits. */
static bool read_digits(const char **text, int digits, int *ret_number)
{
	int number = 0;
	for (int i = 0; i < digits; i++, (*text)++) {
		if (!isdigit((unsigned char)**text))
			return false;
		number = 10 * number + (**text - '0');
	}
	*ret_number = number;
	return true;
}

/* "Z" or "+02:00" at the end of the text, in seconds east of Greenwich. */
static bool read_zone(const char *text, int *ret_seconds)
{
	if (*text == 'Z' || *text == 'z') {
		*ret_seconds = 0;
		return text[1] == '\0';
	}
	int sign = *text == '-' ? -1 : 1, hours, minutes;
	if (*text != '+' && *text != '-')
		return false;
	text++;
	if (!read_digits(&text, 2, &hours) || *text++ != ':' || !read_digits(&text, 2, &minutes) || *text)
		return false;
	*ret_seconds = sign * (hours * 3600 + minutes * 60);
	return hours <= 23 && minutes <= 59;
}

/* ".5" and the like, if there is any. */
static bool read_fraction(const char **text, long *ret_nanoseconds)
{
	long digit_ns = 100000000;
	*ret_nanoseconds = 0;
	if (**text != '.')
		return true;
	if (!isdigit((unsigned char)*++*text))
		return false;
	for (; isdigit((unsigned char)**text); (*text)++, digit_ns /= 10)
		*ret_nanoseconds += digit_ns * (**text - '0');
	return true;
}

bool timestamp_parse(const char *text, struct timespec *ret_time)
{
	struct tm t = {0};
	int zone;
	long nanoseconds;
	if (!read_digits(&text, 4, &t.tm_year) || *text++ != '-' || !read_digits(&text, 2, &t.tm_mon) ||
	    *text++ != '-' || !read_digits(&text, 2, &t.tm_mday) || (*text != 'T' && *text != 't'))
		return false;
	text++;
	if (!read_digits(&text, 2, &t.tm_hour) || *text++ != ':' || !read_digits(&text, 2, &t.tm_min) ||
	    *text++ != ':' || !read_digits(&text, 2, &t.tm_sec) || !read_fraction(&text, &nanoseconds))
		return false;
	if (!read_zone(text, &zone) || t.tm_mon < 1 || t.tm_mon > 12 || t.tm_mday < 1 || t.tm_mday > 31 ||
	    t.tm_hour > 23 || t.tm_min > 59 || t.tm_sec > 60)
		return false;
	t.tm_year -= 1900;
	t.tm_mon -= 1;
	*ret_time = (struct timespec){.tv_sec = timegm(&t) - zone, .tv_nsec = nanoseconds};
	return true;
}
