/* What the files of the endpoint share: a socket that listens. */
#ifndef MF_ENDPOINT_ENDPOINT_INT_H
#define MF_ENDPOINT_ENDPOINT_INT_H

#include "src/endpoint/endpoint.h"

struct mf_endpoint_socket {
	int fd;
	bool loopback;
	char name[MF_ENDPOINT_NAME_BYTES]; /* "127.0.0.1:4711" */
};

/* Listen at "ADDRESS:PORT". 0 or -1; fd is the caller's. */
int mf_endpoint_listen(const char *where, struct mf_endpoint_socket *s, struct mf_error *e);

#endif
