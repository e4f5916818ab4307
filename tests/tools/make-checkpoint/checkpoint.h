/*
 * make-checkpoint writes model checkpoints that look real, fast, and always the same for the
 * same recipe. Needs a C library only. It is a tool of the tests and the benchmark: on failure
 * it says why and exits with status 1.
 *
 *	recipe.c	options, and the recipe that a checkpoint carries for --next
 *	layout.c	which tensors there are, and what happened to them version by version
 *	values.c	their values: trained-looking numbers from a counter-based generator
 *	quant.c		GGUF's quantised blocks
 *	out.c		files, and tensors written into them by several threads
 *	safetensors.c, gguf.c, zip.c with pytorch.c and npz.c: the containers
 *	text.c		configuration and tokenizer files
 */
#ifndef MAKE_CHECKPOINT_H
#define MAKE_CHECKPOINT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MAX_STEPS 64
#define MAX_NAME 96
#define BLOCK_ELEMENTS (1u << 18) /* generated at once; each block has its own random stream */

enum kind { KIND_SAFETENSORS, KIND_PYTORCH, KIND_GGUF, KIND_NPZ, KIND_MIXED };
enum dtype { BF16, F16, F32, F8, Q8_0, Q4_K, Q6_K };
/* What a tensor's numbers look like. MOMENT, VARIANCE: Adam's first and second moment. */
enum look { LOOK_WEIGHT, LOOK_NORM, LOOK_MOMENT, LOOK_VARIANCE };

/* One --next. */
struct step {
	unsigned frozen, touched; /* per cent */
	uint64_t seed;
};

struct recipe {
	enum kind kind;
	enum dtype dtype;
	uint64_t size_bytes;
	unsigned shards; /* 0: by size */
	uint64_t seed;
	unsigned zero, repeat; /* per cent */
	struct step steps[MAX_STEPS];
	unsigned n_steps;
};

/* A step changes elements [from, from + count) of a tensor; count 0: nothing. */
struct change {
	uint64_t from, count;
};

struct tensor {
	char name[MAX_NAME];
	char content[MAX_NAME]; /* whose numbers it holds: its own name unless it is a repeat */
	enum dtype dtype;
	enum look look;
	float sigma;
	unsigned dims; /* 1 or 2 */
	uint64_t shape[2]; /* rows, columns */
	struct change changes[MAX_STEPS];
};

struct layout {
	struct tensor *tensors;
	size_t n, room;
	uint64_t hidden, vocab, layers, ffn;
};

/* recipe.c */
void recipe_format(const struct recipe *r, char *out, size_t out_bytes);
void recipe_parse(struct recipe *r, const char *text);
void recipe_read(struct recipe *r, const char *dir); /* of a checkpoint made before */
uint64_t parse_size(const char *text);
unsigned parse_percent(const char *text);
enum kind parse_kind(const char *text);
enum dtype parse_dtype(const char *text);
const char *dtype_name(enum dtype d);

/* layout.c: the tensors of a Llama-like model of about `bytes`, in file order. */
void layout_model(struct layout *l, const struct recipe *r, enum kind kind, uint64_t bytes);
/* Adam's state of such a model: two tensors of 32 bits a parameter. */
void layout_optimizer(struct layout *l, const struct recipe *r, uint64_t bytes);
void layout_free(struct layout *l);
uint64_t tensor_elements(const struct tensor *t);
uint64_t tensor_bytes(const struct tensor *t);

/* values.c: hash and random numbers; the bytes of a tensor's block. */
uint64_t hash_text(const char *text, uint64_t seed);
uint64_t random_at(uint64_t seed, uint64_t i); /* splitmix64, by position */
struct source; /* one thread's tables */
struct source *source_new(const struct recipe *r);
void source_free(struct source *s);
/* Encode elements [block * BLOCK_ELEMENTS, ...) of t into out (room for 4 bytes each). Returns
 * their bytes. */
size_t source_block(struct source *s, const struct tensor *t, uint64_t block, uint8_t *out);
uint16_t to_bf16(float v);
uint16_t to_f16(float v);
uint8_t to_f8(float v); /* E4M3 */

/* quant.c: n (a multiple of 256) values into blocks; returns the bytes. */
size_t quantise(enum dtype d, const float *v, size_t n, uint8_t *out);

/* out.c */
struct bytes {
	uint8_t *at;
	size_t n, room;
};
void put(struct bytes *b, const void *p, size_t n);
void put_text(struct bytes *b, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
void put_le(struct bytes *b, uint64_t v, unsigned width);

struct extent {
	const struct tensor *tensor;
	uint64_t offset; /* in the file */
	uint32_t crc;	 /* in: of what stands before the tensor in its entry; out: of both */
};
int out_create(const char *dir, const char *name, uint64_t size);
void out_write(int fd, const void *p, size_t n, uint64_t offset);
void out_close(int fd);
void out_file(const char *dir, const char *name, const struct bytes *b);
/* Generate every extent's tensor into its place. want_crc: bring .crc up to date. */
void out_tensors(int fd, const struct recipe *r, struct extent *x, size_t n, bool want_crc);
uint32_t crc32_of(uint32_t crc, const void *p, size_t n);
void *need(void *p); /* p, or exit: out of memory */
void die(const char *fmt, ...) __attribute__((format(printf, 1, 2), noreturn));

/* zip.c: stored entries only. */
struct zip_entry {
	char name[MAX_NAME + 32];
	struct bytes head;	     /* bytes of the entry; those of the tensor follow */
	const struct tensor *tensor; /* or NULL */
};
/* align: of each entry's data, by padding in an extra field as PyTorch does it, with the CRC
 * in a data descriptor; 0: as Python's zipfile writes it. Takes the entries' memory. */
void zip_write(const char *path_dir, const char *name, const struct recipe *r,
    struct zip_entry *entries, size_t n, unsigned align);

/* The containers: one file or several of l's tensors in dir. */
void safetensors_write(const char *dir, const struct recipe *r, const struct layout *l,
    unsigned shards);
void pytorch_write(const char *dir, const struct recipe *r, const struct layout *l,
    const char *stem, unsigned shards);
void gguf_write(const char *dir, const struct recipe *r, const struct layout *l);
void npz_write(const char *dir, const struct recipe *r, const struct layout *l);

/* The shard of each tensor (0..shards-1), by bytes in order. free(3). */
unsigned *shards_of(const struct layout *l, unsigned shards);
void index_write(const char *dir, const char *name, const char *stem, const char *suffix,
    const struct layout *l, const unsigned *shard, unsigned shards);

/* text.c */
void text_write(const char *dir, const struct recipe *r, const struct layout *l);

#endif
