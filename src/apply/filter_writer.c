#include "filter_writer.h"

#include <errno.h>
#include <linux/netlink.h>
#include <nftables/libnftables.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	LAST_ERRNO = 133,     /* EHWPOISON */
	QUOTATION_MOST = 120, /* of the commands: whoever reads it wants one element, not a thousand */
};

/* ---- what it said */

/* The errno whose text this one ends with. */
static int errno_of(const char *sentence, size_t length)
{
	for (int number = 1; number <= LAST_ERRNO; number++) {
		const char *text = strerror(number);
		size_t wanted = strlen(text);
		if (length >= wanted && memcmp(sentence + length - wanted, text, wanted) == 0)
			return number;
	}
	return EINVAL;
}

static const char *skip(const char *text, const char *beginning)
{
	size_t length = strlen(beginning);
	return strncmp(text, beginning, length) == 0 ? text + length : text;
}

/* The second line is a line of the commands, the third has ^ under what is meant. */
static void quote(const char *line, struct text *words)
{
	const char *marks = strchr(line, '\n');
	if (!marks)
		return;
	size_t line_length = (size_t)(marks++ - line);
	size_t start = strspn(marks, " \t~-"), length = strspn(marks + start, "^~-");
	if (length == 0 || start + length > line_length)
		return;
	bool cut = length > QUOTATION_MOST;
	text_add(words, ", at ");
	text_add_bytes(words, line + start, cut ? QUOTATION_MOST : length);
	if (cut)
		text_add(words, "...");
}

int filter_writer_explain(const char *said, bool quoted, struct text *ret_words)
{
	const char *error = strstr(said, "Error: ");
	const char *sentence = skip(error ? error + strlen("Error: ") : said, "Could not process rule: ");
	size_t length = strcspn(sentence, "\n");
	text_add_bytes(ret_words, sentence, length);
	if (quoted && sentence[length] == '\n')
		quote(sentence + length + 1, ret_words);
	return -errno_of(sentence, length);
}

/* ---- running */

/* libnftables ends the program when it gets no socket, so whether there is one is asked first. */
static int try_socket(void)
{
	int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
	if (fd < 0)
		return -errno;
	close(fd);
	return 0;
}

static int open_session(void **session)
{
	if (*session)
		return 0;
	int error = try_socket();
	if (error)
		return error;
	struct nft_ctx *nft = nft_ctx_new(NFT_CTX_DEFAULT);
	if (!nft)
		return -ENOMEM;
	if (nft_ctx_buffer_output(nft) || nft_ctx_buffer_error(nft)) {
		nft_ctx_free(nft);
		return -ENOMEM;
	}
	*session = nft;
	return 0;
}

int filter_writer_run(void *context, void **session, const char *commands, struct text *ret_words)
{
	(void)context;
	int error = open_session(session);
	if (error)
		return error;
	/* A leftover EPERM makes libnftables write to standard error. */
	errno = 0;
	int failed = nft_run_cmd_from_buffer(*session, commands);
	/* Asking for the texts is what empties their buffers. */
	(void)nft_ctx_get_output_buffer(*session);
	const char *said = nft_ctx_get_error_buffer(*session);
	/* In several lines it points at the right column, but of the first line. */
	return failed ? filter_writer_explain(said, !strchr(commands, '\n'), ret_words) : 0;
}

void filter_writer_close(void *context, void *session)
{
	(void)context;
	if (session)
		nft_ctx_free(session);
}
