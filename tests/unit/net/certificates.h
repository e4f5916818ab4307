/* Certificates for tests, made on the spot: an authority and a server that it vouches for. */
#ifndef TESTS_UNIT_NET_CERTIFICATES_H
#define TESTS_UNIT_NET_CERTIFICATES_H

struct certificates {
	char dir[64];
	char ca[96]; /* PEM files */
	char cert[96];
	char key[96];
};

/* A fresh authority of that name, and a certificate for subject_alt_name ("IP:127.0.0.1",
 * "DNS:a.example") that begins and ends so many seconds from now. */
void certificates_make(struct certificates *c, const char *authority, const char *subject_alt_name,
    long begin_s, long end_s);
void certificates_remove(struct certificates *c);

#endif
