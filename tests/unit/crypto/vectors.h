/* Keys of the frozen vectors: root0 00..1f, root 60..7f, epoch 1 20..3f, epoch 2 40..5f. */
#ifndef MF_TESTS_CRYPTO_VECTORS_H
#define MF_TESTS_CRYPTO_VECTORS_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "crypto/keyring_int.h"

static inline void
count_up(uint8_t *out, size_t n, unsigned from)
{
	size_t i;

	for (i = 0; i < n; i++)
		out[i] = (uint8_t)(from + i);
}

static inline struct mf_keyring *
vector_keyring(enum mf_cipher cipher, enum mf_padding padding, uint32_t floor)
{
	struct mf_epoch epochs[2] = {{.number = 1}, {.number = 2}};
	uint8_t root0[32], root[32];

	count_up(root0, 32, 0);
	count_up(root, 32, 0x60);
	count_up(epochs[0].key, 32, 0x20);
	count_up(epochs[1].key, 32, 0x40);
	return mf_keyring_of(&(struct mf_keyring_params){.cipher = cipher, .padding = padding,
				 .floor = floor, .root0 = root0, .root = root, .epochs = epochs,
				 .n_epochs = 2}, NULL);
}

#endif
