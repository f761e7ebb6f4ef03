/*
 * Manifests in YAML, and configuration documents: whatever the text is, it becomes objects or one refusal with its
 * place.
 */
#include "fuzz.h"

#include "source/decode.h"
#include "source/document.h"
#include "source/manifest.h"

static void read_document(const char *text, size_t length)
{
	struct document document;
	struct fault fault = {0};
	if (document_parse("fuzz.yaml", text, length, &document, &fault)) {
		fuzz_check_fault(&fault);
		return;
	}
	CHECK(json_is_object(document.value));
	document_done(&document);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t length)
{
	struct decoded decoded;
	struct fault fault = {0};
	char *text = fuzz_text(bytes, length);
	int r = manifest_decode("fuzz.yaml", text, length, &decoded, &fault);
	if (r) {
		CHECK(r == FAULT_REFUSED);
		CHECK(decoded.service_count + decoded.slice_count + decoded.node_count == 0);
		fuzz_check_fault(&fault);
	}
	fuzz_check_decoded(&decoded);
	decoded_done(&decoded);
	read_document(text, length);
	free(text);
	return 0;
}
