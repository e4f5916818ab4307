/*
 * Fabricate a repository of very many chunks, for the row "million" of scripts/bench:
 *   make-million REPOSITORY-DIRECTORY CHUNKS
 * The directory must hold a repository (modelferry init) that the raw pair in the environment
 * opens. Each chunk is 64 bytes, each file 100 chunks: no real cutter would do that, but
 * listing, verifying and pruning do not care.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/secret.h"
#include "src/base/units.h"
#include "src/repo/ingest_int.h"
#include "src/repo/publish_int.h"
#include "transfers/open.h"

#define CHUNK_BYTES 64
#define CHUNKS_A_FILE 100
#define VERSIONS 4

static int
submit(struct mf_ingest *in, struct mf_listing *l, uint64_t n, struct mf_error *e)
{
	struct mf_ingest_job *job;
	struct mf_slice s = {.len = CHUNK_BYTES};

	if (mf_ingest_job_new(in, CHUNK_BYTES, MF_ELEMENT_BYTES, &job, e) != 0)
		return -1;
	memset(job->data, 0, CHUNK_BYTES);
	memcpy(job->data, &n, sizeof(n));
	job->len = CHUNK_BYTES;
	s.chunk = job->chunk;
	if (mf_listing_add_slice(l, s, e) != 0) {
		mf_ingest_job_drop(in, job);
		return -1;
	}
	return mf_ingest_submit(in, job, e);
}

static int
fill(struct mf_ingest *in, struct mf_listing *l, uint64_t first, uint64_t chunks, struct mf_error *e)
{
	char path[64];
	struct mf_entry x = {.type = MF_ENTRY_FILE, .mode = 0644, .path = path};
	uint64_t i;

	for (i = 0; i < chunks; i++) {
		if (submit(in, l, first + i, e) != 0)
			return -1;
		if ((i + 1) % CHUNKS_A_FILE != 0)
			continue;
		snprintf(path, sizeof(path), "part-%08" PRIu64, i / CHUNKS_A_FILE);
		x.n_slices = CHUNKS_A_FILE;
		x.first_slice = l->n_slices - CHUNKS_A_FILE;
		x.size = CHUNKS_A_FILE * CHUNK_BYTES;
		if (mf_listing_add_entry(l, &x, e) != 0)
			return -1;
	}
	return 0;
}

static int
make_version(struct mf_repo *repo, unsigned v, uint64_t chunks, struct mf_error *e)
{
	struct mf_listing l = {0};
	struct mf_index *index = NULL;
	struct mf_ingest *in;
	char version[16], model[] = "many", parent[] = "", tool[] = "make-million";
	struct mf_root root = {.model = model, .version = version, .parent = parent, .tool = tool,
	    .created_us = v + 1};
	struct mf_publish_params p = {.root = &root, .listing = &l};
	uint64_t stored = 0;
	int rc;

	snprintf(version, sizeof(version), "v%u", v);
	memcpy(root.repo_id, mf_keyring_repo_id(repo->keyring), sizeof(root.repo_id));
	if (mf_index_load(repo, NULL, &index, e) != 0)
		return -1;
	struct mf_ingest_params ip = {.repo = repo, .index = index, .listing = &l, .threads = 2,
	    .memory_bytes = (size_t)256 << 20, .no_check = true};
	rc = mf_ingest_start(&ip, &in, e);
	if (rc == 0) {
		rc = fill(in, &l, (uint64_t)v * chunks, chunks, e);
		if (mf_ingest_finish(in, rc != 0, NULL, e) != 0)
			rc = -1;
	}
	mf_index_free(index);
	root.n_entries = root.n_files = l.n_entries;
	root.n_chunks = l.n_chunks;
	root.bytes = chunks * CHUNK_BYTES;
	if (rc == 0)
		rc = mf_publish(repo, &p, NULL, &stored, e);
	free(root.segments);
	mf_listing_fini(&l);
	return rc;
}

int
main(int argc, char **argv)
{
	struct mf_store_open_params sp = {.write = true};
	struct mf_repo_params rp = {0};
	struct mf_error e = {0};
	struct mf_unlock *unlock = NULL;
	struct mf_repo *repo = NULL;
	uint64_t chunks;
	char text[2048];
	unsigned v;
	int rc = -1;

	if (argc != 3 || mf_parse_u64(argv[2], 100000000, &chunks, &e) != 0) {
		fprintf(stderr, "usage: make-million REPOSITORY-DIRECTORY CHUNKS\n");
		return 2;
	}
	if (mf_crypto_init(&e) == 0 && (unlock = mf_unlock_from_env(&e)) != NULL &&
	    mf_store_open(argv[1], &sp, &rp.store, &e) == 0) {
		rp.unlock = (const struct mf_unlock *const *)&unlock;
		rp.n_unlock = 1;
		rc = mf_repo_open(&rp, &repo, &e);
	}
	for (v = 0; rc == 0 && v < VERSIONS; v++)
		rc = make_version(repo, v, chunks / VERSIONS, &e);
	if (rc != 0)
		fprintf(stderr, "make-million: %s\n", mf_error_text(&e, text, sizeof(text)));
	mf_repo_close(repo);
	mf_unlock_free(unlock);
	return rc != 0;
}
