/*
 * Inside this room: a format's parser reads headers through struct mf_scan, and writes down
 * what the file holds as items; the plan builder sorts and checks them and makes the plan.
 *
 * Every parser and helper answers 0 (good), 1 (refused: *e has the reason) or -1 (error).
 */
#ifndef MF_CHUNK_PLAN_INT_H
#define MF_CHUNK_PLAN_INT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/chunk/cutter.h"

#define MF_CUT_MEMORY_DEFAULT ((size_t)64 << 20)
/* A tensor or entry name longer than this is refused. */
#define MF_CUT_NAME_MAX 65535

/* Refuse the file: *e gets the reason. Returns 1. */
int mf_cut_refuse(struct mf_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* One tensor, entry or array. */
struct mf_cut_item {
	uint64_t offset;
	uint64_t len;
	uint64_t name_hash; /* must differ between items */
	uint64_t run_hash;  /* decides with len whether a run closes before it */
	enum mf_element element;
};

struct mf_cut_items {
	struct mf_cut_item *v;
	size_t n, capacity;
	uint64_t header_bytes; /* [0, header_bytes) is the header, in chunks of its own ... */
	uint64_t header_split; /* ... of which a second part starts here; 0: no second part */
	uint64_t pad_bytes;    /* a gap shorter than this belongs to the item before it */
	enum mf_element gap;   /* what other gaps hold */
};

/* What a parser works with. */
struct mf_cut_job {
	const struct mf_cut_source *src;
	const uint8_t *key;
	size_t memory_bytes; /* budget */
	size_t memory_used;  /* by arrays that mf_cut_grow has grown */
	struct mf_cut_items items;
};

/* Grow *v, an array of elements of item_bytes, to hold at least one more than n, within the
 * budget. 0; 1: past the budget; -1. */
int mf_cut_grow(struct mf_cut_job *job, void **v, size_t n, size_t *capacity, size_t item_bytes,
    struct mf_error *e);

/* What an item is called: by name duplicates are found, by run_name the items that make a run. */
struct mf_cut_named {
	const void *name;
	size_t name_bytes;
	const void *run_name; /* NULL: name */
	size_t run_name_bytes;
};
/* Write an item down. One that does not lie inside the file is refused. */
int mf_cut_add(struct mf_cut_job *job, const struct mf_cut_named *named, uint64_t offset,
    uint64_t len, enum mf_element element, struct mf_error *e);

/* Make the plan from the items (which are sorted here). Refuses overlaps and duplicates. */
int mf_cut_build(struct mf_cut_job *job, struct mf_cut_plan **out, struct mf_error *e);

/* Sort in place, in bounded time, without further memory. */
void mf_cut_sort_by_name(struct mf_cut_item *v, size_t n);
void mf_cut_sort_by_offset(struct mf_cut_item *v, size_t n);

/* The parsers. *format is set to a static string on success. */
int mf_cut_safetensors(struct mf_cut_job *job, const char **format, struct mf_error *e);
int mf_cut_gguf(struct mf_cut_job *job, const char **format, struct mf_error *e);
int mf_cut_zip(struct mf_cut_job *job, const char **format, struct mf_error *e);
int mf_cut_npy(struct mf_cut_job *job, const char **format, struct mf_error *e);

/* Could these first bytes of a file of this size be safetensors? */
bool mf_cut_is_safetensors(const uint8_t first[16], uint64_t size);

/*
 * Bounded reading through a window. Failure is sticky: `status` is 0, 1 (end reached) or -1
 * (the source failed, *e says how), and everything reads as zeros from then on.
 */
struct mf_scan {
	const struct mf_cut_source *src;
	struct mf_error *e;
	uint8_t *window; /* the caller's */
	size_t window_bytes;
	size_t at, have; /* position and valid bytes inside the window */
	uint64_t base;   /* file offset of window[0] */
	uint64_t end;    /* nothing at or behind this file offset is read */
	int status;
};

/* Read src from start up to end; all pointers are borrowed for as long as the scan is used. */
void mf_scan_init(struct mf_scan *s, const struct mf_cut_source *src, void *window,
    size_t window_bytes, uint64_t start, uint64_t end, struct mf_error *e);
/* Where in the file the next byte lies. */
uint64_t mf_scan_offset(const struct mf_scan *s);
/* Bytes from there to end. */
uint64_t mf_scan_left(const struct mf_scan *s);
/* Go on at this offset, forward or back (inside end). */
void mf_scan_seek(struct mf_scan *s, uint64_t offset);
void mf_scan_skip(struct mf_scan *s, uint64_t n);
/* Load more bytes once the window is used up. False: no more, see status. */
bool mf_scan_fill(struct mf_scan *s);
void mf_scan_bytes(struct mf_scan *s, void *out, size_t n);
uint16_t mf_scan_u16(struct mf_scan *s);
uint32_t mf_scan_u32(struct mf_scan *s);
uint64_t mf_scan_u64(struct mf_scan *s);

/* The next byte without taking it, or -1 at the end. */
static inline int
mf_scan_peek(struct mf_scan *s)
{
	if (s->at == s->have && !mf_scan_fill(s))
		return -1;
	return s->window[s->at];
}

/* The next byte, or -1 at the end. */
static inline int
mf_scan_byte(struct mf_scan *s)
{
	int c = mf_scan_peek(s);

	if (c >= 0)
		s->at++;
	return c;
}

/* What npy.c knows about an array: used for .npy files and for the members of .npz. */
struct mf_npy {
	uint64_t header_bytes; /* magic to the newline: the array follows */
	enum mf_element element;
};

/* Parse the header of the array at offset, of at most len bytes. */
int mf_npy_parse(const struct mf_cut_source *src, uint64_t offset, uint64_t len, struct mf_npy *out,
    struct mf_error *e);

#endif
