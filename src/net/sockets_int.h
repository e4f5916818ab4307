/*
 * The sockets of a network thread's connections, by their ports here: curl says for which ports a
 * request is about to be sent, and not on which socket (CURLOPT_PREREQFUNCTION(3); what
 * CURLINFO_ACTIVESOCKET(3) gives within a transfer is that of the one before).
 *
 * One thread at a time.
 */
#ifndef MF_NET_SOCKETS_INT_H
#define MF_NET_SOCKETS_INT_H

#include <stddef.h>

struct mf_sockets {
	struct mf_sockets_item {
		int fd;
		int port; /* 0: it was not bound yet when it was last looked at */
	} *items;
	size_t n, capacity;
};

/* A socket that is about to be connected. Without memory it is not found later, no more. */
void mf_sockets_add(struct mf_sockets *s, int fd);
/* It is about to be closed. */
void mf_sockets_remove(struct mf_sockets *s, int fd);
/* That of a local port, or -1. Two connections to different addresses may have one port: either is
 * found, and the other waits for its acknowledgement as it would without this. */
int mf_sockets_find(struct mf_sockets *s, int port);
void mf_sockets_fini(struct mf_sockets *s);

/*
 * Acknowledge what has come now, and what follows as it is read, until something is sent.
 *
 * Many servers send the head of an answer apart from its body, and hold the body back until the
 * head is acknowledged (Nagle's algorithm, RFC 9293, 3.7.4; a RADOS Gateway without tcp_nodelay
 * does), while a kernel delays that for 40 ms on a connection that had a request before, hoping to
 * send it along with the next (TCP_QUICKACK, tcp(7)). So this is for the head of every answer that
 * has a body.
 */
void mf_socket_acknowledge(int fd);

#endif
