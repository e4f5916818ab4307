/*
 * Sample files for the tests of src/chunk: real bytes where a header stands, and virtual
 * bytes, known by a number only, where tensors would lie; so a file of many GB costs nothing,
 * and two chunks are the same when they hold the same numbered bytes.
 */
#ifndef MF_TESTS_CHUNK_SAMPLE_H
#define MF_TESTS_CHUNK_SAMPLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/buf.h"
#include "src/chunk/cutter.h"

struct sample_part {
	uint64_t offset, len;
	uint64_t content; /* what it holds */
	size_t data;      /* where in bytes, or SIZE_MAX: virtual, reads as zeros */
};

struct sample {
	struct mf_buf bytes;
	struct sample_part *parts;
	size_t n_parts, capacity;
	uint64_t size;
	uint64_t fail_at; /* reading this byte fails; UINT64_MAX: none */
	uint64_t n_reads, bytes_read;
};

struct sample_tensor {
	char name[64];
	const char *dtype;
	uint32_t type; /* GGUF */
	uint64_t len;
	uint64_t content;
};

struct sample_entry {
	const char *name;
	const void *bytes; /* or NULL: len virtual bytes of this content */
	uint64_t len;
	uint64_t content;
	uint32_t crc;
	uint16_t method;
};

extern const uint8_t sample_key[32];

void sample_init(struct sample *s);
void sample_fini(struct sample *s);
void sample_bytes(struct sample *s, const void *bytes, size_t n);
void sample_virtual(struct sample *s, uint64_t n, uint64_t content);

/* A safetensors file of this header text and so many data bytes. */
void sample_header(struct sample *s, const char *json, uint64_t data_bytes);
void sample_safetensors(struct sample *s, const struct sample_tensor *t, size_t n);
void sample_gguf(struct sample *s, const struct sample_tensor *t, size_t n, size_t vocabulary);
/* zip64: with the extra fields and end records of zip64. */
void sample_zip(struct sample *s, const struct sample_entry *v, size_t n, bool zip64);
/* The header of a version 1 array of this descr literal, e.g. "'<f4'". */
void sample_npy(struct mf_buf *out, const char *descr);

/* mf_cut_plan_new over the sample, and the plan checked for all that cutter.h promises. */
int sample_plan_in(
    struct sample *s, size_t memory_bytes, struct mf_cut_plan **out, struct mf_error *e);
int sample_plan(struct sample *s, struct mf_cut_plan **out, struct mf_error *e);
/* It must be planned, and be of this format. */
struct mf_cut_plan *sample_must(struct sample *s, const char *format);
/* It must be refused, for a reason with this word in it. */
void sample_refused(struct sample *s, const char *word);

/* The chunks of b (of this plan) whose plaintext is no chunk of a. Those that hold bytes below
 * header_bytes are not counted. */
size_t sample_changed(const struct sample *a, const struct mf_cut_plan *pa, const struct sample *b,
    const struct mf_cut_plan *pb, uint64_t header_bytes);

#endif
