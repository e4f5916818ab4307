/*
 * The contract between the repository and whatever keeps its objects: a directory, memory, a
 * bucket. A store maps names to immutable runs of bytes. A driver fills in struct
 * mf_store_ops; callers use the mf_store_* functions below, which check names and flags, so
 * that a driver never sees a bad one. Decorators (fault, limit, retry) are drivers that pass
 * every operation on to another store.
 *
 * Names. 1 to MF_STORE_NAME_MAX bytes of a-z 0-9 . - and /, in components that are not empty,
 * at most MF_STORE_COMPONENT_MAX long and do not begin with '.'. Anything else is MF_EUSAGE
 * before the driver is asked. No name may be another's directory ("a" and "a/b").
 *
 * Consistency. An object appears whole or not at all: an interrupted put is never visible.
 * Once put has returned, every later get, head and list of any client sees the object; once
 * del has returned, none does. A listing shows every object that was there throughout;
 * those put or deleted meanwhile may or may not be shown.
 *
 * Durability. Only sync promises that anything outlives a power cut, and MF_STORE_DURABLE for
 * one object. A store whose put is durable when it returns has no sync operation.
 *
 * Threads. Everything blocks; everything but mf_store_close may be called from any number of
 * threads at once. No operation holds a lock while it waits for a disk or a network.
 *
 * Errors. -1 with *e set (e may be NULL). Codes that callers can rely on:
 *   MF_ENOTFOUND    get: no such object; open: no such store
 *   MF_EUSAGE       a bad name, prefix or flag
 *   MF_EUNSUPPORTED this store cannot do that, see mf_store_capabilities
 *   MF_ENOSPC       no space or quota left
 *   MF_EPERM        permission refused, read-only
 *   MF_ETRANSFER    it may work later; of a put, del or sync the outcome is unknown
 *   MF_EINTERRUPTED a decorator's wait was cancelled; the operation was not begun
 * After any other failure of put the object may be there too, unless the code is MF_EUSAGE,
 * MF_EUNSUPPORTED or MF_EINTERRUPTED: take a fresh name.
 */
#ifndef MF_TRANSFERS_STORE_H
#define MF_TRANSFERS_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/base/error.h"

#define MF_STORE_NAME_MAX 240
#define MF_STORE_COMPONENT_MAX 200

/* Flags of put. */
enum {
	/* Put only where no object has the name: the compare-and-swap of refs and
	 * configurations. Of any number of such puts of one name exactly one is told 0. */
	MF_STORE_IF_ABSENT = 1,
	/* The bytes are durable before the name can be seen, and both are when put returns: a
	 * power cut leaves the whole object or none. For the few objects whose names are
	 * meaningful or that others lean on (configuration, ref, manifest root, mark, condemned
	 * list). Without it a power cut before the next sync may leave a name with missing bytes. */
	MF_STORE_DURABLE = 2,
	/* The same bytes may be put under this name again at any time (a mark): only then may a
	 * decorator repeat a put without MF_STORE_IF_ABSENT. */
	MF_STORE_REPEATABLE = 4,
};

/* What a store can do: mf_store_capabilities. */
enum {
	MF_STORE_CONDITIONAL = 1, /* MF_STORE_IF_ABSENT */
	MF_STORE_WRITABLE = 2,	  /* opened for writing; says nothing about permissions */
	MF_STORE_ORDERED = 4,	  /* list gives names in ascending byte order */
	MF_STORE_LOCAL = 8,	  /* no network: reading costs little, retrying is pointless */
	MF_STORE_PACED = 16,	  /* asks the limiter itself for bytes, as they move: limiter.h */
	MF_STORE_COUNTED = 32,	  /* and for requests, as they are sent */
};

struct mf_store_stat {
	uint64_t size;	  /* bytes */
	int64_t mtime_us; /* when it was put, by the store's clock (mf_store_now), Unix us */
	/* How long a retention keeps it from being deleted, by the store's clock, Unix us, perhaps past;
	 * MF_STORE_HELD: until somebody lifts a legal hold; 0: nothing does, or the store does not tell. */
	int64_t locked_until_us;
};

#define MF_STORE_HELD INT64_MAX

/*
 * One object of a listing. name is valid during the call only. A nonzero return ends the
 * listing. Called on the listing thread with no lock held: it may call the store.
 */
typedef int mf_store_list_cb(void *arg, const char *name, uint64_t size, int64_t mtime_us);

struct mf_store;

/*
 * A driver. Each operation is documented at the mf_store_* function of its name. A driver may
 * rely on valid names, prefixes and flags, and on `e` being non-NULL.
 */
