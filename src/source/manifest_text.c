#include "manifest_text.h"

#include "source/manifest.h"

#include <ctype.h>
#include <string.h>

static bool ends_with(const char *text, const char *end)
{
	size_t length = strlen(text), end_length = strlen(end);
	return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

/* Parsers quote what they stumbled over, line ends and all; a fault is one line. */
static void keep_to_one_line(struct fault *fault)
{
	for (char *c = fault->sentence; *c; c++)
		if (iscntrl((unsigned char)*c))
			*c = ' ';
}

int manifest_decode(const char *name, const char *text, size_t length, struct decoded *ret_decoded,
                    struct fault *fault)
{
	static const char byte_order_mark[] = "\xef\xbb\xbf";
	struct decoder decoder;
	*ret_decoded = (struct decoded){0};
	decoder_init(&decoder, ret_decoded, fault);
	size_t skip = length >= 3 && memcmp(text, byte_order_mark, 3) == 0 ? 3 : 0;
	int r = ends_with(name, ".json") ? json_stream_decode(name, text + skip, length - skip, &decoder)
	                                 : yaml_stream_decode(name, text + skip, length - skip, &decoder);
	if (r)
		decoded_done(ret_decoded);
	if (r && fault)
		keep_to_one_line(fault);
	decoder_done(&decoder);
	return r;
}
