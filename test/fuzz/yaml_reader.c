/*
 * Manifests in YAML: whatever the text is, it becomes objects or one refusal with its place.
 */
#include "fuzz.h"

#include "source/decode.h"
#include "source/manifest.h"

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
	free(text);
	return 0;
}
