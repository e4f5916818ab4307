/* fault, limit and retry: what they add to the store below them. Nothing really waits. */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "src/base/log.h"
#include "tests/unit/transfers/scratch.h"
#include "transfers/fault.h"
#include "transfers/limit.h"
#include "transfers/memory.h"
#include "transfers/open.h"
#include "transfers/retry.h"

#define S ((uint64_t)1000000)

/* A clock that moves only when somebody sleeps. */
struct virtual {
	uint64_t now_us, slept_us;
	unsigned week_minute;
	uint64_t cancel_after_us; /* 0: never */
};

static uint64_t
virtual_now(void *arg)
{
	return ((struct virtual *)arg)->now_us;
}

static unsigned
virtual_week_minute(void *arg)
{
	const struct virtual *v = arg;

	return v->week_minute + (unsigned)(v->now_us / S / 60);
}

static void
virtual_sleep(void *arg, uint64_t us)
{
	struct virtual *v = arg;

	v->now_us += us;
	v->slept_us += us;
}

static uint64_t
virtual_random(void *arg)
{
	(void)arg;
	return 0x123456789abcdef0;
}

static bool
virtual_cancelled(void *arg)
{
	const struct virtual *v = arg;

	return v->cancel_after_us != 0 && v->slept_us >= v->cancel_after_us;
}

static struct mf_waiting
waiting_of(struct virtual *v)
{
	return (struct mf_waiting){virtual_now, virtual_week_minute, virtual_sleep,
	    virtual_random, virtual_cancelled, v};
}

static struct mf_store *
memory(void)
{
	struct mf_memory *m = mf_memory_new(NULL);
	struct mf_store *s = NULL;

	assert_non_null(m);
	assert_int_equal(mf_memory_open(m, NULL, NULL, &s, NULL), 0);
	mf_memory_release(m);
	return s;
}

static int
put(struct mf_store *s, const char *name, const char *text, unsigned flags, struct mf_error *e)
{
	return mf_store_put(s, name, text, strlen(text), flags, e);
}

/* ---- fault ---- */

/* Fails the operations from..to in the given way. */
struct plan {
	uint64_t from, to;
	enum mf_fault_verdict verdict;
	enum mf_code code;
	enum mf_store_op only; /* MF_OPS: any */
	uint64_t asked;
};

static enum mf_fault_verdict
follow(void *arg, const struct mf_fault_op *op, struct mf_error *e)
{
	struct plan *p = arg;

	if (p->only != MF_OPS && op->op != p->only)
		return MF_FAULT_NONE;
	p->asked++;
	if (p->asked < p->from || p->asked > p->to)
		return MF_FAULT_NONE;
	mf_error_set(e, p->code, "planned failure %llu", (unsigned long long)p->asked);
	return p->verdict;
}

static struct mf_store *
faulty(struct plan *p)
{
	struct mf_store *s = memory();

	assert_int_equal(mf_store_fault_take(s, follow, p, &s, NULL), 0);
	return s;
}

static void
fault_verdicts(void **state)
{
	struct plan p = {.from = 2, .to = 2, .verdict = MF_FAULT_BEFORE, .code = MF_ENOSPC,
	    .only = MF_OPS};
	struct mf_store *s = faulty(&p);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(put(s, "a", "1", 0, &e), 0);
	assert_int_equal(put(s, "b", "2", 0, &e), -1);
	assert_int_equal(e.code, MF_ENOSPC);
	assert_int_equal(mf_store_head(s, "b", NULL, &e), 1);
	p.from = p.to = 4;
	p.verdict = MF_FAULT_AFTER;
	assert_int_equal(put(s, "b", "2", 0, &e), -1);
	assert_int_equal(mf_store_head(s, "b", NULL, &e), 0);
	p.from = p.to = 6;
	mf_buf_put(&b, "x", 1);
	assert_int_equal(mf_store_get(s, "a", 0, 10, &b, &e), -1);
	assert_int_equal(b.len, 1); /* nothing stays of a get that failed */
	assert_int_equal(mf_store_fault_count(s), 6);
	mf_buf_fini(&b);
	mf_store_close(s);
}

