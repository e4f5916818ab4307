/*
 * Calling the hooks of a plan over HTTP, as Flagger calls its webhooks: POST of {name, namespace,
 * phase, checksum, metadata}, which passes where the final status is at most 202; dial.h says what
 * is followed, what is tried again and what stays secret.
 *
 * Where a version moves, metadata.version names it, unless the hook has a metadata.version of its
 * own.
 *
 * Two types are ours. `purge` empties a cache of predictions: metadata.method may be POST (the
 * default, with the body), PURGE, BAN or DELETE (without one).
 * `mlflow` speaks to MLflow's registry: mlflow.h.
 *
 * Threads: any number of calls at once.
 */
#ifndef MF_TRAFFIC_HOOKS_H
#define MF_TRAFFIC_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/rollout/hook.h"
#include "src/traffic/dial.h"

#define MF_HOOKS_PASS 202 /* the highest status that passes */
#define MF_HOOKS_METADATA_MAX 256u

/* A caller over a dialer, which is borrowed until close and has a `wait`. NULL: MF_ENOMEM. */
struct mf_hook_caller *mf_hooks_open(struct mf_dialer *dialer, struct mf_error *e);

bool mf_hooks_passed(const struct mf_hook_answer *answer);

/* Can the hook be called at all, as far as one can tell before? MF_EUSAGE with a text that names
 * the hook, and no URL. Reads no file. */
int mf_hooks_check(const struct mf_hook *hook, bool allow_http, struct mf_error *e);

/* Append the body. Pure. Keys of call->more win over those of the hook's metadata. */
void mf_hooks_put_body(struct mf_buf *b, const struct mf_hook_call *call);

/* What an `event` hook is told beside the rest, as call->more; type "Normal" or "Warning". */
#define MF_HOOKS_EVENT_PAIRS 3u
struct mf_hooks_event {
	struct mf_pair more[MF_HOOKS_EVENT_PAIRS];
	char timestamp[24];
};
void mf_hooks_fill_event(
    struct mf_hooks_event *event, const char *type, const char *message, int64_t unix_us);

#endif
