/*
 * Keys as text: base64, and the one-line form "MODELFERRY-<WHAT>-1 BASE64" of the key files
 * that modelferry writes. Lines that start with '#' and empty lines are comments. Nothing
 * here ever quotes what it reads. Any thread.
 */
#ifndef MF_CRYPTO_TEXTKEY_H
#define MF_CRYPTO_TEXTKEY_H

#include <stddef.h>
#include <stdint.h>

#include "crypto/secret.h"
#include "src/base/error.h"

#define MF_TEXTKEY_MAX_FILE 4096
/* "MODELFERRY-VERIFY-KEY-1 " + 44 + NUL, with room */
#define MF_TEXTKEY_BYTES 96

enum mf_base64_result {
	MF_BASE64_OK = 0,
	MF_BASE64_BAD,	  /* characters or padding that base64 does not have */
	MF_BASE64_LENGTH, /* base64, but not of 32 bytes: *got says of how many */
};

/* Decode exactly 32 bytes from n characters of padded base64 (RFC 4648, section 4); white
 * space around them does not count. *got is set for MF_BASE64_LENGTH, to at most 4096. */
enum mf_base64_result mf_base64_key(const char *text, size_t n, uint8_t out[MF_KEY_BYTES],
    size_t *got);

/* The 32 bytes behind "label " in the one line of s that is no comment. path is for the
 * error: MF_EKEY, which says what the file is instead where it is another key of ours. */
int mf_textkey_parse(const uint8_t *text, size_t n, const char *label, const char *path,
    uint8_t out[MF_KEY_BYTES], struct mf_error *e);
/* "label BASE64" into out, terminated. */
void mf_textkey_format(const char *label, const uint8_t key[MF_KEY_BYTES],
    char out[MF_TEXTKEY_BYTES]);

/* Read such a file. The key lands in guarded memory. NULL on failure. Blocking. */
struct mf_secret *mf_textkey_load(const char *path, const char *label, const char *what,
    struct mf_error *e);
/* Write a new one, mode 0600: comment lines (each with '#' and newline, or ""), then the
 * key. MF_EEXIST where path exists. Blocking. */
int mf_textkey_save(const char *path, const char *comment, const char *label,
    const uint8_t key[MF_KEY_BYTES], const char *what, struct mf_error *e);

#endif
