#include "test_directory.h"

#include "support.h"

#include "base/text.h"

#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

void test_directory_make(char directory[static TEST_DIRECTORY_SIZE])
{
	strcpy(directory, "/tmp/kube-ipvs-test-XXXXXX");
	ck_assert_msg(mkdtemp(directory) != NULL, "%s: %s", directory, strerror(errno));
}

static int remove_entry(const char *path, const struct stat *status, int type, struct FTW *walk)
{
	(void)status;
	(void)type;
	(void)walk;
	return remove(path);
}

void test_directory_remove(const char *directory)
{
	ck_assert_msg(nftw(directory, remove_entry, 16, FTW_DEPTH | FTW_PHYS) == 0, "%s: %s", directory,
	              strerror(errno));
}

const char *test_directory_path(const char *directory, const char *name, char path[static TEST_PATH_SIZE])
{
	ck_assert_int_lt(snprintf(path, TEST_PATH_SIZE, "%s/%s", directory, name), TEST_PATH_SIZE);
	return path;
}

void test_directory_put(const char *directory, const char *name, const char *content)
{
	char path[TEST_PATH_SIZE];
	test_directory_path(directory, name, path);
	for (char *slash = path + strlen(directory) + 1; (slash = strchr(slash, '/')); *slash++ = '/') {
		*slash = '\0';
		ck_assert_msg(mkdir(path, 0755) == 0 || errno == EEXIST, "%s: %s", path, strerror(errno));
	}
	int e = text_write_file(path, content, strlen(content));
	ck_assert_msg(e == 0, "%s: %s", path, strerror(-e));
}
