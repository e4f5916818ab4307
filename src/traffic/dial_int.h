/* What the files of the dialer share: the secrets of one call. */
#ifndef MF_TRAFFIC_DIAL_INT_H
#define MF_TRAFFIC_DIAL_INT_H

#include "crypto/secret.h"
#include "src/traffic/dial.h"

/* All in guarded memory, strings; NULL where the call has none. */
struct mf_dial_secrets {
	struct mf_secret *url;           /* of url_file */
	struct mf_secret *credential;    /* the token or the password */
	struct mf_secret *authorization; /* the header's value */
};

/* Read the files that the call names. 0, or -1 with *e set; fini in any case. */
int mf_dial_secrets_read(
    struct mf_dial_secrets *s, const struct mf_dial_call *call, struct mf_error *e);
void mf_dial_secrets_fini(struct mf_dial_secrets *s);
/* Does any of them stand in those bytes? */
bool mf_dial_secrets_within(const struct mf_dial_secrets *s, const void *bytes, size_t n);
const char *mf_dial_secret_text(const struct mf_secret *s); /* NULL for NULL */

#endif
