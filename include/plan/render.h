/*
 * States and changes as text.
 */
#ifndef KUBE_IPVS_PLAN_RENDER_H
#define KUBE_IPVS_PLAN_RENDER_H

#include "base/text.h"
#include "plan/diff.h"
#include "plan/state.h"

/*
 * What `ipvsadm -Sn` prints for these virtual servers, every option included, sorted by the text of the
 * virtual server
 * ("-t 10.96.0.10:53" before "-t 10.96.0.1:443"), then of the real server.
 */
void render_save(const struct state *state, struct text *text);

/*
 * For a person: virtual servers under the Service that wants them (the label up to its colon), with the kind
 * of their address; forwarding and weight of a real server only where they are not the usual ones; then held
 * addresses; then filter elements in words. An empty state is no text at all.
 */
void render_text(const struct state *state, struct text *text);

/*
 * "+", "~" or "-", the ipvsadm form of what changes, and for an edit what it was:
 *
 *	+ filter 10.96.0.1:443 TCP masquerade-outsiders
 *	+ address 10.96.0.1/32 on the dummy interface
 *	+ -A -t 10.96.0.1:443 -s rr
 *	~ -E -t 10.96.0.1:443 -s rr (was -s wlc)
 *	- -d -t 10.96.0.1:443 -r 192.0.2.10:6443
 *
 * render_changes writes one line for each; render_change writes one without its end.
 */
void render_changes(const struct changes *changes, struct text *text);
void render_change(const struct change *change, struct text *text);

/* The words of a filter element: "10.96.0.1:443 TCP masquerade-outsiders", one line without its end. */
void render_filter_element(const struct filter_element *element, struct text *text);

/* Names as JSON and text spell them. */
const char *filter_kind_name(enum filter_kind kind);
const char *filter_verdict_name(enum filter_verdict verdict);

#endif
