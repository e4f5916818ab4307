/*
 * What this machine remembers of repositories, so that nobody can show it an older one: the
 * id that stands behind a repository's URL, and the highest sequence numbers seen of its
 * configuration and refs; and what it found out about stores by trying. It is a small SQLite
 * database, state.db, in the state directory (directory 0700, file 0600) and is never thrown away:
 * who loses it trusts the next answer.
 *
 * Several processes may use one directory at the same time, and each may be killed at any
 * moment: a change is durable when the call has returned, and otherwise did not happen. A call
 * waits up to 30 s for other processes.
 * A handle belongs to one thread at a time. All calls block on the disk.
 */
#ifndef MF_STATE_STATE_H
#define MF_STATE_STATE_H

#include <stdint.h>

#include "src/base/error.h"

struct mf_state;

/* The key under which the sequence of a repository's configuration is remembered; those of
 * refs are "MODEL/REF", those of versions (their times) "MODEL@VERSION"; none clashes. */
#define MF_STATE_KEY_CONFIG "config"

/* Hex digits of a repository id, without the NUL. */
#define MF_STATE_ID_DIGITS 64

/* Where the state lies when --state-dir does not say: $XDG_STATE_HOME/modelferry, else
 * $HOME/.local/state/modelferry, as a new string (free(3)). NULL with MF_EUSAGE and a hint
 * that names --state-dir when neither is set to an absolute path. */
char *mf_state_default_dir(struct mf_error *e);

/* Open the state in dir (NULL: the default one); it and its parents are made where missing.
 * (What a directory of pulls remembers is a file of its own: src/repo/seen_int.h.) 0 and a new handle (mf_state_close);
 * -1: MF_EPERM and friends for a directory that cannot be written, MF_EUNSUPPORTED for state
 * of a newer modelferry, MF_EFAIL for a damaged file; each hint names --state-dir. */
int mf_state_open(const char *dir, struct mf_state **state, struct mf_error *e);
void mf_state_close(struct mf_state *state);

/* Behind url stands the repository of this id (lower hex). The first use stores it. A
 * different id later is MF_EKEY, and the message names the URL and both ids. */
int mf_state_pin_repo(struct mf_state *state, const char *url, const char *repo_id_hex,
    struct mf_error *e);

/* The id that is pinned for url. 0; 1: none yet, *repo_id_hex is ""; -1. */
int mf_state_pinned_repo(struct mf_state *state, const char *url,
    char repo_id_hex[MF_STATE_ID_DIGITS + 1], struct mf_error *e);

/* The highest sequence seen of key in that repository. 0; 1: none yet, *sequence is 0; -1. */
int mf_state_seen(struct mf_state *state, const char *repo_id_hex, const char *key,
    uint64_t *sequence, struct mf_error *e);

/* Remember that sequence was seen. Never lowers: with a higher one stored already, by whatever
 * process, it changes nothing. Durable on return. Sequences end at 2^63 - 1 (MF_EDAMAGED). */
int mf_state_raise(struct mf_state *state, const char *repo_id_hex, const char *key,
    uint64_t sequence, struct mf_error *e);

/* What was found out about a store, by a name of the fact; not a repository's, and never kept
 * with one: a copy of it in another store would be a lie there. 0; 1: not known, *value is 0; -1. */
int mf_state_fact(struct mf_state *state, const char *store, const char *fact, uint64_t *value,
    struct mf_error *e);
/* Keep it, in place of what was known. value is below 2^63. Durable on return. */
int mf_state_set_fact(struct mf_state *state, const char *store, const char *fact, uint64_t value,
    struct mf_error *e);

#endif
