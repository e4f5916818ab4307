/*
 * Memory for keys: guard pages around it, locked where the system lets us, wiped when freed
 * (sodium_malloc). The type is opaque so that no key is printed or copied by accident; bytes
 * are reached through _view and _bytes only, and never go into an error or a log line.
 *
 * A secret belongs to one owner. Threads may read one together once it is frozen or nobody
 * writes to it any more.
 */
#ifndef MF_CRYPTO_SECRET_H
#define MF_CRYPTO_SECRET_H

#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"

#define MF_KEY_BYTES 32

struct mf_secret;

/* Once at start, before any other function of this room and before threads: starts libsodium
 * and switches core dumps off (PR_SET_DUMPABLE 0, RLIMIT_CORE 0). Again is harmless. */
int mf_crypto_init(struct mf_error *e);

/* len zero bytes (len >= 1), or NULL with MF_ENOMEM. */
struct mf_secret *mf_secret_new(size_t len, struct mf_error *e);
/* len bytes from the system's random generator. */
struct mf_secret *mf_secret_random(size_t len, struct mf_error *e);
/* A copy of len bytes; the caller wipes its own. */
struct mf_secret *mf_secret_of(const void *bytes, size_t len, struct mf_error *e);
/* Wipes and frees. */
void mf_secret_free(struct mf_secret *s);

/* Its bytes: how many, to read, to write. Views, until mf_secret_free. */
size_t mf_secret_len(const struct mf_secret *s);
const uint8_t *mf_secret_view(const struct mf_secret *s);
uint8_t *mf_secret_bytes(struct mf_secret *s); /* not after mf_secret_freeze */
/* From now on a write to the bytes is a fault. */
void mf_secret_freeze(struct mf_secret *s);

/* The bytes of a file, 1 to max_bytes of them, in guarded memory only. what is how an error
 * calls the file's role: "passphrase file". Fails with MF_EKEY for a missing, an empty or a
 * longer file, else with the errno's code where it cannot be read. Blocking. */
struct mf_secret *mf_secret_read_file(const char *path, size_t max_bytes, const char *what,
    struct mf_error *e);
/* Create path with mode 0600, holding the bytes, durable when this returns. MF_EEXIST where
 * the path is there already: a key file is never overwritten. */
int mf_secret_write_file(const char *path, const struct mf_secret *s, const char *what,
    struct mf_error *e);

#endif
