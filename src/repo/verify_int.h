/* What the parts of verify share. */
#ifndef MF_REPO_VERIFY_INT_H
#define MF_REPO_VERIFY_INT_H

#include "src/repo/index_int.h"
#include "src/repo/verify.h"
#include "src/repo/version.h"

/* Values of the table of chunk ids. */
#define VERIFY_STORED 1u /* a listing showed a name of it */
#define VERIFY_SHORT 2u	 /* a listing showed an object that is too short to be one */
#define VERIFY_SEEN 4u	 /* a version names it */

/* A chunk that is missing or damaged. */
struct verify_chunk {
	struct mf_chunk_ref ref;
	char *reason;  /* owned; NULL: it is missing, or cut to nothing where is_short */
	bool is_short;
	bool is_there; /* a second listing showed it */
	bool repaired;
	bool is_named; /* a file of a version that still stands needs it */
};

/* A manifest segment that no generation of can be read, found when a repair is wanted. */
struct verify_segment {
	struct mf_segment_ref ref;
	bool is_put;	/* made again */
	char why[320];	/* it could not be made again */
};

struct verify {
	struct mf_repo *repo;
	const struct mf_verify_params *p;
	struct mf_verify_result *out;
	struct mf_versions versions;
	struct mf_idmap chunks;	  /* id -> VERIFY_* */
	struct mf_idmap segments; /* ids that were read and are whole -> entries in it */
	struct mf_segments_ahead *ahead; /* while the structure is looked at; else NULL */
	pthread_mutex_t lock;	  /* the members below, while workers run */
	struct verify_chunk *bad;
	size_t n_bad, bad_capacity;
	struct mf_idmap bad_ids; /* id -> index into bad */
	struct verify_segment *lost;
	size_t n_lost, lost_capacity;
	struct mf_idmap lost_ids; /* id -> index into lost */
	char given_up[MF_VERSION_SPEC_BYTES]; /* the first with a segment that was not repaired */
	char lost_root[MF_VERSION_SPEC_BYTES]; /* what to forget: the first damaged root; "" */
};

bool verify_interrupted(const struct verify *s, struct mf_error *e); /* true: e is set */
/* "MODEL@VERSION" (free(3)); NULL: no memory, e is set. */
char *verify_name_of(const struct mf_version *v, struct mf_error *e);
char *verify_join(const char *model, const char *name, struct mf_error *e);
/* Hand one finding to the caller. version may be NULL: "". Calling thread of mf_verify. */
void verify_report(struct verify *s, const char *version, const char *path,
    const char *reason);
/* Note a chunk that is missing (reason NULL) or damaged. Any thread. */
int verify_note_chunk(struct verify *s, const struct mf_chunk_ref *ref, const char *reason,
    bool is_short, struct mf_error *e);
/* The damaged chunk of this id, or NULL: it is none, or was repaired. */
struct verify_chunk *verify_find_bad(const struct verify *s, const struct mf_id *id);

/* verify_segment.c: one segment by itself; its first entry may go on from the segment before
 * (*continues). out is emptied first. */
int verify_read_segment(struct verify *s, const struct mf_segment_ref *ref,
    struct mf_listing *out, bool *continues, struct mf_error *e);
/* The same for its plaintext, which was fetched before. */
int verify_decode_segment(const uint8_t *bytes, size_t n, struct mf_listing *out,
    bool *continues, struct mf_error *e);
/* Entries that begin in this segment. */
size_t verify_entries_of(const struct mf_listing *l, bool continues);

/* verify_structure.c: everything that versions name is stored; with read_data its bytes are
 * read. Damaged chunks are in s->bad after, damaged segments are reported. */
int verify_structure(struct verify *s, struct mf_error *e);
/* 1: the version was forgotten meanwhile, and a prune may be taking it apart. 0; -1. */
int verify_is_gone(struct verify *s, const struct mf_version *v, struct mf_error *e);

/* verify_name.c: report every file that needs a damaged chunk. */
int verify_name_files(struct verify *s, struct mf_error *e);

/* verify_objects.c: names and small objects. */
int verify_list_chunks(struct verify *s, struct mf_error *e);
/* Chunks noted as missing that a second listing shows are taken back: a prune may have moved
 * them while the first one ran. */
int verify_confirm_missing(struct verify *s, struct mf_error *e);
/* Marks without manifest, refs, condemned lists, of a model (NULL: all). */
int verify_objects(struct verify *s, const char *model, struct mf_error *e);

/* verify_data.c: threads that read chunks. */
struct verify_data;
int verify_data_start(struct verify *s, struct verify_data **out, struct mf_error *e);
/* Have this chunk read, if it is in the sample. Blocks while the readers are behind. */
int verify_data_add(struct verify_data *d, const struct mf_chunk_ref *ref, struct mf_error *e);
/* Wait for the readers; failed: stop them. Frees. NULL is fine. */
int verify_data_finish(struct verify_data *d, bool failed, struct mf_error *e);

/* repair.c: put anew what p->repair_from still has of the damaged chunks. */
int verify_repair(struct verify *s, struct mf_error *e);

/* repair_segment.c: before anything else, look for segments that cannot be read, and put what
 * p->repair_from or the cache of its pushes prove to be them. */
int verify_repair_segments(struct verify *s, struct mf_error *e);
/* The lost segment of this id, or NULL. */
struct verify_segment *verify_find_lost(const struct verify *s, const struct mf_id *id);

/* repair_rebuild.c: make the lost segments of a version again from p->repair_from. put is
 * called with the bytes of each one whose id came out right. What cannot be made again has its
 * why set. */
int verify_rebuild(struct verify *s, const struct mf_version *v,
    int (*put)(struct verify *s, struct verify_segment *lost, const struct mf_buf *plain,
	struct mf_error *e),
    struct mf_error *e);

/* repair_hints.c: which generations may the chunk table of a lost segment name? */
struct verify_hint {
	struct mf_id id;
	uint64_t generation;
};

struct verify_hints {
	struct mf_idmap wanted;	   /* chunks; value 1: at least one is known */
	struct verify_hint *items; /* sorted by id when found */
	size_t n, capacity;
	bool failed; /* out of memory */
};

int verify_hints_want(struct verify_hints *h, const struct mf_id *id, struct mf_error *e);
/* Look in the store, and where it has lost chunks in the manifests of s->versions. */
int verify_hints_find(struct verify *s, struct verify_hints *h, struct mf_error *e);
/* Set the generations in the segment's bytes so that its id is this one. 0; 1: none make it,
 * *why says why where that is known; -1. */
int verify_hints_solve(const struct verify *s, const struct verify_hints *h, struct mf_buf *plain,
    const struct mf_id *want, const char **why, struct mf_error *e);
void verify_hints_fini(struct verify_hints *h);

/* verify_local.c: compare p->local with the version. */
int verify_local(struct verify *s, const struct mf_version *v, struct mf_error *e);

#endif
