#include "attributes.h"

bool attributes_parse(const void *bytes, size_t length, const struct nlattr **ret_attributes, int max,
                      const uint8_t *least)
{
	memset(ret_attributes, 0, sizeof(*ret_attributes) * (size_t)(max + 1));
	while (length >= sizeof(struct nlattr)) {
		const struct nlattr *attribute = bytes;
		int type = attribute->nla_type & NLA_TYPE_MASK;
		if (attribute->nla_len < sizeof(*attribute) || attribute->nla_len > length)
			break;
		if (type > 0 && type <= max) {
			if (attribute_length(attribute) < least[type])
				return false;
			ret_attributes[type] = attribute;
		}
		size_t step = NLMSG_ALIGN(attribute->nla_len);
		bytes = (const char *)bytes + step;
		length -= step < length ? step : length;
	}
	return true;
}
