#include "modules.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <spawn.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	WAIT_MS = 10,
	WAITS = 1000,
	SMALL_FILE_BYTES = 1 << 16,
	INDEX_BYTES = 16 << 20, /* modules.dep of a distribution's kernel has less than 1 MiB */
};

/* The path of the program that loads modules; false: this kernel has none. */
static bool find_loader(const char *root, char *ret_path, size_t size)
{
	char path[PATH_MAX];
	auto_text text = {0};
	snprintf(path, sizeof(path), "%s/proc/sys/kernel/modprobe", root);
	if (text_read_file(path, SMALL_FILE_BYTES, &text))
		return false;
	snprintf(ret_path, size, "%.*s", (int)strcspn(text_string(&text), "\n"), text_string(&text));
	return ret_path[0] == '/';
}

static int start(char *const *arguments, pid_t *ret_process)
{
	/* What the kernel gives it (kernel/kmod.c). */
	char *environment[] = {"HOME=/", "TERM=linux", "PATH=/sbin:/usr/sbin:/bin:/usr/bin", NULL};
	posix_spawn_file_actions_t actions;
	if (posix_spawn_file_actions_init(&actions))
		return -ENOMEM;
	int error = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, 0, 1);
	if (!error)
		error = posix_spawn_file_actions_adddup2(&actions, 0, 2);
	if (!error)
		error = posix_spawn(ret_process, arguments[0], &actions, NULL, arguments, environment);
	posix_spawn_file_actions_destroy(&actions);
	return -error;
}

/* The exit status becomes 0 or -ENOENT; a program that does not end is killed. */
static int wait_bounded(pid_t process)
{
	const struct timespec pause = {.tv_nsec = WAIT_MS * 1000000L};
	int status = 0;
	for (int i = 0; i < WAITS; i++) {
		pid_t ended = waitpid(process, &status, WNOHANG);
		if (ended == process)
			return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -ENOENT;
		if (ended < 0 && errno != EINTR)
			return -errno;
		nanosleep(&pause, NULL);
	}
	kill(process, SIGKILL);
	while (waitpid(process, &status, 0) < 0 && errno == EINTR)
		;
	return -ETIMEDOUT;
}

int module_load(const char *root, const char *name)
{
	char loader[PATH_MAX], module[64];
	pid_t process;
	if (!find_loader(root, loader, sizeof(loader)))
		return -ENOENT;
	snprintf(module, sizeof(module), "%s", name);
	char *arguments[] = {loader, "-q", "--", module, NULL};
	int error = start(arguments, &process);
	return error ? error : wait_bounded(process);
}

/* ---- why there is none */

static bool exists(const char *root, const char *path)
{
	char whole[PATH_MAX];
	snprintf(whole, sizeof(whole), "%s%s", root, path);
	return access(whole, F_OK) == 0;
}

/* Whether the index of this kernel's modules knows ip_vs.ko, compressed or not. */
static bool has_module_file(const char *root, const char *release)
{
	char path[PATH_MAX];
	auto_text text = {0};
	snprintf(path, sizeof(path), "%s/lib/modules/%s/modules.dep", root, release);
	return text_read_file(path, INDEX_BYTES, &text) == 0 && strstr(text_string(&text), "/ip_vs.ko");
}

void module_explain_no_ipvs(const char *root, const char *release, struct fault *fault)
{
	char loader[PATH_MAX], directory[PATH_MAX];
	snprintf(directory, sizeof(directory), "/lib/modules/%s", release);
	if (!exists(root, "/proc/modules") || !find_loader(root, loader, sizeof(loader)))
		fault_set(fault, NULL,
		          "IPVS: this kernel (%s) has none built in and loads no modules; "
		          "boot a kernel that has CONFIG_IP_VS",
		          release);
	else if (has_module_file(root, release))
		fault_set(
		        fault, NULL,
		        "IPVS: the module ip_vs is there but not loaded, and could not be loaded from here; "
		        "run modprobe ip_vs as root on the host");
	else if (exists(root, directory))
		fault_set(fault, NULL,
		          "IPVS: this kernel (%s) has no module ip_vs; install the package that has it "
		          "(Debian: linux-image-%s, Ubuntu: linux-modules-extra-%s, Fedora: kernel-modules)",
		          release, release, release);
	else
		fault_set(
		        fault, NULL,
		        "IPVS: the module ip_vs is not loaded, and %s is not here; run modprobe ip_vs on the "
		        "host, or let this container see the host's /lib/modules",
		        directory);
}
