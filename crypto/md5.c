/*
 * MD5 of streams, several at a time: md5_lanes.h. A lane is worth something only if others are in
 * use, and streams come in pieces, each by a thread of its own that does other things in between.
 * So a stream that is not the only one keeps its blocks in a ring. A thread whose ring is full
 * works off a part of it, and in the other lanes as much of the rings of others, who seldom come to
 * do so themselves then.
 *
 * Data comes in bursts, and where there are fewer processors than streams their threads run in
 * turns: one after the other finds its ring full and those of the others nearly empty. There it
 * sleeps until one finds that all are filled, and works for all; for WAIT_US at most, and each
 * time that this was not enough it is tried more seldom. (What sleeps reads nothing, which makes
 * room for the others on the line, in the server and on the processors.) Where there is a processor
 * for everybody nobody waits.
 *
 * Measured: 1 GiB in 8 MiB objects by 8 transfers on 2 processors (Zen 5) that a Ceph gateway
 * shares. MD5, and what it brings with it, takes 1.3 s of processor time one stream at a time, 0.55
 * s without waits and 0.45 s with them; the whole takes as long with as without. Eight lanes at all
 * times would be 0.3 s, but only five or six transfers are in the middle of an object at a time: to
 * wait for the others too, 20 ms, gives eight lanes, 0.42 s, and the whole takes a fifth longer.
 * Rings of 128 KiB make hardly a difference; those of 512 KiB leave the cache. Where there is
 * nothing to do but MD5, on these 2 processors, 8 streams go at 3.0 GB/s and 16 at 4.9, in place of
 * 1.7.
 *
 * No thread can wait for ever: whoever leads a batch only computes, STEP_BLOCKS a lane at most (0.5
 * ms), and every other wait has an end.
 */
#include "config.h"

#include <openssl/evp.h>
#include <pthread.h>
#include <sched.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/digest.h"
#include "crypto/md5_lanes.h"
#include "src/base/thread.h"

#define BLOCK MF_MD5_BLOCK_BYTES
#define RING_BLOCKS (MF_MD5_RING_BYTES / BLOCK)
/* What is shorter is over before it meets anybody. */
#define SHARES_BYTES ((uint64_t)32 << 10)
/* At most so much of a stream at once; and so much where few others go on. */
#define STEP_BLOCKS RING_BLOCKS
#define ROOM_BLOCKS (RING_BLOCKS / 4)
/* Less of another stream is not worth the call; so much is worth to wait for. */
#define LEAST_BLOCKS 16u
#define FILLED_BLOCKS (RING_BLOCKS / 2)
#define WAIT_US 10000u
#define SKIP_MAX 64u

struct mf_md5 {
	/* The owner's alone. */
	uint64_t n_bytes;
	uint8_t part[BLOCK]; /* n_bytes % BLOCK: of a block that is not whole */
	uint8_t *ring;       /* NULL: not needed so far, or there was no memory */
	size_t end;          /* of the blocks in it */
	bool shares;         /* is one of the streams */

	/* Under the lock, but for the owner of a stream that does not share. */
	struct mf_md5 *next, *prev;
	bool busy;            /* a thread works on it, and on its state and first blocks alone */
	bool waits;           /* its owner does, for a change */
	size_t first, blocks; /* of the ring, that are still to be worked off */
	uint32_t state[4];
	pthread_cond_t changed;
};

/* Those of the process that are under way: the callers know nothing of each other, on purpose. */
static struct {
	pthread_mutex_t lock; /* of lists and counts; nobody computes or allocates under it */
	struct mf_md5 *first;
	unsigned n;
	unsigned processors;
	unsigned skip, last_skip; /* so many waits are left out, after one that was in vain */
} streams = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void
begin(struct mf_md5 *m)
{
	static const uint32_t state[4] = MF_MD5_BEGIN;

	memcpy(m->state, state, sizeof m->state);
	m->n_bytes = 0;
}

/* 0; 1: the system's policy forbids it; -1. */
static int
ask_policy(void)
{
	EVP_MD_CTX *ctx = EVP_MD_CTX_new();
	int forbidden;

	if (ctx == NULL)
		return -1;
	forbidden = EVP_DigestInit_ex(ctx, EVP_md5(), NULL) != 1;
	EVP_MD_CTX_free(ctx);
	return forbidden;
}

