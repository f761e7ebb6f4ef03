/*
 * A YAML file, one document at a time.
 */
#include "manifest_text.h"
#include "yaml_tree.h"

#include <stdio.h>

static int place_fault(const char *name, const char *text, size_t length, size_t document,
                       struct decoder *decoder)
{
	struct fault *fault = decoder->fault;
	if (!fault)
		return FAULT_REFUSED;
	char path[sizeof(fault->field) + sizeof(decoder->item) + 1];
	const char *item = decoder->item;
	snprintf(path, sizeof(path), "%s%s%s", item, *item && *fault->field ? "." : "", fault->field);
	fault_place(fault, "%s:%zu", name, yaml_place(text, length, document, path));
	return FAULT_REFUSED;
}

int yaml_stream_decode(const char *name, const char *text, size_t length, struct decoder *decoder)
{
	struct yaml_reader *reader = yaml_reader_new(text, length);
	int r = 0;
	for (size_t index = 0; !r; index++) {
		json_t *document;
		size_t line;
		r = yaml_read_document(reader, &document, &line, decoder->fault);
		if (r)
			fault_place(decoder->fault, "%s:%zu", name, line);
		else if (!document)
			break;
		else if (!json_is_null(document) && decode_item(decoder, document, NULL, NULL))
			r = place_fault(name, text, length, index, decoder);
		json_decref(document);
	}
	yaml_reader_free(reader);
	return r;
}
