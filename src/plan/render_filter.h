/*
 * The words of filter elements, piece by piece.
 */
#ifndef KUBE_IPVS_PLAN_RENDER_FILTER_H
#define KUBE_IPVS_PLAN_RENDER_FILTER_H

#include "base/text.h"
#include "plan/state.h"

/* What an element can change without becoming another: "drop, allowed sources only"; nothing for other kinds. */
void render_filter_content(const struct filter_element *element, struct text *text);

#endif
