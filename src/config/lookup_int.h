/* Inside src/config: how close two words are. Pure. */
#ifndef MF_CONFIG_LOOKUP_INT_H
#define MF_CONFIG_LOOKUP_INT_H

#include <stdbool.h>

#include "src/config/command.h"
#include "src/config/option.h"

unsigned mf_lookup_distance(const char *a, const char *b);
/* Is right near wrong, and nearer than *best? Then *best becomes its distance. */
bool mf_lookup_is_near(const char *wrong, const char *right, unsigned *best);

#endif
