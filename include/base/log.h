/*
 * The log of the daemon and the messages of the commands: one line each, on standard error, subject first.
 *
 * Only cmd logs. Where the journal reads standard error (JOURNAL_STREAM names it) lines begin with the
 * priority that it takes from there (<3>, <4>, ...). A message is one line whatever it holds: control
 * characters become blanks, and what is beyond 8 KiB is cut. errno stays as it was. As JSON, a line is an object with
 * the time, the level and the message, in which what is not UTF-8 becomes U+FFFD.
 */
#ifndef KUBE_IPVS_BASE_LOG_H
#define KUBE_IPVS_BASE_LOG_H

enum log_level {
	LOG_LEVEL_ERROR,
	LOG_LEVEL_WARNING,
	LOG_LEVEL_INFO,
	LOG_LEVEL_DEBUG,
};

struct log {
	enum log_level most; /* the most talkative level that is printed */
	int fd;
	int with_priority; /* prefix lines with <N> */
	int as_json; /* {"ts":"2026-11-21T12:00:00.123Z","level":"info","msg":"..."}, without a priority */
};

/* A log on standard error at INFO. */
void log_init(struct log *log);
void log_write(const struct log *log, enum log_level level, const char *format, ...)
        __attribute__((format(printf, 3, 4)));

#define log_error(log, ...)   log_write((log), LOG_LEVEL_ERROR, __VA_ARGS__)
#define log_warning(log, ...) log_write((log), LOG_LEVEL_WARNING, __VA_ARGS__)
#define log_info(log, ...)    log_write((log), LOG_LEVEL_INFO, __VA_ARGS__)
#define log_debug(log, ...)   log_write((log), LOG_LEVEL_DEBUG, __VA_ARGS__)

#endif
