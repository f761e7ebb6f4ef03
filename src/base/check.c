#include "base/check.h"

#include <stdio.h>
#include <stdlib.h>

void check_failed(const char *file, int line, const char *sentence)
{
	fprintf(stderr, "kube-ipvs: %s:%d: this should be true and is not: %s\n", file, line, sentence);
	abort();
}
