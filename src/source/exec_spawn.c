/*
 * The program is looked up here and not by posix_spawnp, so that a missing one is told the same way everywhere, with
 * the hint that the kubeconfig gives. As with client-go it is searched for on our PATH, not on the one that the
 * plug-in's own environment may set.
 */
#include "exec_spawn.h"

#include "base/memory.h"
#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static int is_program(const char *path)
{
	struct stat status;
	if (stat(path, &status) < 0)
		return -errno;
	if (!S_ISREG(status.st_mode))
		return -EACCES;
	return access(path, X_OK) < 0 ? -errno : 0;
}

/* An empty directory of PATH would be the current one, which is nobody's intention here. */
static int search_path(const char *name, struct text *found)
{
	const char *at = getenv("PATH");
	int error = -ENOENT;
	for (at = at ? at : "/usr/local/bin:/usr/bin:/bin"; *at;) {
		size_t length = strcspn(at, ":");
		text_clear(found);
		text_add_bytes(found, at, length);
		text_addf(found, "/%s", name);
		int result = length ? is_program(text_string(found)) : -ENOENT;
		if (result == 0)
			return 0;
		if (result == -EACCES)
			error = result;
		at += length + (at[length] == ':');
	}
	return error;
}

static int find_program(const struct api_exec_plugin *plugin, struct text *found, struct fault *fault)
{
	int error;
	if (strchr(plugin->command, '/')) {
		text_add(found, plugin->command);
		error = is_program(plugin->command);
	} else {
		error = search_path(plugin->command, found);
	}
	if (error == 0)
		return 0;
	const char *hint = plugin->install_hint ? plugin->install_hint : "";
	const char *where = strchr(plugin->command, '/') ? "" : " on the PATH";
	fault_set(fault, NULL, "the credential plug-in %s cannot be run%s: %s%s%s", plugin->command, where,
	          strerror(-error), *hint ? "; " : "", hint);
	return error;
}

/* Gives: ours, less what is said anew, and the plug-in's; the texts are borrowed. */
static char **build_environment(const struct api_exec_plugin *plugin, char *info)
{
	size_t ours = 0, theirs = 0, count = 0;
	while (environ && environ[ours])
		ours++;
	while (plugin->environment && plugin->environment[theirs])
		theirs++;
	char **all = memory_alloc((ours + theirs + 2) * sizeof(*all));
	all[count++] = info;
	for (size_t i = 0; i < theirs; i++)
		all[count++] = plugin->environment[i];
	size_t said = count;
	for (size_t i = 0; i < ours; i++) {
		size_t name = strcspn(environ[i], "=");
		bool again = false;
		for (size_t j = 0; j < said; j++)
			again |= strncmp(all[j], environ[i], name) == 0 && all[j][name] == '=';
		if (!again)
			all[count++] = environ[i];
	}
	return all;
}

static int spawn(const char *program, char **arguments, char **environment, int output, int errors,
                 pid_t *ret_child)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t attributes;
	sigset_t signals;
	posix_spawn_file_actions_init(&files);
	posix_spawnattr_init(&attributes);
	posix_spawn_file_actions_addopen(&files, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
	posix_spawn_file_actions_adddup2(&files, output, STDOUT_FILENO);
	posix_spawn_file_actions_adddup2(&files, errors, STDERR_FILENO);
	posix_spawn_file_actions_addclosefrom_np(&files, STDERR_FILENO + 1);
	sigemptyset(&signals);
	posix_spawnattr_setsigmask(&attributes, &signals);
	sigfillset(&signals);
	posix_spawnattr_setsigdefault(&attributes, &signals);
	posix_spawnattr_setpgroup(&attributes, 0);
	posix_spawnattr_setflags(&attributes,
	                         POSIX_SPAWN_SETPGROUP | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF);
	int error = posix_spawn(ret_child, program, &files, &attributes, arguments, environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&files);
	return -error;
}

/* Above the standard descriptors, which the child's own take the place of. */
static int open_pipe(int ends[2])
{
	if (pipe2(ends, O_CLOEXEC) < 0)
		return -errno;
	for (int i = 0; i < 2; i++) {
		int moved = ends[i] > STDERR_FILENO ? ends[i] : fcntl(ends[i], F_DUPFD_CLOEXEC, 3);
		if (moved != ends[i])
			close(ends[i]);
		ends[i] = moved;
	}
	if (ends[0] >= 0 && ends[1] >= 0 && fcntl(ends[0], F_SETFL, O_NONBLOCK) == 0)
		return 0;
	int error = -errno;
	close(ends[0]);
	close(ends[1]);
	return error;
}

static int spawn_with_pipes(const char *program, char **arguments, char **environment, pid_t *ret_child,
                            int *ret_output, int *ret_errors)
{
	int output[2], errors[2];
	int error = open_pipe(output);
	if (error < 0)
		return error;
	error = open_pipe(errors);
	if (error == 0) {
		error = spawn(program, arguments, environment, output[1], errors[1], ret_child);
		close(errors[1]);
		if (error < 0)
			close(errors[0]);
	}
	close(output[1]);
	if (error < 0)
		close(output[0]);
	*ret_output = output[0];
	*ret_errors = errors[0];
	return error;
}

int exec_spawn(const struct api_exec_plugin *plugin, const char *info, pid_t *ret_child, int *ret_output,
               int *ret_errors, struct fault *fault)
{
	auto_text program = {0};
	auto_text variable = {0};
	int error = find_program(plugin, &program, fault);
	if (error < 0)
		return error;
	text_addf(&variable, "KUBERNETES_EXEC_INFO=%s", info);
	char **environment = build_environment(plugin, variable.bytes);
	error = spawn_with_pipes(program.bytes, plugin->arguments, environment, ret_child, ret_output,
	                         ret_errors);
	free(environment);
	if (error < 0)
		fault_set(fault, NULL, "the credential plug-in %s cannot be run: %s", plugin->command,
		          strerror(-error));
	return error;
}
