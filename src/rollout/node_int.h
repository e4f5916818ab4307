/* What document.c needs of nodes beyond node.h. */
#ifndef MF_ROLLOUT_NODE_INT_H
#define MF_ROLLOUT_NODE_INT_H

#include "src/rollout/node.h"

/* Make map, a fresh node of that kind, hold n items, whose keys are set. The array is the map's
 * from now on. -1: MF_ENOMEM, or MF_EUSAGE and *again is the second item with some key. */
int mf_node_fill_map(struct mf_node *map, struct mf_node **items, size_t n,
    const struct mf_node **again, struct mf_region *r, struct mf_error *e);

#endif
