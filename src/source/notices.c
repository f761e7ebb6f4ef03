#include "notices.h"

#include <errno.h>
#include <event2/event.h>
#include <time.h>
#include <unistd.h>

static int64_t now_milliseconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void notices_look_in(struct notices *notices, int64_t delay_ms)
{
	const struct timeval delay = {.tv_sec = delay_ms / 1000, .tv_usec = delay_ms % 1000 * 1000};
	event_add(notices->due, &delay);
}

/* What happens from here on is the next look's. */
static void look(struct notices *notices)
{
	notices->gathering = false;
	event_del(notices->due);
	notices->look(notices->context);
}

static void on_due(evutil_socket_t fd, short what, void *context)
{
	(void)fd;
	(void)what;
	look(context);
}

/* Reads all notices there are. True: one of them concerns the user. */
static bool drain(const struct notices *notices)
{
	_Alignas(struct inotify_event) char buffer[16384];
	bool concerned = false;
	ssize_t got;
	while ((got = read(notices->fd, buffer, sizeof(buffer))) > 0)
		for (const char *at = buffer; at < buffer + got;) {
			const struct inotify_event *notice = (const void *)at;
			concerned |=
			        notice->mask & IN_Q_OVERFLOW || notices->concerns(notices->context, notice);
			at += sizeof(*notice) + notice->len;
		}
	return concerned;
}

static void on_readable(evutil_socket_t fd, short what, void *context)
{
	struct notices *notices = context;
	(void)fd;
	(void)what;
	if (!drain(notices))
		return;
	int64_t now = now_milliseconds();
	if (!notices->gathering)
		notices->burst_began_ms = now;
	notices->gathering = true;
	int64_t left = notices->burst_began_ms + notices->burst_ms - now;
	if (left <= 0)
		look(notices);
	else
		notices_look_in(notices, left < notices->quiet_ms ? left : notices->quiet_ms);
}

int notices_open(struct notices *notices, struct event_base *base)
{
	notices->readable = notices->due = NULL;
	notices->gathering = false;
	notices->fd = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	if (notices->fd < 0)
		return -errno;
	notices->readable = event_new(base, notices->fd, EV_READ | EV_PERSIST, on_readable, notices);
	notices->due = event_new(base, -1, 0, on_due, notices);
	if (!notices->readable || !notices->due || event_add(notices->readable, NULL) < 0)
		return -ENOMEM;
	return 0;
}

void notices_close(struct notices *notices)
{
	if (notices->readable)
		event_free(notices->readable);
	if (notices->due)
		event_free(notices->due);
	notices->readable = notices->due = NULL;
	if (notices->fd >= 0)
		close(notices->fd);
	notices->fd = -1;
}
