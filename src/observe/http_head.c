/*
 * Little of HTTP is needed to answer a probe, and that little is read strictly: what is not well-formed gets a status
 * and the end of the connection, so that nobody in between can read it differently.
 */
#include "http_head.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

size_t http_head_find_end(const char *bytes, size_t length, size_t *scanned)
{
	size_t at = *scanned;
	for (const char *line; (line = memchr(bytes + at, '\n', length - at));
	     at = (size_t)(line - bytes) + 1) {
		size_t next = (size_t)(line - bytes) + 1;
		if (next < length && bytes[next] == '\r')
			next++;
		if (next >= length)
			break;
		if (bytes[next] == '\n')
			return next + 1;
	}
	*scanned = at < length && memchr(bytes + at, '\n', length - at) ? at : length;
	return 0;
}

/* ---- a request */

static bool is_token(const char *text)
{
	static const char MARKS[] = "!#$%&'*+-.^_`|~";
	if (!*text)
		return false;
	for (; *text; text++) {
		bool word = (*text >= '0' && *text <= '9') || (*text >= 'A' && *text <= 'Z') ||
		            (*text >= 'a' && *text <= 'z');
		if (!word && !strchr(MARKS, *text))
			return false;
	}
	return true;
}

/* Cuts off the next line, without its end. NULL: it holds a control character. */
static char *next_line(char **at)
{
	char *line = *at, *end = strchr(line, '\n');
	if (!end)
		return NULL;
	*at = end + 1;
	if (end > line && end[-1] == '\r')
		end--;
	*end = '\0';
	for (const char *c = line; *c; c++)
		if (((unsigned char)*c < ' ' && *c != '\t') || *c == 127)
			return NULL;
	return line;
}

/* "/path?query", "http://host/path?query" or "*": the path is left. NULL: none of these. */
static char *path_of(char *target)
{
	static const char SCHEME[] = "http://";
	target[strcspn(target, "?#")] = '\0';
	if (strncasecmp(target, SCHEME, strlen(SCHEME)) == 0) {
		target += strlen(SCHEME);
		target += strcspn(target, "/");
		return *target ? target : "/";
	}
	return *target == '/' || strcmp(target, "*") == 0 ? target : NULL;
}

static int parse_request_line(char *line, struct http_head *head, bool *ret_host_needed)
{
	char *save, *method = strtok_r(line, " ", &save), *target = strtok_r(NULL, " ", &save),
	            *version = strtok_r(NULL, " ", &save);
	if (!version || strtok_r(NULL, " ", &save) || !is_token(method) || strncmp(version, "HTTP/", 5) != 0)
		return 400;
	if (strcmp(version, "HTTP/1.1") != 0 && strcmp(version, "HTTP/1.0") != 0)
		return 505;
	*ret_host_needed = strcmp(version, "HTTP/1.1") == 0;
	head->method = method;
	head->path = path_of(target);
	head->close = !*ret_host_needed; /* keeping a connection is a matter of 1.1 */
	return head->path ? 0 : 400;
}

/* Whether a list, whose parts commas divide, has this word. */
static bool list_has(const char *list, const char *word)
{
	size_t length = strlen(word);
	for (const char *at = list; *at; at += strcspn(at, ",")) {
		at += strspn(at, ", \t");
		if (strncasecmp(at, word, length) == 0 && strchr(", \t", at[length]))
			return true;
	}
	return false;
}

struct head_fields {
	unsigned hosts;
	bool length_known;
	uint64_t length;
	bool coded;
};

static int parse_length(const char *value, struct head_fields *fields)
{
	size_t digits = strspn(value, "0123456789");
	if (digits == 0 || value[digits] || digits > 18)
		return digits > 18 && !value[digits] ? 413 : 400;
	uint64_t length = strtoull(value, NULL, 10);
	if (fields->length_known && fields->length != length)
		return 400;
	fields->length_known = true;
	fields->length = length;
	return 0;
}

