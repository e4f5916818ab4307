/* What a system's policy says of MD5, for the program that this is part of. */
#ifndef TESTS_MD5_POLICY_H
#define TESTS_MD5_POLICY_H

#include <stdbool.h>

/* Forbid MD5 as a libcrypto in FIPS mode does, or allow it again, which is how it begins. */
void md5_policy_forbid(bool forbidden);

#endif
