#include "src/cmd/probe.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/hex.h"
#include "src/base/units.h"
#include "src/cmd/cmd.h"

#define PROBE_BYTES 65536u

struct seen {
	const char *name;
	bool found;
};

static int
look_for(void *arg, const char *name, uint64_t size, int64_t mtime_us)
{
	struct seen *s = arg;

	(void)size;
	(void)mtime_us;
	s->found = s->found || strcmp(name, s->name) == 0;
	return 0;
}

static int
is_listed(struct mf_store *store, const char *name, bool *yes, struct mf_error *e)
{
	struct seen s = {name, false};
	int rc = mf_store_list(store, "probe/", look_for, &s, e);

	*yes = s.found;
	return rc;
}

/* Put and read back; *e says what the store does not do. */
static int
put_and_get(struct mf_store *store, const char *name, const uint8_t *bytes, struct mf_probe *p,
    struct mf_error *e)
{
	struct mf_buf back = MF_BUF_INIT;
	int64_t start = mf_cmd_monotonic_us();
	int rc;

	if (mf_store_put(store, name, bytes, PROBE_BYTES, MF_STORE_DURABLE, e) != 0 ||
	    mf_store_sync(store, e) != 0)
		return -1;
	p->put_us = mf_cmd_monotonic_us() - start;
	start = mf_cmd_monotonic_us();
	rc = mf_store_get(store, name, 0, PROBE_BYTES + 1, &back, e);
	p->get_us = mf_cmd_monotonic_us() - start;
	if (rc == 0 && (back.len != PROBE_BYTES || memcmp(back.data, bytes, PROBE_BYTES) != 0))
		rc = mf_error_set(e, MF_EDAMAGED, "%s gave back other bytes than were put",
		    mf_store_label(store));
	mf_buf_fini(&back);
	return rc;
}

static int
try_conditional(struct mf_store *store, const char *name, struct mf_probe *p, struct mf_error *e)
{
	int first, second;

	p->conditional = false;
	p->has_votes = (mf_store_capabilities(store) & MF_STORE_CONDITIONAL) == 0;
	if (p->has_votes)
		return 0;
	first = mf_store_put(store, name, "1", 1, MF_STORE_IF_ABSENT | MF_STORE_DURABLE, e);
	second = first == 0 ? mf_store_put(store, name, "2", 1, MF_STORE_IF_ABSENT, e) : 0;
	if (first < 0 || second < 0)
		return -1;
	p->conditional = first == 0 && second == 1;
	return 0;
}

static int
probe(struct mf_store *store, char names[2][64], const uint8_t *bytes, struct mf_probe *p,
    struct mf_error *e)
{
	bool there, gone;
	int64_t now;

	if (put_and_get(store, names[0], bytes, p, e) != 0 ||
	    try_conditional(store, names[1], p, e) != 0 ||
	    is_listed(store, names[0], &there, e) != 0 || mf_store_del(store, names[0], e) != 0 ||
	    is_listed(store, names[0], &gone, e) != 0 || mf_store_now(store, &now, e) != 0)
		return -1;
	p->clock_off_us = now - mf_cmd_now_us();
	p->listed = there && !gone;
	return 0;
}

int
mf_probe_run(struct mf_store *store, struct mf_probe *out, struct mf_error *e)
{
	uint8_t *bytes = malloc(PROBE_BYTES), random[16];
	char names[2][64], hex[33];
	unsigned i;
	int rc;

	*out = (struct mf_probe){0};
	if (bytes == NULL)
		return mf_error_nomem(e, "probe");
	if (sodium_init() < 0) {
		free(bytes);
		return mf_error_set(e, MF_EFAIL, "libsodium does not work here");
	}
	for (i = 0; i < 2; i++) {
		randombytes_buf(random, sizeof random);
		mf_hex_encode(hex, random, sizeof random);
		snprintf(names[i], sizeof names[i], "probe/%s", hex);
	}
	randombytes_buf(bytes, PROBE_BYTES);
	out->ordered = (mf_store_capabilities(store) & MF_STORE_ORDERED) != 0;
	out->local = (mf_store_capabilities(store) & MF_STORE_LOCAL) != 0;
	rc = probe(store, names, bytes, out, e);
	for (i = 0; i < 2; i++)
		(void)mf_store_del(store, names[i], rc == 0 ? e : NULL);
	free(bytes);
	return rc == 0 ? 0 : mf_error_while(e, "trying what the store can do");
}

void
mf_probe_print(FILE *out, const struct mf_probe *p)
{
	char put[MF_UNIT_TEXT_BYTES], get[MF_UNIT_TEXT_BYTES], off[MF_UNIT_TEXT_BYTES];
	int64_t distance = p->clock_off_us < 0 ? -p->clock_off_us : p->clock_off_us;

	fprintf(out, "store: compare-and-swap %s, listings %s%s\n",
	    p->conditional ? "works"
			   : p->has_votes ? "is not there (writers vote)"
					  : "is broken", p->listed ? "are current" : "lag behind",
	    p->ordered ? " and ordered" : "");
	fprintf(out, "store: 64 KiB durably written in %s, read in %s, clock off by %s\n",
	    mf_format_duration((uint64_t)p->put_us, put),
	    mf_format_duration((uint64_t)p->get_us, get),
	    mf_format_duration((uint64_t)distance, off));
}

json_t *
mf_probe_json(const struct mf_probe *p)
{
	return json_pack("{s:b, s:b, s:b, s:b, s:f, s:f, s:f}", "conditional", p->conditional,
	    "listed", p->listed, "ordered", p->ordered, "local", p->local, "clock_off",
	    (double)p->clock_off_us / 1e6, "put_seconds", (double)p->put_us / 1e6, "get_seconds",
	    (double)p->get_us / 1e6);
}