static int parse_field(char *line, struct http_head *head, struct head_fields *fields)
{
	char *colon = strchr(line, ':');
	if (!colon)
		return 400;
	*colon = '\0';
	if (!is_token(line)) /* blanks before the colon, or a folded line */
		return 400;
	char *value = colon + 1 + strspn(colon + 1, " \t");
	for (size_t length = strlen(value); length && strchr(" \t", value[length - 1]); length--)
		value[length - 1] = '\0';
	if (strcasecmp(line, "Host") == 0)
		fields->hosts++;
	else if (strcasecmp(line, "Connection") == 0)
		head->close |= list_has(value, "close");
	else if (strcasecmp(line, "Transfer-Encoding") == 0)
		fields->coded = true;
	else if (strcasecmp(line, "Content-Length") == 0)
		return parse_length(value, fields);
	return 0;
}

static int judge_body(const struct head_fields *fields, struct http_head *head)
{
	if (fields->coded && fields->length_known) /* two readers could disagree where it ends */
		return 400;
	if (fields->length > HTTP_BODY_BYTES_MAX)
		return 413;
	head->body = fields->coded || fields->length > 0;
	head->close |= head->body;
	return 0;
}

int http_head_parse(char *bytes, size_t length, struct http_head *ret_head)
{
	struct head_fields fields = {0};
	bool host_needed = false;
	char *at = bytes, *line;
	*ret_head = (struct http_head){0};
	if (memchr(bytes, '\0', length) || !(line = next_line(&at)))
		return 400;
	int status = parse_request_line(line, ret_head, &host_needed);
	while (!status && (line = next_line(&at)) && *line)
		status = parse_field(line, ret_head, &fields);
	if (status)
		return status;
	if (!line || fields.hosts > 1 || (host_needed && !fields.hosts))
		return 400;
	return judge_body(&fields, ret_head);
}

/* ---- an answer */

const char *http_status_phrase(int status)
{
	static const struct {
		int status;
		const char *phrase;
	} PHRASES[] = {
	        {200, "OK"},
	        {400, "Bad Request"},
	        {403, "Forbidden"},
	        {404, "Not Found"},
	        {405, "Method Not Allowed"},
	        {408, "Request Timeout"},
	        {413, "Request Entity Too Large"},
	        {431, "Request Header Fields Too Large"},
	        {500, "Internal Server Error"},
	        {503, "Service Unavailable"},
	        {505, "HTTP Version Not Supported"},
	};
	for (size_t i = 0; i < sizeof(PHRASES) / sizeof(*PHRASES); i++)
		if (PHRASES[i].status == status)
			return PHRASES[i].phrase;
	return "Unknown";
}

/* strftime would say it in the language of the locale. */
static void add_date(time_t now, struct text *text)
{
	static const char DAYS[7][4] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
	static const char MONTHS[12][4] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
	                                   "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
	struct tm utc;
	gmtime_r(&now, &utc);
	text_addf(text, "Date: %s, %02d %s %04d %02d:%02d:%02d GMT\r\n", DAYS[utc.tm_wday], utc.tm_mday,
	          MONTHS[utc.tm_mon], utc.tm_year + 1900, utc.tm_hour, utc.tm_min, utc.tm_sec);
}

void http_head_render(const struct http_answer *answer, bool close, time_t now, struct text *text)
{
	text_addf(text, "HTTP/1.1 %d %s\r\n", answer->status, http_status_phrase(answer->status));
	text_addf(text, "Content-Type: %s\r\nX-Content-Type-Options: nosniff\r\n", answer->content_type);
	if (*answer->header_name)
		text_addf(text, "%s: %s\r\n", answer->header_name, answer->header_value);
	add_date(now, text);
	text_addf(text, "Content-Length: %zu\r\n", answer->body.length);
	text_add(text, close ? "Connection: close\r\n\r\n" : "\r\n");
}