static struct mf_md5 *
make(void)
{
	struct mf_md5 *m = calloc(1, sizeof *m);

	if (m != NULL && mf_thread_make_condition(&m->changed) != 0) {
		free(m);
		return NULL;
	}
	return m;
}

struct mf_md5 *
mf_md5_new(struct mf_error *e)
{
	const int rc = ask_policy();
	struct mf_md5 *m = rc == 0 ? make() : NULL;

	if (m != NULL) {
		begin(m);
	} else if (rc > 0) {
		mf_error_set(e, MF_EUNSUPPORTED, "MD5 is not available on this system");
		mf_error_hint(e, "its libcrypto seems to run in FIPS mode");
	} else {
		mf_error_nomem(e, "an MD5 digest");
	}
	return m;
}

/* ---- a batch: some blocks of several streams ---- */

struct work {
	struct mf_md5 *of;
	struct mf_md5_lane lane;
	size_t at; /* in the ring */
	size_t left, done;
};

struct batch {
	struct work work[MF_MD5_LANES_MAX]; /* first that of the one who leads */
	unsigned n;
};

static size_t
least(size_t a, size_t b)
{
	return a < b ? a : b;
}

/* For the lanes besides the first those with the fullest rings. */
static void
choose(struct batch *b, struct mf_md5 *m, unsigned lanes)
{
	struct mf_md5 *s;
	unsigned i, at;

	b->work[0].of = m;
	b->n = 1;
	for (s = streams.first; s != NULL; s = s->next) {
		if (s == m || s->busy || s->blocks < LEAST_BLOCKS)
			continue;
		at = b->n;
		for (i = at == lanes ? 1 : lanes; i < lanes; i++)
			if (at == lanes || b->work[i].of->blocks < b->work[at].of->blocks)
				at = i;
		if (b->n < lanes)
			b->n++;
		else if (b->work[at].of->blocks >= s->blocks)
			continue;
		b->work[at].of = s;
	}
}

static void
take(struct batch *b, struct mf_md5 *m)
{
	const size_t most = least(m->blocks, STEP_BLOCKS);
	struct work *w;

	choose(b, m, mf_md5_best()->lanes);
	for (w = b->work; w < b->work + b->n; w++) {
		w->of->busy = true;
		w->at = w->of->first;
		w->left = least(w->of->blocks, most);
		w->done = 0;
		memcpy(w->lane.state, w->of->state, sizeof w->lane.state);
	}
}

/* Those that have blocks left. */
static unsigned
unfinished(struct batch *b, struct work *in[MF_MD5_LANES_MAX])
{
	struct work *w;
	unsigned n = 0;

	for (w = b->work; w < b->work + b->n; w++)
		if (w->left > 0)
			in[n++] = w;
	return n;
}

/* As many blocks as all of these have, and have in one piece. */
static void
step(struct work *const *in, unsigned n)
{
	struct mf_md5_lane lane[MF_MD5_LANES_MAX];
	const struct mf_md5_kernel *kernel =
	    n <= MF_MD5_SCALAR_LANES ? mf_md5_scalar() : mf_md5_best();
	size_t blocks = STEP_BLOCKS;
	unsigned i;

	for (i = 0; i < n; i++) {
		blocks = least(blocks, least(in[i]->left, RING_BLOCKS - in[i]->at));
		in[i]->lane.bytes = in[i]->of->ring + in[i]->at * BLOCK;
		lane[i] = in[i]->lane;
	}
	kernel->compress(lane, n, blocks);
	for (i = 0; i < n; i++) {
		in[i]->lane = lane[i];
		in[i]->at = (in[i]->at + blocks) % RING_BLOCKS;
		in[i]->left -= blocks;
		in[i]->done += blocks;
	}
}

static void
give_back(struct batch *b)
{
	struct work *w;

	for (w = b->work; w < b->work + b->n; w++) {
		w->of->first = w->at;
		w->of->blocks -= w->done;
		memcpy(w->of->state, w->lane.state, sizeof w->of->state);
		w->of->busy = false;
		if (w->of->waits)
			pthread_cond_signal(&w->of->changed);
	}
}

