/*
 * The world is a sorted array of pointers to objects; objects are counted, so that a listing
 * or a get goes on with what it found after the lock is given back.
 */
#include "transfers/memory.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct object {
	atomic_uint references;
	int64_t mtime_us;
	size_t size;
	char name[MF_STORE_NAME_MAX + 1];
	uint8_t bytes[];
};

struct mf_memory {
	pthread_mutex_t lock;
	unsigned references;
	struct object **at; /* ascending names */
	size_t n, capacity;
	int64_t clock_us; /* 0: the real one */
	bool conditional, far;
	uint64_t operations;
	struct mf_memory *next; /* of the named worlds */
	char name[];		/* "" for one without */
};

struct memory_store {
	struct mf_store store;
	struct mf_memory *world;
	mf_memory_step *step;
	void *arg;
	char label[]; /* "mem://NAME" */
};

/* The named worlds: mem://NAME means the same in the whole process. */
static pthread_mutex_t named_lock = PTHREAD_MUTEX_INITIALIZER;
static struct mf_memory *named;

static struct mf_memory *
world_new(const char *name, struct mf_error *e)
{
	struct mf_memory *m = calloc(1, sizeof *m + strlen(name) + 1);

	if (m == NULL || pthread_mutex_init(&m->lock, NULL) != 0) {
		free(m);
		mf_error_nomem(e, "a memory store");
		return NULL;
	}
	m->references = 1;
	m->conditional = true;
	memcpy(m->name, name, strlen(name) + 1);
	return m;
}

struct mf_memory *
mf_memory_new(struct mf_error *e)
{
	return world_new("", e);
}

struct mf_memory *
mf_memory_named(const char *name, struct mf_error *e)
{
	struct mf_memory *m;

	pthread_mutex_lock(&named_lock);
	for (m = named; m != NULL && strcmp(m->name, name) != 0; m = m->next)
		;
	if (m == NULL) {
		m = world_new(name, e); /* with the list's own reference */
		if (m != NULL) {
			m->next = named;
			named = m;
		}
	}
	if (m != NULL) {
		pthread_mutex_lock(&m->lock);
		m->references++;
		pthread_mutex_unlock(&m->lock);
	}
	pthread_mutex_unlock(&named_lock);
	return m;
}

static void
object_release(struct object *o)
{
	if (o != NULL && atomic_fetch_sub(&o->references, 1) == 1)
		free(o);
}

void
mf_memory_release(struct mf_memory *m)
{
	unsigned left;
	size_t i;

	if (m == NULL)
		return;
	pthread_mutex_lock(&m->lock);
	left = --m->references;
	pthread_mutex_unlock(&m->lock);
	if (left > 0)
		return;
	for (i = 0; i < m->n; i++)
		object_release(m->at[i]);
	free(m->at);
	pthread_mutex_destroy(&m->lock);
	free(m);
}

void
mf_memory_set_clock(struct mf_memory *m, int64_t unix_us)
{
	pthread_mutex_lock(&m->lock);
	m->clock_us = unix_us;
	pthread_mutex_unlock(&m->lock);
}

void
mf_memory_advance(struct mf_memory *m, int64_t us)
{
	pthread_mutex_lock(&m->lock);
	m->clock_us += us;
	pthread_mutex_unlock(&m->lock);
}

void
mf_memory_set_conditional(struct mf_memory *m, bool conditional)
{
	pthread_mutex_lock(&m->lock);
	m->conditional = conditional;
	pthread_mutex_unlock(&m->lock);
}

void
mf_memory_set_far(struct mf_memory *m, bool far)
{
	pthread_mutex_lock(&m->lock);
	m->far = far;
	pthread_mutex_unlock(&m->lock);
}

uint64_t
mf_memory_operations(struct mf_memory *m)
{
	uint64_t n;

	pthread_mutex_lock(&m->lock);
	n = m->operations;
	pthread_mutex_unlock(&m->lock);
	return n;
}

size_t
mf_memory_objects(struct mf_memory *m)
{
	size_t n;

	pthread_mutex_lock(&m->lock);
	n = m->n;
	pthread_mutex_unlock(&m->lock);
	return n;
}

