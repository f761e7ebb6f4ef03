#include "run_lock.h"

#include "base/text.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <time.h>
#include <unistd.h>

enum { PROC_BYTES = 1 << 20, NOTE_BYTES = 64, MOST_TRIES = 4 };

/* Who only looks holds it for an instant (run_lock_find). */
static const struct timespec a_moment = {.tv_nsec = 25000000};

/* ---- who holds it */

/* "7: FLOCK  ADVISORY  WRITE 1234 00:17:8913 0 EOF", of the file in question. */
static int holder_in_line(const char *line, const struct stat *file)
{
	int pid;
	unsigned major_number, minor_number;
	unsigned long long inode;
	if (sscanf(line, "%*[^:]: FLOCK ADVISORY %*s %d %x:%x:%llu ", &pid, &major_number, &minor_number,
	           &inode) != 4)
		return 0;
	return inode == file->st_ino && makedev(major_number, minor_number) == file->st_dev && pid > 0 ? pid
	                                                                                               : 0;
}

/* The kernel leaves out the processes that the reader cannot see. */
static int ask_kernel(const char *proc, const struct stat *file)
{
	char path[PATH_MAX];
	auto_text locks = {0};
	int pid = 0;
	char *place;
	snprintf(path, sizeof(path), "%s/locks", proc);
	if (text_read_file(path, PROC_BYTES, &locks) != 0 || locks.length == 0)
		return 0;
	for (char *line = strtok_r(locks.bytes, "\n", &place); line && pid == 0;
	     line = strtok_r(NULL, "\n", &place))
		pid = holder_in_line(line, file);
	return pid;
}

static int read_note(const char *path)
{
	auto_text note = {0};
	char *end;
	if (text_read_file(path, NOTE_BYTES, &note) != 0)
		return 0;
	long pid = strtol(text_string(&note), &end, 10);
	return *end == '\n' && pid > 0 && pid <= INT_MAX ? (int)pid : 0;
}

/* Its arguments have a NUL each behind them. */
static void read_command(const char *proc, int pid, char *ret_command, size_t size)
{
	char path[PATH_MAX];
	auto_text words = {0};
	snprintf(path, sizeof(path), "%s/%d/cmdline", proc, pid);
	text_read_file(path, PROC_BYTES, &words);
	while (words.length > 0 && words.bytes[words.length - 1] == '\0')
		words.length--;
	for (size_t i = 0; i < words.length; i++)
		if ((unsigned char)words.bytes[i] < ' ' || words.bytes[i] == 0x7f)
			words.bytes[i] = ' ';
	snprintf(ret_command, size, "%.*s%s", words.length < size ? (int)words.length : (int)size - 4,
	         text_string(&words), words.length < size ? "" : "...");
}

static void find_holder(const char *path, const char *proc, struct run_lock_holder *ret_holder)
{
	struct stat file;
	*ret_holder = (struct run_lock_holder){0};
	if (stat(path, &file) != 0)
		return;
	ret_holder->since = file.st_mtime;
	ret_holder->noted_pid = read_note(path);
	ret_holder->pid = ask_kernel(proc, &file);
	if (ret_holder->pid > 0)
		read_command(proc, ret_holder->pid, ret_holder->command, sizeof(ret_holder->command));
}

bool run_lock_find(const char *directory, const char *proc, struct run_lock_holder *ret_holder)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/" RUN_LOCK_FILE, directory);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	/* A shared one, so that two who look do not see each other. */
	bool held = flock(fd, LOCK_SH | LOCK_NB) != 0 && errno == EWOULDBLOCK;
	close(fd);
	if (held)
		find_holder(path, proc, ret_holder);
	return held;
}

static void format_time(int64_t seconds, char *ret_text, size_t size)
{
	time_t time = (time_t)seconds;
	struct tm parts;
	gmtime_r(&time, &parts);
	strftime(ret_text, size, "%Y-%m-%dT%H:%M:%SZ", &parts);
}

static void explain_holder(const char *path, const char *proc, struct fault *fault)
{
	struct run_lock_holder holder;
	auto_text who = {0};
	char since[32];
	find_holder(path, proc, &holder);
	format_time(holder.since, since, sizeof(since));
	if (holder.pid > 0)
		text_addf(&who, "process %d%s%s%s", holder.pid, *holder.command ? " (" : "", holder.command,
		          *holder.command ? ")" : "");
	else if (holder.noted_pid > 0)
		text_addf(&who, "a process of another container, %d as that one counts", holder.noted_pid);
	else
		text_add(&who, "a process that cannot be seen from here");
	fault_set(fault, NULL, "%s: kube-ipvs runs on this node already: %s, since %s; stop it first", path,
	          text_string(&who), since);
}

/* ---- taking it */

/* Best effort: without the note the lock is as good. */
static void note_process(int lock)
{
	char note[16];
	int length = snprintf(note, sizeof(note), "%d\n", (int)getpid());
	if (ftruncate(lock, 0) != 0 || pwrite(lock, note, (size_t)length, 0) != length)
		futimens(lock, NULL);
}

/* A cleaning removes the file when it is done: who waits with it open then has the lock of nothing. */
static bool still_there(int lock, const char *path)
{
	struct stat held, named;
	return fstat(lock, &held) == 0 && stat(path, &named) == 0 && held.st_ino == named.st_ino &&
	       held.st_dev == named.st_dev;
}

static int try_to_take(const char *path, int *ret_lock)
{
	int lock = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
	if (lock < 0)
		return -errno;
	int e = flock(lock, LOCK_EX | LOCK_NB) == 0 ? 0 : errno == EWOULDBLOCK ? -EBUSY : -errno;
	if (e == 0 && !still_there(lock, path))
		e = -EBUSY;
	if (e) {
		close(lock);
		return e;
	}
	note_process(lock);
	*ret_lock = lock;
	return 0;
}

int run_lock_take(const char *directory, const char *proc, int *ret_lock, struct fault *fault)
{
	char path[PATH_MAX];
	snprintf(path, sizeof(path), "%s/" RUN_LOCK_FILE, directory);
	int e = try_to_take(path, ret_lock);
	for (int tries = 1; e == -EBUSY && tries < MOST_TRIES; tries++) {
		nanosleep(&a_moment, NULL);
		e = try_to_take(path, ret_lock);
	}
	if (e == -EBUSY)
		explain_holder(path, proc, fault);
	else if (e)
		fault_set(fault, NULL, "%s: %s; run as root, or choose another place with --run-dir", path,
		          strerror(-e));
	return e;
}
