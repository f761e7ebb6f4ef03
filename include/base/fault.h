/*
 * Why something that a person wrote was refused: the place and one sentence.
 *
 * `place` is "file:line", a flag ("--ipvs-scheduler") or empty. `field` is the path inside
 * ("spec.ports[0].port") or empty. `sentence` says what is wrong and what would be right, and ends without a
 * full stop. Texts that do not fit are cut. fault_format joins the three as one line.
 */
#ifndef KUBE_IPVS_BASE_FAULT_H
#define KUBE_IPVS_BASE_FAULT_H

#include <stddef.h>

struct fault {
	char place[512];
	char field[256];
	char sentence[768];
};

#define FAULT_TEXT_SIZE 1552

/* What a function returns when it refused its input and said why in its fault. Above 0: the direct caller
 * handles it. */
enum { FAULT_REFUSED = 1 };

/*
 * Returns FAULT_REFUSED, so that a reader can say: return fault_set(...). `field` may be NULL, which is
 * empty. The place stays. A NULL fault is allowed in both: nobody wants to know.
 */
int fault_set(struct fault *fault, const char *field, const char *format, ...)
        __attribute__((format(printf, 3, 4)));
void fault_place(struct fault *fault, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "place: field: sentence", parts that are empty left out. Returns `text`. */
const char *fault_format(const struct fault *fault, char text[static FAULT_TEXT_SIZE]);

#endif