/* Under the lock. */
static int64_t
clock_of(const struct mf_memory *m)
{
	struct timespec t;

	if (m->clock_us != 0)
		return m->clock_us;
	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* The place of the first name that is not below this one. Under the lock. */
static size_t
lower_bound(const struct mf_memory *m, const char *name)
{
	size_t low = 0, high = m->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (strcmp(m->at[mid]->name, name) < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

static bool
is_at(const struct mf_memory *m, size_t i, const char *name)
{
	return i < m->n && strcmp(m->at[i]->name, name) == 0;
}

/* Count the operation, after asking the hook. */
static int
step(struct memory_store *s, enum mf_store_op op, const char *name, struct mf_error *e)
{
	if (s->step != NULL && s->step(s->arg, op, name, e) != 0)
		return -1;
	pthread_mutex_lock(&s->world->lock);
	s->world->operations++;
	pthread_mutex_unlock(&s->world->lock);
	return 0;
}

static struct object *
object_new(const char *name, const void *bytes, size_t n)
{
	struct object *o = n < SIZE_MAX - sizeof *o ? malloc(sizeof *o + n) : NULL;

	if (o == NULL)
		return NULL;
	atomic_init(&o->references, 1);
	o->mtime_us = 0;
	o->size = n;
	memcpy(o->name, name, strlen(name) + 1);
	if (n > 0)
		memcpy(o->bytes, bytes, n);
	return o;
}

/* Put *o at its place. 0: *o is now what is to be released (the object before, or NULL).
 * 1: the name is taken. -1: out of memory. Under the lock. */
static int
insert(struct mf_memory *m, struct object **o, bool if_absent)
{
	struct object *before, **grown;
	size_t i = lower_bound(m, (*o)->name), capacity;

	(*o)->mtime_us = clock_of(m);
	if (is_at(m, i, (*o)->name)) {
		if (if_absent)
			return 1;
		before = m->at[i];
		m->at[i] = *o;
		*o = before;
		return 0;
	}
	if (m->n == m->capacity) {
		capacity = m->capacity == 0 ? 64 : m->capacity * 2;
		grown = realloc(m->at, capacity * sizeof *grown);
		if (grown == NULL)
			return -1;
		m->at = grown;
		m->capacity = capacity;
	}
	memmove(m->at + i + 1, m->at + i, (m->n - i) * sizeof *m->at);
	m->at[i] = *o;
	m->n++;
	*o = NULL;
	return 0;
}

static int
memory_put(struct mf_store *store, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;
	const bool if_absent = (flags & MF_STORE_IF_ABSENT) != 0;
	struct object *o;
	bool refused;
	int r = -1;

	if (step(s, MF_OP_PUT, name, e) != 0)
		return -1;
	o = object_new(name, bytes, n);
	if (o == NULL)
		return mf_error_nomem(e, "an object");
	pthread_mutex_lock(&s->world->lock);
	refused = if_absent && !s->world->conditional;
	if (!refused)
		r = insert(s->world, &o, if_absent);
	pthread_mutex_unlock(&s->world->lock);
	object_release(o);
	if (refused)
		return mf_error_set(e, MF_EUNSUPPORTED, "%s has no conditional put", s->label);
	return r < 0 ? mf_error_nomem(e, "the list of objects") : r;
}

/* The object with a reference for the caller, or NULL. */
static struct object *
find(struct mf_memory *m, const char *name)
{
	struct object *o = NULL;
	size_t i;

	pthread_mutex_lock(&m->lock);
	i = lower_bound(m, name);
	if (is_at(m, i, name)) {
		o = m->at[i];
		atomic_fetch_add(&o->references, 1);
	}
	pthread_mutex_unlock(&m->lock);
	return o;
}

static int
memory_get(struct mf_store *store, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;
	struct object *o;
	size_t n;
	int r = 0;

	if (step(s, MF_OP_GET, name, e) != 0)
		return -1;
	o = find(s->world, name);
	if (o == NULL)
		return mf_error_set(e, MF_ENOTFOUND, "no object %s in %s", name, s->label);
	n = offset < o->size ? o->size - (size_t)offset : 0;
	n = n < max_bytes ? n : max_bytes;
	if (n > 0 && mf_buf_reserve(out, n) != 0)
		r = mf_error_nomem(e, "an object");
	else if (n > 0)
		mf_buf_put(out, o->bytes + offset, n);
	object_release(o);
	return r;
}

static int
memory_head(struct mf_store *store, const char *name, struct mf_store_stat *out,
    struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;
	struct object *o;

	if (step(s, MF_OP_HEAD, name, e) != 0)
		return -1;
	o = find(s->world, name);
	if (o == NULL)
		return 1;
	out->size = o->size;
	out->mtime_us = o->mtime_us;
	object_release(o);
	return 0;
}

static int
memory_del(struct mf_store *store, const char *name, struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;
	struct mf_memory *m = s->world;
	struct object *o = NULL;
	size_t i;

	if (step(s, MF_OP_DEL, name, e) != 0)
		return -1;
	pthread_mutex_lock(&m->lock);
	i = lower_bound(m, name);
	if (is_at(m, i, name)) {
		o = m->at[i];
		m->n--;
		memmove(m->at + i, m->at + i + 1, (m->n - i) * sizeof *m->at);
	}
	pthread_mutex_unlock(&m->lock);
	object_release(o);
	return 0;
}

/* The objects with the prefix, each with a reference, in a new array. */
static int
snapshot(struct mf_memory *m, const char *prefix, struct object ***out, size_t *n)
{
	size_t len = strlen(prefix), first, last, i;

	pthread_mutex_lock(&m->lock);
	first = lower_bound(m, prefix);
	for (last = first; last < m->n && strncmp(m->at[last]->name, prefix, len) == 0; last++)
		;
	*n = last - first;
	*out = calloc(*n + 1, sizeof **out);
	for (i = 0; *out != NULL && i < *n; i++) {
		(*out)[i] = m->at[first + i];
		atomic_fetch_add(&(*out)[i]->references, 1);
	}
	pthread_mutex_unlock(&m->lock);
	return *out == NULL ? -1 : 0;
}

static int
memory_list(struct mf_store *store, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;
	struct object **found;
	size_t n, i;
	bool stop = false;

	if (step(s, MF_OP_LIST, prefix, e) != 0)
		return -1;
	if (snapshot(s->world, prefix, &found, &n) != 0)
		return mf_error_nomem(e, "a listing");
	for (i = 0; i < n; i++) {
		stop = stop || cb(arg, found[i]->name, found[i]->size, found[i]->mtime_us) != 0;
		object_release(found[i]);
	}
	free(found);
	return 0;
}

static int
memory_sync(struct mf_store *store, struct mf_error *e)
{
	return step((struct memory_store *)store, MF_OP_SYNC, "", e);
}

static int
memory_adopt(struct mf_store *store, const char *name, struct mf_error *e)
{
	return step((struct memory_store *)store, MF_OP_ADOPT, name, e);
}

static int
memory_now(struct mf_store *store, int64_t *unix_us, struct mf_error *e)
{
	struct memory_store *s = (struct memory_store *)store;

	if (step(s, MF_OP_NOW, "", e) != 0)
		return -1;
	pthread_mutex_lock(&s->world->lock);
	*unix_us = clock_of(s->world);
	pthread_mutex_unlock(&s->world->lock);
	return 0;
}

static unsigned
memory_capabilities(struct mf_store *store)
{
	struct mf_memory *m = ((struct memory_store *)store)->world;
	bool conditional, far;

	pthread_mutex_lock(&m->lock);
	conditional = m->conditional;
	far = m->far;
	pthread_mutex_unlock(&m->lock);
	return MF_STORE_WRITABLE | MF_STORE_ORDERED | (far ? 0u : (unsigned)MF_STORE_LOCAL) |
	    (conditional ? (unsigned)MF_STORE_CONDITIONAL : 0u);
}

static const char *
memory_label(struct mf_store *store)
{
	return ((struct memory_store *)store)->label;
}

static void
memory_close(struct mf_store *store)
{
	mf_memory_release(((struct memory_store *)store)->world);
	free(store);
}

static const struct mf_store_ops memory_ops = {
	.scheme = "mem",
	.put = memory_put,
	.get = memory_get,
	.head = memory_head,
	.del = memory_del,
	.list = memory_list,
	.close = memory_close,
	.sync = memory_sync,
	.adopt = memory_adopt,
	.now = memory_now,
	.capabilities = memory_capabilities,
	.label = memory_label,
};

int
mf_memory_open(struct mf_memory *m, mf_memory_step *step_hook, void *arg, struct mf_store **out,
    struct mf_error *e)
{
	static const char scheme[] = "mem://";
	size_t label_bytes = sizeof scheme + strlen(m->name);
	struct memory_store *s = calloc(1, sizeof *s + label_bytes);

	if (s == NULL)
		return mf_error_nomem(e, "a memory store");
	s->store.ops = &memory_ops;
	s->world = m;
	s->step = step_hook;
	s->arg = arg;
	snprintf(s->label, label_bytes, "%s%s", scheme, m->name);
	pthread_mutex_lock(&m->lock);
	m->references++;
	pthread_mutex_unlock(&m->lock);
	*out = &s->store;
	return 0;
}
