/* Columns of places in texts, as people count them. */
#ifndef MF_ROLLOUT_COLUMN_INT_H
#define MF_ROLLOUT_COLUMN_INT_H

#include <stddef.h>

/* The column of the byte at: characters, from 1. */
static inline unsigned
mf_column(const char *text, size_t at)
{
	unsigned n = 1;
	size_t i;

	for (i = 0; i < at; i++)
		n += ((unsigned char)text[i] & 0xc0) != 0x80;
	return n;
}

#endif
