/*
 * A temporary directory of a test's own.
 */
#ifndef KUBE_IPVS_TEST_UNIT_TEST_DIRECTORY_H
#define KUBE_IPVS_TEST_UNIT_TEST_DIRECTORY_H

enum { TEST_DIRECTORY_SIZE = 32, TEST_PATH_SIZE = 256 };

/* Makes an empty one, which only we may enter; `directory` becomes its path. */
void test_directory_make(char directory[static TEST_DIRECTORY_SIZE]);
/* Removes it with all that is in it. */
void test_directory_remove(const char *directory);

/* The path of what is called so in it: `path`. */
const char *test_directory_path(const char *directory, const char *name, char path[static TEST_PATH_SIZE]);
/* A file there, which takes the place of one of that name at once; directories on its way are made. */
void test_directory_put(const char *directory, const char *name, const char *content);

#endif
