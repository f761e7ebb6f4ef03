/*
 * The floor for reading a cluster from one JSON file: jansson parses it into a tree, and that is all.
 *
 *	bench-parse cluster.json
 */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
	json_error_t error;
	if (argc != 2) {
		fputs("usage: bench-parse FILE\n", stderr);
		return EXIT_FAILURE;
	}
	const json_t *tree = json_load_file(argv[1], 0, &error);
	if (tree == NULL) {
		fprintf(stderr, "%s:%d: %s\n", argv[1], error.line, error.text);
		return EXIT_FAILURE;
	}
	printf("%zu items\n", json_array_size(json_object_get(tree, "items")));
	/* The tree is left to the system: giving it back is no part of the floor. */
	return EXIT_SUCCESS;
}
