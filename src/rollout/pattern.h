/*
 * Regular expressions for `matches`: the part of Go's syntax (RE2) that both can mean in one way
 * only. Characters, escapes of punctuation, \n \t \r \f \v, . [] [^] with ranges and [:alpha:]
 * classes, \d \w \s \D \W \S, | ( ) (?: ), * + ? {n} {n,} {n,m} (lazy ones too: whether a text
 * matches does not depend on it), ^ $ \A \z, (?i) in front (for ASCII). Refused by name: \b, other
 * flags, back-references, \p, \Q, look-around.
 *
 * The pattern is compiled to an automaton that walks over the text once, with all its states at a
 * time: no pattern makes it slow, and none needs more than its own length in memory. Texts are
 * UTF-8; a byte that is none is a character by itself. Pure, any thread.
 */
#ifndef MF_ROLLOUT_PATTERN_H
#define MF_ROLLOUT_PATTERN_H

#include <stddef.h>

#include "src/base/error.h"
#include "src/base/region.h"

#define MF_PATTERN_BYTES_MAX ((size_t)1024)
#define MF_PATTERN_STATES_MAX 4000u /* after {n,m} is written out */

struct mf_pattern;

/* Read it; the region owns it. NULL: MF_EUSAGE "pattern: ...", MF_ENOMEM. */
struct mf_pattern *mf_pattern_read(const char *text, struct mf_region *r, struct mf_error *e);
/* Does any part of the text match? 1, 0, -1 (MF_ENOMEM). */
int mf_pattern_matches(const struct mf_pattern *p, const char *text, struct mf_error *e);
/* Of one match: at most so many steps a character of the text. */
size_t mf_pattern_states(const struct mf_pattern *p);

#endif
