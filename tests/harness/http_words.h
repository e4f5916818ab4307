/*
 * For servers on top of tests/unit/net/http_server.h: heads of answers, dates, ranges, paths,
 * parameters of a query, directories of a listing, and files that a program leaves. They end the
 * process where memory runs out, or a file cannot be written.
 */
#ifndef TESTS_HARNESS_HTTP_WORDS_H
#define TESTS_HARNESS_HTTP_WORDS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <time.h>

#include "src/base/buf.h"
#include "tests/unit/net/http_server.h"

#define HARNESS_DATE_BYTES 64

void harness_die(const char *what) __attribute__((noreturn));

void harness_date(char out[HARNESS_DATE_BYTES], time_t t);     /* as of HTTP */
void harness_iso_date(char out[HARNESS_DATE_BYTES], time_t t); /* as in listings */

/* The status line, Date, Server, and headers: lines that each end in \r\n. Appended, without the
 * empty line. */
void harness_head(struct mf_buf *out, int status, time_t now, const char *headers);

/* A parameter of the query, decoded; "" where there is none. Returns out. */
const char *harness_param(const struct http_seen *q, const char *name, char *out, size_t n);
bool harness_has_param(const struct http_seen *q, const char *name);
/* The path, decoded, without the first slash. */
void harness_path(const struct http_seen *q, char *out, size_t n);

/* The directory that holds a key, behind n bytes of it, unless it is that of *last, the key of the
 * last one that was put. */
void harness_put_child(struct mf_buf *out, const char *key, size_t n, const char **last);

/* A file in dir, opened as fopen(3) has it. */
FILE *harness_create(const char *dir, const char *name, const char *mode);
/* Leave the server's address in dir/url, which is complete once it is there. */
void harness_announce(const char *dir, const char *url);

/* "bytes=1-2" within n bytes: 0; 1: behind the end; -1: none that is known. */
int harness_range(const char *text, size_t n, size_t *first, size_t *last);

#endif