/* Work off blocks of m, which is not busy and has some, and of others. All of m, up to STEP_BLOCKS;
 * but where it has room and there are no more than `few` left, that will do. The lock is held, and
 * given up in between. */
static void
lead(struct mf_md5 *m, unsigned few)
{
	struct work *in[MF_MD5_LANES_MAX];
	struct batch b = {.n = 0};
	const struct work *own = &b.work[0];
	unsigned n;

	take(&b, m);
	pthread_mutex_unlock(&streams.lock);
	for (n = unfinished(&b, in); own->left > 0 && (n > few || own->done < ROOM_BLOCKS);
	     n = unfinished(&b, in))
		step(in, n);
	pthread_mutex_lock(&streams.lock);
	give_back(&b);
}

/* ---- one among others ---- */

static void
wait_idle(struct mf_md5 *m)
{
	m->waits = true;
	while (m->busy)
		pthread_cond_wait(&m->changed, &streams.lock);
	m->waits = false;
}

/* All blocks of m are worked off. The lock is held, and given up in between. */
static void
finish(struct mf_md5 *m)
{
	while (m->busy || m->blocks > 0)
		if (m->busy)
			wait_idle(m);
		else
			lead(m, 0);
}

/* m and others with a filled ring that nobody works on. */
static unsigned
count_filled(const struct mf_md5 *m)
{
	const struct mf_md5 *s;
	unsigned n = 1;

	for (s = streams.first; s != NULL; s = s->next)
		n += s != m && !s->busy && s->blocks >= FILLED_BLOCKS;
	return n;
}

/* Until another thread has worked on m: true; or WAIT_US are over, which makes the next waits
 * rarer. */
static bool
wait_for_others(struct mf_md5 *m)
{
	struct timespec until;

	mf_thread_after(WAIT_US, &until);
	m->waits = true;
	while (m->blocks == RING_BLOCKS &&
	       pthread_cond_timedwait(&m->changed, &streams.lock, &until) == 0)
		;
	m->waits = false;
	if (m->blocks < RING_BLOCKS) {
		streams.last_skip = 0;
		return true;
	}
	streams.last_skip = streams.last_skip == 0 ? 1 : streams.last_skip * 2;
	if (streams.last_skip > SKIP_MAX)
		streams.last_skip = SKIP_MAX;
	streams.skip = streams.last_skip;
	return false;
}

/* The ring is full, and has room after a few calls. The lock is held, and given up in between. */
static void
make_room(struct mf_md5 *m)
{
	const unsigned lanes = mf_md5_best()->lanes;
	const unsigned wanted = streams.n < lanes ? streams.n : lanes;

	if (m->busy) {
		wait_idle(m);
		return;
	}
	if (streams.n > streams.processors && count_filled(m) < wanted) {
		if (streams.skip > 0)
			streams.skip--;
		else if (wait_for_others(m))
			return;
	}
	if (!m->busy)
		lead(m, wanted * 3 / 8);
}

static unsigned
count_processors(void)
{
	cpu_set_t set;

	/* a machine with more than the set has room for has enough */
	return sched_getaffinity(0, sizeof set, &set) == 0 ? (unsigned)CPU_COUNT(&set)
							   : CPU_SETSIZE;
}

static void
join(struct mf_md5 *m)
{
	const unsigned processors = count_processors();

	pthread_mutex_lock(&streams.lock);
	m->prev = NULL;
	m->next = streams.first;
	if (m->next != NULL)
		m->next->prev = m;
	streams.first = m;
	streams.processors = processors;
	streams.n++;
	pthread_mutex_unlock(&streams.lock);
	m->shares = true;
}

/* Nothing of it is anybody else's any more. */
static void
leave(struct mf_md5 *m, bool finished)
{
	if (!m->shares)
		return;
	pthread_mutex_lock(&streams.lock);
	if (finished)
		finish(m);
	wait_idle(m);
	if (m->next != NULL)
		m->next->prev = m->prev;
	if (m->prev != NULL)
		m->prev->next = m->next;
	else
		streams.first = m->next;
	streams.n--;
	pthread_mutex_unlock(&streams.lock);
	m->shares = false;
}

