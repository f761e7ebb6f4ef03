/*
 * Tokens as they stand in files and answers: blanks around them are nothing, and what could end a header line and
 * begin another is no token.
 */
#ifndef KUBE_IPVS_SOURCE_SECRET_TEXT_H
#define KUBE_IPVS_SOURCE_SECRET_TEXT_H

#include <stddef.h>

/* Gives the token without the blanks around it; NULL: it is empty or holds something unprintable. */
char *secret_text(const char *bytes, size_t length);

#endif
