/*
 * What a store can do, tried for real: an object is put, put again, read, listed and deleted
 * under probe/. Nothing of it stays. The store must be open for writing.
 */
#ifndef MF_CMD_PROBE_H
#define MF_CMD_PROBE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "src/base/error.h"
#include "transfers/store.h"

struct mf_probe {
	bool conditional;     /* of two puts if absent the second is told so */
	bool has_votes;	      /* there are no such puts: writers vote instead */
	bool ordered, local;  /* as the store says */
	bool listed;	      /* what was put is seen at once, what was deleted is not */
	int64_t clock_off_us; /* the store's clock minus this machine's */
	int64_t put_us, get_us; /* how long 64 KiB took, durably */
};

/* 0, or -1 where the store cannot even keep an object. */
int mf_probe_run(struct mf_store *store, struct mf_probe *out, struct mf_error *e);
void mf_probe_print(FILE *out, const struct mf_probe *p);
json_t *mf_probe_json(const struct mf_probe *p);

#endif
