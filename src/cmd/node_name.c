#include "node_name.h"

#include "base/memory.h"

#include <ctype.h>
#include <string.h>
#include <unistd.h>

int node_name_read(const char *override, char **ret_name, struct fault *fault)
{
	char host[256] = "";
	if (override == NULL && gethostname(host, sizeof(host) - 1) != 0)
		host[0] = '\0';
	const char *from = override ? override : host;
	from += strspn(from, " \t\r\n");
	char *name = memory_copy_text(from);
	size_t length = strlen(name);
	while (length > 0 && isspace((unsigned char)name[length - 1]))
		name[--length] = '\0';
	for (char *c = name; *c != '\0'; c++)
		*c = (char)tolower((unsigned char)*c);
	if (length > 0) {
		*ret_name = name;
		return 0;
	}
	memory_free_pointer(&name);
	if (override == NULL)
		return fault_set(fault, NULL,
		                 "this host has no name; give the node's name with --hostname-override");
	fault_place(fault, "--hostname-override");
	return fault_set(
	        fault, NULL,
	        "the name is empty; give the node's name, or leave the flag out to use the host name");
}
