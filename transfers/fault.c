#include "transfers/fault.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "src/base/units.h"

struct fault_store {
	struct mf_store store;
	struct mf_store *inner;
	mf_fault_hook *hook;
	void *arg;
	void *own; /* freed with the store: the environment's hook */
	atomic_uint_fast64_t operations, writes;
};

static enum mf_fault_verdict
ask(struct mf_store *s, enum mf_store_op op, const char *name, struct mf_error *e)
{
	struct fault_store *f = (struct fault_store *)s;
	struct mf_fault_op o = {.op = op, .name = name};

	o.number = atomic_fetch_add(&f->operations, 1) + 1;
	if (mf_store_op_mutates(op))
		o.writes = atomic_fetch_add(&f->writes, 1) + 1;
	else
		o.writes = atomic_load(&f->writes);
	return f->hook == NULL ? MF_FAULT_NONE : f->hook(f->arg, &o, e);
}

/* What to answer: the operation's own result unless the hook wanted it to fail. */
static int
answer(enum mf_fault_verdict v, int result, const struct mf_error *injected, struct mf_error *e)
{
	if (v == MF_FAULT_NONE)
		return result;
	*e = *injected;
	return -1;
}

/* Run one operation of the inner store under the hook's verdict. */
#define UNDER_FAULT(s, op, name, e, call) \
	do { \
		struct mf_store *inner = ((struct fault_store *)(s))->inner; \
		struct mf_error injected = {.code = MF_EFAIL, .message = "injected failure"}; \
		enum mf_fault_verdict v = ask((s), (op), (name), &injected); \
		return answer(v, v == MF_FAULT_BEFORE ? -1 : (call), &injected, (e)); \
	} while (0)

static int
fault_put(struct mf_store *s, const char *name, const void *bytes, size_t n, unsigned flags,
    struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_PUT, name, e, mf_store_put(inner, name, bytes, n, flags, e));
}

static int
fault_get(struct mf_store *s, const char *name, uint64_t offset, size_t max_bytes,
    struct mf_buf *out, struct mf_error *e)
{
	struct mf_error injected = {.code = MF_EFAIL, .message = "injected failure"};
	enum mf_fault_verdict v = ask(s, MF_OP_GET, name, &injected);
	size_t before = out->len;
	int r = -1;

	if (v != MF_FAULT_BEFORE)
		r = mf_store_get(((struct fault_store *)s)->inner, name, offset, max_bytes, out, e);
	if (v != MF_FAULT_NONE)
		out->len = before;
	return answer(v, r, &injected, e);
}

static int
fault_head(struct mf_store *s, const char *name, struct mf_store_stat *out, struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_HEAD, name, e, mf_store_head(inner, name, out, e));
}

static int
fault_del(struct mf_store *s, const char *name, struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_DEL, name, e, mf_store_del(inner, name, e));
}

static int
fault_list(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_LIST, prefix, e, mf_store_list(inner, prefix, cb, arg, e));
}

static int
fault_list_names(struct mf_store *s, const char *prefix, mf_store_list_cb *cb, void *arg,
    struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_LIST, prefix, e, mf_store_list_names(inner, prefix, cb, arg, e));
}

static int
fault_sync(struct mf_store *s, struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_SYNC, "", e, mf_store_sync(inner, e));
}

static int
fault_adopt(struct mf_store *s, const char *name, struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_ADOPT, name, e, mf_store_adopt(inner, name, e));
}

static int
fault_now(struct mf_store *s, int64_t *unix_us, struct mf_error *e)
{
	UNDER_FAULT(s, MF_OP_NOW, "", e, mf_store_now(inner, unix_us, e));
}

static unsigned
fault_capabilities(struct mf_store *s)
{
	return mf_store_capabilities(((struct fault_store *)s)->inner);
}

static const char *
fault_label(struct mf_store *s)
{
	return mf_store_label(((struct fault_store *)s)->inner);
}

static void
fault_close(struct mf_store *s)
{
	struct fault_store *f = (struct fault_store *)s;

	mf_store_close(f->inner);
	free(f->own);
	free(f);
}

static const struct mf_store_ops fault_ops = {
	.scheme = "fault",
	.put = fault_put,
	.get = fault_get,
	.head = fault_head,
	.del = fault_del,
	.list = fault_list,
	.list_names = fault_list_names,
	.close = fault_close,
	.sync = fault_sync,
	.adopt = fault_adopt,
	.now = fault_now,
	.capabilities = fault_capabilities,
	.label = fault_label,
};

int
mf_store_fault_take(struct mf_store *inner, mf_fault_hook *hook, void *arg,
    struct mf_store **out, struct mf_error *e)
{
	struct fault_store *f = calloc(1, sizeof *f);

	if (f == NULL)
		return mf_error_nomem(e, "a store");
	f->store.ops = &fault_ops;
	f->inner = inner;
	f->hook = hook;
	f->arg = arg;
	atomic_init(&f->operations, 0);
	atomic_init(&f->writes, 0);
	*out = &f->store;
	return 0;
}

uint64_t
mf_store_fault_count(struct mf_store *s)
{
	return atomic_load(&((struct fault_store *)s)->operations);
}

/* ---- as the environment says ---- */

struct env_hook {
	uint64_t kill_at; /* 0: never */
	bool kill_writes; /* count only what writes */
	char path[];	  /* of the operations file, or "" */
};

/* Over all stores of the process: a test counts a program's operations, not a handle's. */
static atomic_uint_fast64_t env_operations, env_writes;

static void
append_line(const char *path, uint64_t number, const struct mf_fault_op *op)
{
	char line[MF_STORE_NAME_MAX + 64];
	int fd, n;

	n = snprintf(line, sizeof line, "%" PRIu64 " %c %s %s\n", number,
	    mf_store_op_mutates(op->op) ? 'w' : 'r', mf_store_op_name(op->op), op->name);
	fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	if (fd < 0)
		return;
	if (n > 0 && write(fd, line, (size_t)n) != n)
		fprintf(stderr, "cannot append to %s\n", path);
	close(fd);
}

static enum mf_fault_verdict
env_step(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	const struct env_hook *h = arg;
	uint64_t number = atomic_fetch_add(&env_operations, 1) + 1, writes = 0;

	(void)e;
	if (mf_store_op_mutates(op->op))
		writes = atomic_fetch_add(&env_writes, 1) + 1;
	if (h->kill_at != 0 && h->kill_at == (h->kill_writes ? writes : number))
		(void)kill(getpid(), SIGKILL);
	if (h->path[0] != '\0')
		append_line(h->path, number, op);
	return MF_FAULT_NONE;
}

int
mf_store_fault_from_env(struct mf_store **s, struct mf_error *e)
{
	const char *at = getenv("MODELFERRY_TEST_KILL_AT_OP");
	const char *path = getenv("MODELFERRY_TEST_OPS_FILE");
	struct env_hook *h;

	if (at == NULL && path == NULL)
		return 0;
	path = path == NULL ? "" : path;
	h = calloc(1, sizeof *h + strlen(path) + 1);
	if (h == NULL)
		return mf_error_nomem(e, "a store");
	memcpy(h->path, path, strlen(path) + 1);
	h->kill_writes = at != NULL && at[0] == 'w';
	if (at != NULL && mf_parse_u64(at + h->kill_writes, UINT64_MAX, &h->kill_at, e) != 0) {
		free(h);
		return mf_error_while(e, "reading MODELFERRY_TEST_KILL_AT_OP");
	}
	if (mf_store_fault_take(*s, env_step, h, s, e) != 0) {
		free(h);
		return -1;
	}
	((struct fault_store *)*s)->own = h;
	return 0;
}
