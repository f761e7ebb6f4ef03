/*
 * What the programmer guarantees, checked in release builds too.
 *
 * CHECK is for broken code, never for input: it prints the broken sentence and aborts.
 */
#ifndef KUBE_IPVS_BASE_CHECK_H
#define KUBE_IPVS_BASE_CHECK_H

void check_failed(const char *file, int line, const char *sentence) __attribute__((noreturn, cold));

#define CHECK(condition)                                              \
	do {                                                          \
		if (__builtin_expect(!(condition), 0))                \
			check_failed(__FILE__, __LINE__, #condition); \
	} while (0)

#endif
