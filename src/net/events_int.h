/*
 * What a network thread waits for: the sockets of its transfers, curl's timer, and a call from
 * another thread. By epoll(7) and curl_multi_socket_action(3), so that a thread touches only the
 * transfers that something happened to: curl_multi_perform(3) goes through all of them and asks the
 * kernel about each, which takes more the more there are under way.
 *
 * All of it belongs to one thread but mf_events_wake.
 */
#ifndef MF_NET_EVENTS_INT_H
#define MF_NET_EVENTS_INT_H

#include <curl/curl.h>
#include <stdint.h>

#include "src/base/error.h"

struct mf_events {
	CURLM *multi;
	int epoll;
	int call;          /* an eventfd(2) */
	uint64_t timer_us; /* on the monotonic clock, when curl wants to be asked; 0: it need not */
};

/* For multi, whose socket and timer callbacks it takes; it must stay where it is. 0; -1: MF_EFAIL,
 * MF_ENOMEM, nothing is left open. */
int mf_events_init(struct mf_events *v, CURLM *multi, struct mf_error *e);
/* After the multi handle is gone, which calls back until then. */
void mf_events_fini(struct mf_events *v);
/* End the wait that is under way, or the next one. Any thread. */
void mf_events_wake(struct mf_events *v);
/* Let curl do what is to be done, after waiting for that for at most ms milliseconds. */
void mf_events_wait(struct mf_events *v, int ms);

#endif
