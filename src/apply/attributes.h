/*
 * Netlink attributes, read by hand: of a large table reading them is most of the work, and with libnl's functions that took
 * longer than the kernel's part.
 */
#ifndef KUBE_IPVS_APPLY_ATTRIBUTES_H
#define KUBE_IPVS_APPLY_ATTRIBUTES_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/*
 * Files attributes by their type, NULL where there is none, in ret_attributes[0..max]. `least` has for each type how many
 * bytes its content must have; false: one has fewer. Types beyond `max` are passed over, and so is all behind an attribute
 * that does not fit in.
 */
bool attributes_parse(const void *bytes, size_t length, const struct nlattr **ret_attributes, int max,
                      const uint8_t *least);

static inline const void *attribute_content(const struct nlattr *attribute)
{
	return attribute + 1;
}

static inline size_t attribute_length(const struct nlattr *attribute)
{
	return attribute->nla_len - sizeof(*attribute);
}

/* 0 where there is no such attribute. Its length must have been checked. */
static inline uint8_t attribute_u8(const struct nlattr *attribute)
{
	uint8_t value = 0;
	if (attribute)
		memcpy(&value, attribute_content(attribute), sizeof(value));
	return value;
}

static inline uint16_t attribute_u16(const struct nlattr *attribute)
{
	uint16_t value = 0;
	if (attribute)
		memcpy(&value, attribute_content(attribute), sizeof(value));
	return value;
}

static inline uint32_t attribute_u32(const struct nlattr *attribute)
{
	uint32_t value = 0;
	if (attribute)
		memcpy(&value, attribute_content(attribute), sizeof(value));
	return value;
}

#endif
