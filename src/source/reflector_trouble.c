/*
 * What the end of an answer means for the list and watch (R1.5, R1.6), and how it is said.
 */
#include "api_status.h"
#include "rbac_advice.h"
#include "reflector.h"

#include <errno.h>
#include <stdio.h>

enum {
	ASKED_MOST_MS = 300000, /* no server may send us away for longer */
	STRIKES_TOLD = 3,       /* so often in a row, and what is usual is trouble */
};

static void write_sentence(const struct reflector *reflector, struct ending *ending, const char *reason)
{
	snprintf(ending->sentence, sizeof(ending->sentence), "%s cannot be %s: %s", reflector->row->subject,
	         reflector->phase == PHASE_WATCH ? "watched" : "listed", reason);
}

void ending_fill(struct reflector *reflector, enum verdict verdict, int reason, const char *format, ...)
{
	auto_text text = {0};
	va_list arguments;
	va_start(arguments, format);
	text_add_list(&text, format, arguments);
	va_end(arguments);
	reflector->own = (struct ending){.verdict = verdict, .reason = reason};
	write_sentence(reflector, &reflector->own, text_string(&text));
}

/* Statuses that say nothing about whether lists can be streamed. */
static bool refuses_streaming(int status)
{
	static const int others[] = {401, 408, 410, 429};
	for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++)
		if (status == others[i])
			return false;
	return (status >= 400 && status < 500) || status == 501;
}

/* Of an HTTP status or the code of an ERROR event. */
static enum verdict verdict_of(const struct reflector *reflector, int code)
{
	if (reflector->phase == PHASE_STREAM && refuses_streaming(code))
		return VERDICT_PAGES;
	if (code == 410)
		return VERDICT_RELIST;
	/* A version or a page that the server cannot make sense of. */
	const bool has_place = reflector->phase == PHASE_WATCH || reflector->next_page;
	if (has_place && (code == 400 || code == 404 || code == 422))
		return VERDICT_RELIST;
	return VERDICT_RETRY;
}

static int64_t asked_ms(int64_t header_ms, const struct api_status *status)
{
	int64_t asked = header_ms > status->retry_after_ms ? header_ms : status->retry_after_ms;
	if (asked < 0)
		return 0;
	return asked < ASKED_MOST_MS ? asked : ASKED_MOST_MS;
}

static void describe(const struct reflector *reflector, int code, const struct api_status *status,
                     struct text *text)
{
	const char *colon = *status->message ? ": " : "";
	if (code == 403) {
		text_addf(text, "%s", *status->message ? status->message : "forbidden (403)");
		rbac_advice_add(text, reflector->row->group, reflector->row->resource, "\"list\", \"watch\"");
	} else if (code == 401) {
		text_addf(
		        text,
		        "the API server does not accept our credentials (401%s%s); look at the token or the "
		        "client certificate",
		        colon, status->message);
	} else {
		text_addf(text, "the API server answers %d%s%s", code, colon, status->message);
	}
}

static struct ending judge_code(const struct reflector *reflector, int code, int reason, int64_t header_ms,
                                const struct api_status *status)
{
	auto_text text = {0};
	struct ending ending = {
	        .verdict = verdict_of(reflector, code),
	        .reason = reason,
	        .asked_ms = asked_ms(header_ms, status),
	        .usual = code == 410,
	};
	describe(reflector, code, status, &text);
	write_sentence(reflector, &ending, text_string(&text));
	return ending;
}

void reflector_judge_event(struct reflector *reflector, const struct api_status *status)
{
	reflector->own = judge_code(reflector, status->code, REASON_EVENT + status->code, -1, status);
}

/* A watch that was open and is not any more is taken up again; only when that does not help is it trouble. */
static struct ending judge_error(const struct reflector *reflector, const struct api_end *end)
{
	struct ending ending = {
	        .verdict = VERDICT_RETRY,
	        .reason = end->error,
	        .asked_ms = 0,
	        .usual = reflector->phase == PHASE_WATCH && reflector->status == 200 &&
	                 end->error != -ETIMEDOUT,
	};
	write_sentence(reflector, &ending, end->sentence ? end->sentence : "the connection failed");
	return ending;
}

struct ending reflector_judge(struct reflector *reflector, const struct api_end *end)
{
	if (reflector->own.verdict)
		return reflector->own;
	if (end->error)
		return judge_error(reflector, end);
	if (end->status != 200) {
		struct api_status status;
		api_status_parse(text_string(&reflector->error_body), reflector->error_body.length, &status);
		return judge_code(reflector, end->status, end->status, end->retry_after_ms, &status);
	}
	const enum phase before = reflector->phase;
	reflector_read_end(reflector);
	if (reflector->own.verdict)
		return reflector->own;
	if (before == PHASE_STREAM)
		return (struct ending){.verdict = VERDICT_PAGES};
	return (struct ending){.verdict = VERDICT_GO_ON};
}

void reflector_tell_trouble(struct reflector *reflector, const struct ending *ending)
{
	const struct api_source_listener *listener = &reflector->shared->listener;
	reflector->strikes++;
	if (ending->usual && reflector->strikes < STRIKES_TOLD)
		return;
	if (reflector->failing && reflector->told_reason == ending->reason)
		return;
	reflector->failing = true;
	reflector->told_reason = ending->reason;
	listener->failing(listener->context, reflector->row->subject, ending->sentence);
}
