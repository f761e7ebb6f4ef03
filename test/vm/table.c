/*
 * What tests in the guest need and no tool has: makes real servers that ipvsadm cannot make, and prints what
 * the project's own reader and writer of `ipvsadm -Sn` make of the kernel's table.
 *
 *     vm-table save
 *     vm-table add FORWARDING ADDRESS:PORT REAL-ADDRESS:PORT     a number of enum forwarding; TCP, IPv4
 */
#include "apply/kernel.h"
#include "base/text.h"
#include "plan/render.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int save(struct kernel *kernel, struct arena *arena, struct fault *fault)
{
	struct state state;
	auto_text text = {0};
	int error = kernel_read(kernel, arena, &state, fault);
	if (error)
		return error;
	render_save(&state, &text);
	fputs(text_string(&text), stdout);
	return 0;
}

static void parse_endpoint(char *text, struct address *ret_address, uint16_t *ret_port)
{
	char *colon = strrchr(text, ':');
	if (colon)
		*colon = '\0';
	if (!colon || !address_parse(text, ret_address)) {
		fprintf(stderr, "vm-table: %s is no ADDRESS:PORT\n", text);
		exit(EXIT_FAILURE);
	}
	*ret_port = (uint16_t)atoi(colon + 1);
}

static int add(struct kernel *kernel, struct arena *arena, char **words)
{
	struct virtual_server owner = {.key.protocol = PROTOCOL_TCP};
	struct real_server server = {.forwarding = (uint8_t)atoi(words[0]), .weight = 1};
	parse_endpoint(words[1], &owner.key.address, &owner.key.port);
	parse_endpoint(words[2], &server.address, &server.port);
	struct change change = {
	        .kind = CHANGE_REAL_SERVER_ADD, .virtual_server = &owner, .real_server = &server};
	struct changes changes = {.items = &change, .count = 1, .capacity = 1};
	int error = kernel_perform(kernel, &changes, arena);
	return error ? error : change.result;
}

int main(int argc, char **argv)
{
	struct arena arena = {0};
	struct fault fault = {0};
	struct kernel *kernel = NULL;
	int error = kernel_open("kube-ipvs0", true, NULL, &kernel, &fault);
	if (error == 0 && argc == 2 && strcmp(argv[1], "save") == 0)
		error = save(kernel, &arena, &fault);
	else if (error == 0 && argc == 5 && strcmp(argv[1], "add") == 0)
		error = add(kernel, &arena, argv + 2);
	if (error)
		fprintf(stderr, "vm-table: %s (%s)\n", fault.sentence, strerror(-error));
	kernel_close(kernel);
	arena_done(&arena);
	return error ? EXIT_FAILURE : EXIT_SUCCESS;
}