/* Whether there are others, and a ring; if not, nothing waits in the ring. */
static bool
has_company(struct mf_md5 *m)
{
	bool company;

	if (!m->shares && m->n_bytes < SHARES_BYTES)
		return false;
	if (!m->shares)
		join(m);
	pthread_mutex_lock(&streams.lock);
	company = streams.n > 1;
	if (!company)
		finish(m);
	pthread_mutex_unlock(&streams.lock);
	if (company && m->ring == NULL)
		m->ring = malloc(MF_MD5_RING_BYTES);
	return company && m->ring != NULL;
}

/* ---- one stream ---- */

/* As many blocks as fit into the ring in one piece; how many. Others may work in it meanwhile,
 * elsewhere. */
static size_t
put(struct mf_md5 *m, const uint8_t *bytes, size_t blocks)
{
	pthread_mutex_lock(&streams.lock);
	while (m->blocks == RING_BLOCKS)
		make_room(m);
	blocks = least(blocks, least(RING_BLOCKS - m->blocks, RING_BLOCKS - m->end));
	pthread_mutex_unlock(&streams.lock);
	memcpy(m->ring + m->end * BLOCK, bytes, blocks * BLOCK);
	m->end = (m->end + blocks) % RING_BLOCKS;
	pthread_mutex_lock(&streams.lock);
	m->blocks += blocks;
	pthread_mutex_unlock(&streams.lock);
	return blocks;
}

/* Blocks in no ring; how many, so that the next who comes is company soon. */
static size_t
compress(struct mf_md5 *m, const uint8_t *bytes, size_t blocks)
{
	struct mf_md5_lane lane = {.bytes = bytes};

	blocks = least(blocks, STEP_BLOCKS);
	memcpy(lane.state, m->state, sizeof lane.state);
	mf_md5_scalar()->compress(&lane, 1, blocks);
	memcpy(m->state, lane.state, sizeof m->state);
	return blocks;
}

static void
add_blocks(struct mf_md5 *m, const uint8_t *bytes, size_t blocks)
{
	size_t n;

	for (; blocks > 0; blocks -= n, bytes += n * BLOCK)
		n = has_company(m) ? put(m, bytes, blocks) : compress(m, bytes, blocks);
}

void
mf_md5_update(struct mf_md5 *m, const void *bytes, size_t n)
{
	const uint8_t *at = bytes;
	const size_t has = m->n_bytes % BLOCK, rest = has > 0 ? least(n, BLOCK - has) : 0;

	if (n == 0)
		return;
	m->n_bytes += n;
	if (rest > 0) {
		memcpy(m->part + has, at, rest);
		if (has + rest < BLOCK)
			return;
		add_blocks(m, m->part, 1);
		at += rest;
		n -= rest;
	}
	add_blocks(m, at, n / BLOCK);
	memcpy(m->part, at + n / BLOCK * BLOCK, n % BLOCK);
}

static void
put_little_endian(uint8_t *out, uint64_t v, size_t n_bytes)
{
	size_t i;

	for (i = 0; i < n_bytes; i++)
		out[i] = (uint8_t)(v >> 8 * i);
}

/* RFC 1321, 3.1 and 3.2. */
int
mf_md5_final(struct mf_md5 *m, uint8_t out[MF_MD5_BYTES], struct mf_error *e)
{
	const size_t has = m->n_bytes % BLOCK;
	const size_t blocks = has + 1 + sizeof m->n_bytes <= BLOCK ? 1 : 2;
	uint8_t end[2 * BLOCK] = {0};
	size_t i;

	(void)e;
	leave(m, true);
	memcpy(end, m->part, has);
	end[has] = 0x80;
	put_little_endian(
	    end + blocks * BLOCK - sizeof m->n_bytes, m->n_bytes * 8, sizeof m->n_bytes);
	(void)compress(m, end, blocks);
	for (i = 0; i < 4; i++)
		put_little_endian(out + i * sizeof m->state[0], m->state[i], sizeof m->state[0]);
	begin(m);
	return 0;
}

void
mf_md5_free(struct mf_md5 *m)
{
	if (m == NULL)
		return;
	leave(m, false);
	pthread_cond_destroy(&m->changed);
	free(m->ring);
	free(m);
}