struct mf_store_ops {
	const char *scheme; /* "file", "mem"; decorators: "fault", ... */

	/* required */
	int (*put)(struct mf_store *s, const char *name, const void *bytes, size_t n,
	    unsigned flags, struct mf_error *e);
	int (*get)(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
	    struct mf_buf *out, struct mf_error *e);
	int (*head)(struct mf_store *s, const char *name, struct mf_store_stat *out,
	    struct mf_error *e);
	int (*del)(struct mf_store *s, const char *name, struct mf_error *e);
	int (*list)(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
	    struct mf_error *e);
	void (*close)(struct mf_store *s);

	/* optional: NULL means what is said here */
	int (*list_names)(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
	    struct mf_error *e); /* list */
	int (*sync)(struct mf_store *s, struct mf_error *e); /* a returned put is durable */
	int (*adopt)(struct mf_store *s, const char *name, struct mf_error *e); /* the same */
	int (*now)(struct mf_store *s, int64_t *unix_us, struct mf_error *e); /* own wall clock */
	unsigned (*capabilities)(struct mf_store *s); /* MF_STORE_WRITABLE */
	const char *(*label)(struct mf_store *s);     /* the scheme */
};

/* A driver embeds this as the first member of its own struct. */
struct mf_store {
	const struct mf_store_ops *ops;
};

/* Store n bytes (borrowed until the return; bytes may be NULL if n is 0) as an object. flags:
 * MF_STORE_*. 0: stored; an object that had the name before is replaced atomically. 1: only
 * with MF_STORE_IF_ABSENT: the name is taken, nothing was changed. */
int mf_store_put(struct mf_store *s, const char *name, const void *bytes, size_t n,
    unsigned flags, struct mf_error *e);

/* Append at most max_bytes of the object, from offset on, to out (the caller's). Fewer come
 * only where the object ends; at or past its end that is none, which is no error. To notice
 * an object that is longer than it may be, ask for one byte more. On failure out->len is what
 * it was. */
int mf_store_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e);

/* Size and time. 0; 1: no such object; -1. out may be NULL. */
int mf_store_head(struct mf_store *s, const char *name, struct mf_store_stat *out,
    struct mf_error *e);

/* Remove. An object that is not there is fine. */
int mf_store_del(struct mf_store *s, const char *name, struct mf_error *e);

/* Call cb for every object whose name begins with prefix: "" for all, "c/0", "c/0a/"; it need
 * not end at a '/'. The order is ascending byte order where MF_STORE_ORDERED says so. A name
 * is shown once. 0, also when cb ended it; a prefix that matches nothing is 0 with no call. */
int mf_store_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e);

/* The same for a caller that wants names alone: size and mtime_us may be 0 instead of what they
 * are. A directory then need not look each object up, which is most of a listing's time. */
int mf_store_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e);

/* Make durable everything that was put, adopted or deleted through this handle by calls that
 * returned before this one began. Once it has failed, what was put before can no longer be
 * vouched for (the system reports a lost write once), so every later sync of this handle
 * fails too: close it and begin anew. */
int mf_store_sync(struct mf_store *s, struct mf_error *e);

/* Let the next sync cover an object that somebody else put, perhaps without ever making it
 * durable: a chunk left by an unfinished push. Does no I/O and does not say that it exists. */
int mf_store_adopt(struct mf_store *s, const char *name, struct mf_error *e);

/* The store's clock: what stamps the mtime_us of an object put now; that of a server is known to
 * a second. For --grace only. */
int mf_store_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e);

/* MF_STORE_CONDITIONAL and so on. Never fails, may be called often. */
unsigned mf_store_capabilities(struct mf_store *s);

/* What messages call this store: "/srv/models", "mem://x". View, until close. */
const char *mf_store_label(struct mf_store *s);

/* Free the handle. Nothing is made durable: sync first. No thread may be inside. NULL is
 * fine. A decorator closes the store that it took. */
void mf_store_close(struct mf_store *s);

bool mf_store_name_is_valid(const char *name);
bool mf_store_prefix_is_valid(const char *prefix);

/* The operations, for hooks that count, log or fail them. */
enum mf_store_op {
	MF_OP_PUT,
	MF_OP_GET,
	MF_OP_HEAD,
	MF_OP_DEL,
	MF_OP_LIST,
	MF_OP_SYNC,
	MF_OP_ADOPT,
	MF_OP_NOW,
	MF_OPS
};

/* "put", "get", ...; "?" for no operation. */
const char *mf_store_op_name(enum mf_store_op op);
/* Does it change the store, or promise something about a change: put, del, sync, adopt? */
bool mf_store_op_mutates(enum mf_store_op op);

#endif
