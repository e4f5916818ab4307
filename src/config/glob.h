/*
 * Patterns over paths, with rclone's meaning:
 *
 *   *        any bytes but /            **       any bytes
 *   ?        one character but /        [a-z]    one byte of the set; [!a-z] or [^a-z] none of it
 *   {a,b}    either                     \x       x itself
 *   /a       leading /: from the top    a/       trailing /: all below a (as a/ and two stars)
 *
 * Without a leading / a pattern matches from any component on: "b.bin" matches "a/b.bin" but
 * not "a/xb.bin". Matching takes time linear in the path times the pattern, whatever the
 * pattern. rclone's regular expressions, {{ }}, are refused. Compiled patterns are immutable; any
 * thread may match.
 */
#ifndef MF_CONFIG_GLOB_H
#define MF_CONFIG_GLOB_H

#include <stdbool.h>

#include "src/base/error.h"

#define MF_GLOB_MAX_BYTES 1024u

struct mf_glob;

/* A compiled pattern (mf_glob_free), or NULL: MF_EUSAGE (empty, too long, a bracket or brace
 * that does not close), MF_ENOMEM. */
struct mf_glob *mf_glob_new(const char *pattern, struct mf_error *e);
void mf_glob_free(struct mf_glob *g);
/* Does the relative path of a file match? */
bool mf_glob_matches(const struct mf_glob *g, const char *path);
/* Does the pattern match everything that can lie below this directory? */
bool mf_glob_matches_below(const struct mf_glob *g, const char *directory);
/* Can it match something that lies below this directory? */
bool mf_glob_may_match_below(const struct mf_glob *g, const char *directory);

#endif