/* A child that puts ten objects, as the environment has it. Its exit status, or -signal. */
static int
run_child(const char *dir, const char *kill_at, const char *ops)
{
	const struct mf_store_open_params write = {.write = true};
	struct mf_store *s;
	char name[20];
	pid_t child;
	int status, i;

	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		if (kill_at != NULL)
			setenv("MODELFERRY_TEST_KILL_AT_OP", kill_at, 1);
		if (ops != NULL)
			setenv("MODELFERRY_TEST_OPS_FILE", ops, 1);
		if (mf_store_open(dir, &write, &s, NULL) != 0 ||
		    mf_store_fault_from_env(&s, NULL) != 0)
			_exit(9);
		for (i = 0; i < 10; i++) {
			snprintf(name, sizeof name, "a/%d", i);
			if (mf_store_head(s, name, NULL, NULL) < 0 ||
			    mf_store_put(s, name, "x", 1, 0, NULL) != 0)
				_exit(8);
		}
		mf_store_close(s);
		_exit(0);
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static int
count(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	(void)name;
	(void)size;
	(void)mtime_us;
	++*(int *)arg;
	return 0;
}

static int
objects_in(const char *dir)
{
	struct mf_store *s;
	int n = 0;

	assert_int_equal(mf_store_open(dir, NULL, &s, NULL), 0);
	assert_int_equal(mf_store_list(s, "", count, &n, NULL), 0);
	mf_store_close(s);
	return n;
}

static void
fault_environment(void **state)
{
	char dir[SCRATCH_PATH], ops[SCRATCH_PATH + 10], line[100];
	FILE *file;

	(void)state;
	scratch_make(dir);
	snprintf(ops, sizeof ops, "%s/.ops", dir);
	assert_int_equal(run_child(dir, "8", ops), -SIGKILL); /* before the fourth put */
	assert_int_equal(objects_in(dir), 3);
	file = fopen(ops, "r");
	assert_non_null(file);
	assert_non_null(fgets(line, sizeof line, file));
	assert_string_equal(line, "1 r head a/0\n");
	assert_non_null(fgets(line, sizeof line, file));
	assert_string_equal(line, "2 w put a/0\n");
	fclose(file);
	assert_int_equal(run_child(dir, "w6", NULL), -SIGKILL);
	assert_int_equal(objects_in(dir), 5);
	assert_int_equal(run_child(dir, "what", NULL), 9);
	assert_int_equal(run_child(dir, NULL, NULL), 0);
	assert_int_equal(objects_in(dir), 10);
	assert_int_equal(run_child(dir, "21", ops), 0); /* never reached */
	scratch_remove(dir);
}

/* ---- limit ---- */

static struct mf_limiter *
limiter_of(struct virtual *v, const char *bandwidth, uint64_t ops_per_s, uint64_t burst)
{
	struct mf_limits limits = {.requests_per_1000s = ops_per_s * 1000, .requests_burst = burst};
	const struct mf_waiting waiting = waiting_of(v);
	struct mf_limiter *limiter;
	struct mf_error e;

	if (bandwidth != NULL)
		assert_int_equal(mf_bwlimit_parse(bandwidth, &limits.bandwidth, &e), 0);
	assert_int_equal(mf_limiter_new(&limits, &waiting, &limiter, &e), 0);
	return limiter;
}

static void
limit_bytes(void **state)
{
	struct virtual v = {.now_us = 5};
	struct mf_limiter *limiter = limiter_of(&v, "1k:2k", 0, 0);
	struct mf_buf b = MF_BUF_INIT;
	static char bytes[10240];
	struct mf_store *s = memory();
	struct mf_error e;
	uint64_t put_us;

	(void)state;
	assert_int_equal(mf_store_limit_take(s, limiter, &s, &e), 0);
	assert_int_equal(mf_store_put(s, "a", bytes, sizeof bytes, 0, &e), 0);
	put_us = v.slept_us;
	assert_in_range(put_us, 9 * S + 9 * S / 10, 10 * S); /* but for a burst */
	assert_int_equal(mf_store_get(s, "a", 0, sizeof bytes, &b, &e), 0);
	assert_in_range(v.slept_us - put_us, 4 * S + 9 * S / 10, 5 * S); /* its own rate */
	assert_int_equal(b.len, sizeof bytes);
	put_us = v.slept_us;
	assert_int_equal(mf_store_put(s, "b", bytes, 0, 0, &e), 0);
	assert_int_equal(mf_store_head(s, "b", NULL, &e), 0);
	assert_int_equal(v.slept_us, put_us);
	mf_buf_fini(&b);
	mf_store_close(s);
	mf_limiter_free(limiter);
}

/* Two stores share what one may have. */
static void
limit_operations(void **state)
{
	struct virtual v = {0};
	struct mf_limiter *limiter = limiter_of(&v, NULL, 10, 5);
	struct mf_store *s = memory(), *other = memory();
	struct mf_error e;
	int i;

	(void)state;
	assert_int_equal(mf_store_limit_take(s, limiter, &s, &e), 0);
	assert_int_equal(mf_store_limit_take(other, limiter, &other, &e), 0);
	for (i = 0; i < 25; i++)
		assert_int_equal(mf_store_head(i % 2 == 0 ? s : other, "a", NULL, &e), 1);
	assert_int_equal(v.slept_us, 2 * S);
	mf_store_close(s);
	mf_store_close(other);
	mf_limiter_free(limiter);
}

/* The timetable takes effect on those who are waiting. */
static void
limit_timetable(void **state)
{
	struct virtual v = {.week_minute = 8 * 60 - 1};
	struct mf_limiter *limiter = limiter_of(&v, "00:00,1k 08:00,off", 0, 0);
	static char bytes[100000];
	struct mf_store *s = memory();
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_store_limit_take(s, limiter, &s, &e), 0);
	assert_int_equal(mf_store_put(s, "a", bytes, sizeof bytes, 0, &e), 0);
	assert_in_range(v.slept_us, 60 * S, 61 * S);
	mf_store_close(s);
	mf_limiter_free(limiter);
}

