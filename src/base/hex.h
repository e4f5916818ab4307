/* Lower-case hexadecimal. */
#ifndef MF_BASE_HEX_H
#define MF_BASE_HEX_H

#include <stddef.h>
#include <stdint.h>

/* 2 * n characters and a NUL into out. */
void mf_hex_encode(char *out, const uint8_t *bytes, size_t n);
/* Exactly 2 * n lower-case digits of s (not necessarily terminated) into out. 0, or -1. */
int mf_hex_decode(uint8_t *out, size_t n, const char *s);

#endif
