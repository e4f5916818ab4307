/*
 * The curl of libs3, kept in hand: within the module only.
 *
 * libs3 2.0 as Debian has it turns off the check of TLS peers and cannot be told otherwise;
 * follows redirections wherever they lead; takes a body that ends early for a good one; and
 * writes behind two arrays of its own where an answer has very many x-amz-meta- headers, or an
 * Error document very many elements, because it compares counts with sizes in bytes. So its calls
 * of curl_easy_perform come to a function of that name here, which sets what is missing, takes
 * head and body of the answer away from libs3, and then calls curl's. In the same way
 * curl_slist_append adds what libs3 has no word for and a signature need not cover: that a put is
 * conditional, and that it does not wait for leave to send its body, about which old servers say
 * nothing.
 *
 * That works because a symbol is looked up in the module before the libraries that it needs.
 * mf_libs3_guard_begin proves that it does, and without the proof nothing is sent.
 *
 * Threads: any number, each with its own exchange.
 */
#ifndef MF_TRANSFERS_LIBS3_GUARD_H
#define MF_TRANSFERS_LIBS3_GUARD_H

#include "transfers/libs3_module.h"

/* Find libs3's curl, and have libs3 begin. NULL, or why not. Once. */
const char *mf_libs3_guard_begin(void);

/* From here to the next call of libs3's curl, and through it, this thread's request is q. Between
 * the two nobody else composes one: libs3 does that with functions that are not thread safe. */
void mf_libs3_guard_enter(const struct mf_libs3_request *q, struct mf_libs3_result *out);
/* The request is over. true: curl was called. */
bool mf_libs3_guard_leave(void);

#endif
