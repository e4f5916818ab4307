/* Making text of unknown origin fit for a terminal or a JSON string. Pure, any thread. */
#ifndef MF_BASE_TEXT_H
#define MF_BASE_TEXT_H

#include <stdbool.h>
#include <stddef.h>

#include "src/base/buf.h"

/* Bytes of the valid UTF-8 character at s (1 to 4), or 0: not valid, or the end. */
size_t mf_text_char_bytes(const char *s);
/* Copy s with control characters (C0, DEL, C1) and bytes that are no UTF-8 written as \n, \t
 * or \xNN. Truncated, never inside a character or an escape; always terminated. */
void mf_text_escape(char *out, size_t out_bytes, const char *s);
/* The same at the end of a buffer. */
void mf_text_put_escaped(struct mf_buf *b, const char *s);
/* s as a JSON string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void mf_text_put_json(struct mf_buf *b, const char *s);

/* Is this a name for a model (slashes: in parts between /), a version, a ref, a site? */
#define MF_TEXT_NAME_MAX 128u
#define MF_TEXT_NAME_RULE "1 to 128 of A-Z a-z 0-9 . _ + -, not starting with . or -"
bool mf_text_is_name(const char *name, bool slashes);

#endif
