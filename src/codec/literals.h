/*
 * Entropy coding alone, as an ordinary zstd frame: every byte is a Huffman-coded literal, and
 * nothing looks for matches. literals_zstd.c does so through libzstd's experimental API,
 * literals_plain.c comes near without; the makefile chooses. One thread at a time.
 */
#ifndef MF_CODEC_LITERALS_H
#define MF_CODEC_LITERALS_H

#include <stddef.h>
#include <stdint.h>

struct mf_literals;

struct mf_literals *mf_literals_new(void); /* NULL: out of memory */
void mf_literals_free(struct mf_literals *l);
/* Bytes written to out; 0 where cap, or MF_CODEC_PLAIN_MAX_BYTES for n, did not suffice. */
size_t mf_literals_encode(struct mf_literals *l, const uint8_t *in, size_t n, uint8_t *out,
    size_t cap);

#endif
