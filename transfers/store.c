#include "transfers/store.h"

#include <string.h>
#include <time.h>

#define ALL_FLAGS ((unsigned)(MF_STORE_IF_ABSENT | MF_STORE_DURABLE | MF_STORE_REPEATABLE))

static bool
byte_is_valid(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' || c == '-';
}

/* A name, or the beginning of one: then the last component may be missing. */
static bool
is_valid(const char *name, bool prefix)
{
	size_t i, component = 0;

	if (name == NULL)
		return false;
	for (i = 0; name[i] != '\0'; i++) {
		if (i == MF_STORE_NAME_MAX)
			return false;
		if (name[i] == '/') {
			if (component == 0)
				return false;
			component = 0;
			continue;
		}
		if (!byte_is_valid(name[i]) || (component == 0 && name[i] == '.') ||
		    ++component > MF_STORE_COMPONENT_MAX)
			return false;
	}
	return prefix || component > 0;
}

bool
mf_store_name_is_valid(const char *name)
{
	return is_valid(name, false);
}

bool
mf_store_prefix_is_valid(const char *prefix)
{
	return is_valid(prefix, true);
}

static int
check_name(struct mf_store *s, const char *name, struct mf_error *e)
{
	if (mf_store_name_is_valid(name))
		return 0;
	return mf_error_set(e, MF_EUSAGE, "bad object name \"%.260s\" for %s",
	    name == NULL ? "(null)" : name, mf_store_label(s));
}

int
mf_store_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	if (check_name(s, name, e) != 0)
		return -1;
	if ((flags & ~ALL_FLAGS) != 0)
		return mf_error_set(e, MF_EUSAGE, "unknown flags %#x for a put of %s", flags, name);
	return s->ops->put(s, name, bytes, n, flags, e);
}

int
mf_store_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	if (check_name(s, name, e) != 0)
		return -1;
	return s->ops->get(s, name, offset, max_bytes, out, e);
}

int
mf_store_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	struct mf_error own = {0};
	struct mf_store_stat unused = {0};

	e = e == NULL ? &own : e;
	if (check_name(s, name, e) != 0)
		return -1;
	out = out == NULL ? &unused : out;
	out->locked_until_us = 0; /* but for who knows of such */
	return s->ops->head(s, name, out, e);
}

int
mf_store_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	if (check_name(s, name, e) != 0)
		return -1;
	return s->ops->del(s, name, e);
}

static int
check_prefix(struct mf_store *s, const char *prefix, struct mf_error *e)
{
	if (mf_store_prefix_is_valid(prefix))
		return 0;
	return mf_error_set(e, MF_EUSAGE, "bad prefix \"%.260s\" for a listing of %s",
	    prefix == NULL ? "(null)" : prefix, mf_store_label(s));
}

int
mf_store_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	return check_prefix(s, prefix, e) != 0 ? -1 : s->ops->list(s, prefix, cb, arg, e);
}

int
mf_store_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	if (check_prefix(s, prefix, e) != 0)
		return -1;
	return (s->ops->list_names != NULL ? s->ops->list_names : s->ops->list)(s, prefix, cb, arg, e);
}

int
mf_store_sync(struct mf_store *s, struct mf_error *e)
{
	struct mf_error own = {0};

	return s->ops->sync == NULL ? 0 : s->ops->sync(s, e == NULL ? &own : e);
}

int
mf_store_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	struct mf_error own = {0};

	e = e == NULL ? &own : e;
	if (check_name(s, name, e) != 0)
		return -1;
	return s->ops->adopt == NULL ? 0 : s->ops->adopt(s, name, e);
}

int
mf_store_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	struct mf_error own = {0};
	struct timespec t;

	if (s->ops->now != NULL)
		return s->ops->now(s, unix_us, e == NULL ? &own : e);
	clock_gettime(CLOCK_REALTIME, &t);
	*unix_us = (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
	return 0;
}

unsigned
mf_store_capabilities(struct mf_store *s)
{
	return s->ops->capabilities == NULL ? MF_STORE_WRITABLE : s->ops->capabilities(s);
}

const char *
mf_store_label(struct mf_store *s)
{
	return s->ops->label == NULL ? s->ops->scheme : s->ops->label(s);
}

void
mf_store_close(struct mf_store *s)
{
	if (s != NULL)
		s->ops->close(s);
}

static const char *const op_names[MF_OPS] = {
	[MF_OP_PUT] = "put",
	[MF_OP_GET] = "get",
	[MF_OP_HEAD] = "head",
	[MF_OP_DEL] = "del",
	[MF_OP_LIST] = "list",
	[MF_OP_SYNC] = "sync",
	[MF_OP_ADOPT] = "adopt",
	[MF_OP_NOW] = "now",
};

const char *
mf_store_op_name(enum mf_store_op op)
{
	return (unsigned)op < MF_OPS ? op_names[op] : "?";
}

bool
mf_store_op_mutates(enum mf_store_op op)
{
	return op == MF_OP_PUT || op == MF_OP_DEL || op == MF_OP_SYNC || op == MF_OP_ADOPT;
}
