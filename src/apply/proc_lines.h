/*
 * A file of IPVS's in /proc, line by line, read a page of the kernel's at a time.
 */
#ifndef KUBE_IPVS_APPLY_PROC_LINES_H
#define KUBE_IPVS_APPLY_PROC_LINES_H

#include "base/address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { PROC_LINES_BYTES = 16384 }; /* the kernel gives 4,096 */

struct proc_lines {
	int fd; /* below 0: not open */
	size_t length;
	char *rest;                  /* of the page, not taken yet */
	char page[PROC_LINES_BYTES]; /* always ends with a NUL */
};

/* 0 or a negative errno. */
int proc_lines_open(struct proc_lines *lines, const char *path);
void proc_lines_close(struct proc_lines *lines); /* idempotent */
/* Reads a page. 1: there may be more; 0: that was the end; else a negative errno. What was not taken yet stays. */
int proc_lines_read(struct proc_lines *lines);
/* Takes the next line of what was read, without its end; the user may write in it until the next page is read. NULL: none. */
char *proc_lines_take(struct proc_lines *lines);

/* As such lines have it at their place `text`: IPv4 as eight hexadecimal digits, IPv6 in full. How long it is; 0: it is none. */
size_t proc_lines_address(const char *text, struct address *ret_address);
/* Four digits. */
bool proc_lines_port(const char *text, uint16_t *ret_port);

#endif
