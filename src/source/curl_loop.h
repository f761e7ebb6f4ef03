/*
 * A curl multi handle on the event loop: transfers that share connections.
 */
#ifndef KUBE_IPVS_SOURCE_CURL_LOOP_H
#define KUBE_IPVS_SOURCE_CURL_LOOP_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stddef.h>

struct event_base;
struct curl_loop;

/* `done` is called when a transfer ended; it removes it. It is not called from within curl. */
struct curl_loop *curl_loop_open(struct event_base *base, void (*done)(CURL *easy, CURLcode result));
/* All transfers have been removed. NULL is allowed. */
void curl_loop_close(struct curl_loop *loop);
/* Not from within curl's callbacks: see curl_loop_is_inside. */
CURLMcode curl_loop_add(struct curl_loop *loop, CURL *easy);
void curl_loop_remove(struct curl_loop *loop, CURL *easy);
/* A callback of one of the transfers is being called right now. */
bool curl_loop_is_inside(const struct curl_loop *loop);
size_t curl_loop_count(const struct curl_loop *loop);

#endif
