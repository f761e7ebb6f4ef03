/*
 * What every Check program here shares: running, and mismatches with the two texts side by side.
 */
#ifndef KUBE_IPVS_TEST_UNIT_SUPPORT_H
#define KUBE_IPVS_TEST_UNIT_SUPPORT_H

#include <check.h>
#include <stdbool.h>
#include <stddef.h>

/* Fails with `wanted` and `got` side by side, line by line, differing lines marked. */
void texts_must_be_equal(const char *file, int line, const char *what, const char *wanted, const char *got);
#define ck_assert_texts(what, wanted, got) texts_must_be_equal(__FILE__, __LINE__, (what), (wanted), (got))

/* The whole of a file as a string that the caller frees; fails the test when it cannot be read. */
char *read_test_file(const char *path);

/* How often a test with random data tries: the environment's TEST_ROUNDS, which valgrind needs small, or else `usual`. */
unsigned test_rounds(unsigned usual);

/* Runs the suite, prints Check's own summary, returns main's exit status. Takes the suite. */
int run_suite(Suite *suite);

/*
 * A network namespace of this process' own, with a user namespace where it takes one. Fails the test where that cannot be
 * made, which skip_without_network_namespace() finds out beforehand: true when the suite is to be left out, said as
 * SKIPPED; *ret_status is main's exit status then, a failure under CI=true.
 */
void enter_network_namespace(void);
bool skip_without_network_namespace(const char *suite, int *ret_status);

#endif