static void
limit_cancelled(void **state)
{
	struct virtual v = {.cancel_after_us = 2 * S};
	struct mf_limiter *limiter = limiter_of(&v, "1k", 0, 0);
	static char bytes[100000];
	struct mf_store *s = memory();
	struct mf_error e;

	(void)state;
	assert_int_equal(mf_store_limit_take(s, limiter, &s, &e), 0);
	assert_int_equal(mf_store_put(s, "a", bytes, sizeof bytes, 0, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	assert_int_equal(v.slept_us, 2 * S);
	mf_store_close(s);
	mf_limiter_free(limiter);
}

/* ---- retry ---- */

static struct mf_store *
retrying(struct plan *plan, struct virtual *v, unsigned attempts)
{
	const struct mf_retry_params p = {.attempts = attempts, .waiting = waiting_of(v)};
	struct mf_store *s = faulty(plan);

	assert_int_equal(mf_store_retry_take(s, &p, &s, NULL), 0);
	return s;
}

static void
retry_reads(void **state)
{
	struct virtual v = {0};
	struct plan p = {.from = 2, .to = 4, .verdict = MF_FAULT_AFTER, .code = MF_ETRANSFER,
	    .only = MF_OPS};
	struct mf_store *s = retrying(&p, &v, 4);
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;

	(void)state;
	assert_int_equal(put(s, "a", "text", 0, &e), 0);
	assert_int_equal(mf_store_get(s, "a", 0, 10, &b, &e), 0); /* the fourth attempt */
	assert_int_equal(b.len, 4);
	assert_int_equal(p.asked, 5);
	assert_true(v.slept_us > 0);
	p.from = 6;
	p.to = 100;
	assert_int_equal(mf_store_del(s, "a", &e), -1);
	assert_int_equal(e.code, MF_ETRANSFER);
	assert_int_equal(p.asked, 9);
	assert_string_equal(e.frames[0], "trying 4 times");
	p.code = MF_EPERM;
	assert_int_equal(mf_store_head(s, "a", NULL, &e), -1);
	assert_int_equal(p.asked, 10); /* that would not help */
	mf_buf_fini(&b);
	mf_store_close(s);
}

/* The lines of the log that say "trying again". */
static char again[512];

static void
note_again(void *arg, const void *line, size_t n)
{
	const size_t at = strlen(again);

	(void)arg;
	(void)snprintf(again + at, sizeof again - at, "%.*s", (int)n, (const char *)line);
}

/* Each further attempt is counted, and is a line that names object, attempt and reason. */
static void
retry_is_told(void **state)
{
	const struct mf_log_params json = {.level = MF_LOG_INFO, .json = true, .fd = open("/dev/null", O_WRONLY)};
	const struct mf_log_params standard = {.level = MF_LOG_INFO, .fd = -1};
	struct virtual v = {0};
	struct plan p = {.from = 1, .to = 2, .verdict = MF_FAULT_BEFORE, .code = MF_ETRANSFER,
	    .only = MF_OPS};
	_Atomic uint64_t retries = 0;
	const struct mf_retry_params params = {
	    .attempts = 4, .waiting = waiting_of(&v), .retries = &retries};
	struct mf_store *s = faulty(&p);
	struct mf_error e;

	(void)state;
	again[0] = '\0';
	mf_log_configure(&json);
	mf_log_set_tap(note_again, NULL);
	assert_int_equal(mf_store_retry_take(s, &params, &s, NULL), 0);
	assert_int_equal(mf_store_head(s, "c/1", NULL, &e), 1);
	mf_log_set_tap(NULL, NULL);
	mf_log_configure(&standard);
	close(json.fd);
	assert_int_equal(retries, 2);
	assert_non_null(strstr(again, "\"key\":\"c/1\",\"attempt\":\"2\",\"error\":\""));
	assert_non_null(strstr(again, "\"attempt\":\"3\""));
	assert_null(strstr(again, "\"attempt\":\"4\""));
	mf_store_close(s);
}

static void
retry_puts(void **state)
{
	struct virtual v = {0};
	struct plan p = {.from = 1, .to = 1, .verdict = MF_FAULT_AFTER, .code = MF_ETRANSFER,
	    .only = MF_OP_PUT};
	struct mf_store *s = retrying(&p, &v, 3);
	struct mf_error e;

	(void)state;
	assert_int_equal(put(s, "c/1", "text", 0, &e), -1); /* never under the same name */
	assert_int_equal(p.asked, 1);
	p.from = p.to = 2;
	assert_int_equal(put(s, "v/1", "", MF_STORE_REPEATABLE, &e), 0);
	assert_int_equal(p.asked, 3);
	p.from = p.to = 4; /* done, but we were not told: the second attempt finds our own */
	assert_int_equal(put(s, "r/1", "mine", MF_STORE_IF_ABSENT, &e), 0);
	assert_int_equal(p.asked, 5);
	p.from = p.to = 6; /* somebody else was there before */
	assert_int_equal(put(s, "r/1", "late", MF_STORE_IF_ABSENT, &e), 1);
	p.from = p.to = 8;
	p.verdict = MF_FAULT_BEFORE;
	assert_int_equal(put(s, "r/2", "mine", MF_STORE_IF_ABSENT, &e), 0);
	assert_int_equal(p.asked, 9);
	p.from = p.to = 10; /* an empty object tells nothing */
	assert_int_equal(put(s, "r/3", "", MF_STORE_IF_ABSENT, &e), -1);
	assert_int_equal(p.asked, 10);
	mf_store_close(s);
}

static void
retry_others(void **state)
{
	struct virtual v = {0};
	struct plan p = {.from = 4, .to = 4, .verdict = MF_FAULT_AFTER, .code = MF_ETRANSFER,
	    .only = MF_OPS};
	struct mf_store *s = retrying(&p, &v, 3);
	struct mf_error e;
	int n = 0;

	(void)state;
	assert_int_equal(put(s, "a", "", 0, &e), 0);
	assert_int_equal(put(s, "b", "", 0, &e), 0);
	assert_int_equal(put(s, "c", "", 0, &e), 0);
	assert_int_equal(mf_store_list(s, "", count, &n, &e), 0); /* all shown, then broken */
	assert_int_equal(n, 3);
	assert_int_equal(p.asked, 5);
	p.from = p.to = 6;
	assert_int_equal(mf_store_sync(s, &e), -1); /* what was lost stays lost */
	assert_int_equal(p.asked, 6);
	p.from = 7;
	p.to = 100;
	v.cancel_after_us = v.slept_us + 1;
	assert_int_equal(mf_store_head(s, "a", NULL, &e), -1);
	assert_int_equal(e.code, MF_EINTERRUPTED);
	mf_store_close(s);
}

/* ---- open ---- */

static void
opening(void **state)
{
	const struct mf_store_open_params create = {.create = true};
	char dir[SCRATCH_PATH], url[SCRATCH_PATH + 20];
	struct mf_store *s, *t;
	struct mf_error e;

	(void)state;
	scratch_make(dir);
	snprintf(url, sizeof url, "file://%s/a b%%20", dir);
	assert_int_equal(mf_store_open(url, NULL, &s, &e), -1);
	assert_int_equal(e.code, MF_ENOTFOUND);
	assert_int_equal(mf_store_open(url, &create, &s, &e), 0);
	assert_string_equal(mf_store_label(s), url + strlen("file://"));
	mf_store_close(s);
	assert_int_equal(mf_store_open("what://x", NULL, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_store_open("", NULL, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_store_open("file://", NULL, &s, &e), -1);
	assert_int_equal(e.code, MF_EUSAGE);
	assert_int_equal(mf_store_open("mem://test", NULL, &s, &e), 0);
	assert_int_equal(mf_store_open("mem://test", NULL, &t, &e), 0);
	assert_int_equal(put(s, "a", "x", 0, &e), 0);
	assert_int_equal(mf_store_head(t, "a", NULL, &e), 0);
	mf_store_close(t);
	mf_store_close(s);
	assert_int_equal(mf_store_open("mem://other", NULL, &s, &e), 0);
	assert_int_equal(mf_store_head(s, "a", NULL, &e), 1);
	mf_store_close(s);
	scratch_remove(dir);
}

/* ---- the memory store's own ---- */

static int
refuse_deletes(void *arg, enum mf_store_op op, const char *name, struct mf_error *e)
{
	++*(int *)arg;
	return op == MF_OP_DEL ? mf_error_set(e, MF_EPERM, "%s stays", name) : 0;
}

static void
memory_steps(void **state)
{
	struct mf_memory *m = mf_memory_new(NULL);
	struct mf_store_stat st;
	struct mf_store *s;
	struct mf_error e;
	int steps = 0;
	int64_t now;

	(void)state;
	assert_int_equal(mf_memory_open(m, refuse_deletes, &steps, &s, &e), 0);
	mf_memory_set_clock(m, 1000);
	assert_int_equal(put(s, "a", "x", 0, &e), 0);
	assert_int_equal(mf_store_del(s, "a", &e), -1);
	mf_memory_advance(m, 5);
	assert_int_equal(mf_store_head(s, "a", &st, &e), 0);
	assert_int_equal(st.mtime_us, 1000);
	assert_int_equal(mf_store_now(s, &now, &e), 0);
	assert_int_equal(now, 1005);
	assert_int_equal(steps, 4);
	assert_int_equal(mf_memory_operations(m), 3);
	assert_int_equal(mf_memory_objects(m), 1);
	mf_memory_set_conditional(m, false);
	assert_int_equal(put(s, "b", "x", MF_STORE_IF_ABSENT, &e), -1);
	assert_int_equal(e.code, MF_EUNSUPPORTED);
	mf_memory_release(m);
	mf_store_close(s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fault_verdicts),
		cmocka_unit_test(fault_environment),
		cmocka_unit_test(limit_bytes),
		cmocka_unit_test(limit_operations),
		cmocka_unit_test(limit_timetable),
		cmocka_unit_test(limit_cancelled),
		cmocka_unit_test(retry_reads),
		cmocka_unit_test(retry_is_told),
		cmocka_unit_test(retry_puts),
		cmocka_unit_test(retry_others),
		cmocka_unit_test(opening),
		cmocka_unit_test(memory_steps),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
