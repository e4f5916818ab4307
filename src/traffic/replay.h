/*
 * Recorded requests, sent to model servers before traffic is: to warm a server up, and to compare
 * what two sites answer.
 *
 * A file holds one JSON object a line:
 *	{"method":"POST","path":"/v1/models/churn:predict","headers":{"content-type":"..."},
 *	 "body":{"instances":[[1,2]]},"ignore":["id","created"]}
 * path is needed; method is POST with a body, else GET; a body that is no string is sent as JSON;
 * "ignore" names members, at any depth, that no comparison looks at. Empty lines are skipped.
 *
 * Refused: files past the bounds below, members that nobody knows, paths that do not begin with a
 * slash; by "FILE:LINE: ...".
 *
 * Threads: reading is any thread's; a run starts threads of its own and ends them.
 */
#ifndef MF_TRAFFIC_REPLAY_H
#define MF_TRAFFIC_REPLAY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/rollout/metric.h"
#include "src/traffic/dial.h"

#define MF_REPLAY_FILE_BYTES ((size_t)64 << 20)
#define MF_REPLAY_LINE_BYTES ((size_t)4 << 20)
#define MF_REPLAY_REQUESTS_MAX 100000u
#define MF_REPLAY_HEADERS_MAX 16u
#define MF_REPLAY_IGNORED_MAX 32u
#define MF_REPLAY_CONCURRENCY_MAX 64u
#define MF_REPLAY_WORST 8u
#define MF_REPLAY_PATH_BYTES 128u

struct mf_replay_request {
	unsigned line;
	const char *method, *path;
	struct mf_pair headers[MF_REPLAY_HEADERS_MAX];
	size_t n_headers;
	const char *content_type; /* NULL: application/json */
	const char *body;         /* NULL: none */
	size_t body_bytes;
	const char *ignored[MF_REPLAY_IGNORED_MAX];
	size_t n_ignored;
};

struct mf_replay_requests;

/* NULL: MF_EUSAGE, the errno's code, MF_ENOMEM. Blocking. */
struct mf_replay_requests *mf_replay_read_file(const char *path, struct mf_error *e);
/* The same of text at hand; name is for messages. */
struct mf_replay_requests *mf_replay_read(
    const char *name, const void *text, size_t n, struct mf_error *e);
void mf_replay_free(struct mf_replay_requests *r);
size_t mf_replay_count(const struct mf_replay_requests *r); /* at least 1 */
const struct mf_replay_request *mf_replay_at(const struct mf_replay_requests *r, size_t i);

struct mf_replay_params {
	struct mf_dialer *dialer; /* borrowed; its callbacks run on several threads */
	const struct mf_replay_requests *requests;
	uint64_t count;                /* so many in all, over again from the first; 0: each once */
	unsigned concurrency;          /* 0: 1; at most MF_REPLAY_CONCURRENCY_MAX */
	uint64_t timeout_us;           /* for all of them */
	uint64_t request_us;           /* for one; 0: 10 s */
	uint64_t (*now_us)(void *arg); /* monotonic; any thread */
	bool (*interrupted)(void *arg); /* any thread; NULL: never */
	void *arg;
};

struct mf_replay_result {
	uint64_t sent, failed;         /* failed: no answer, or none of 2xx */
	uint64_t slowest_us, total_us; /* of the answers that were well */
	bool out_of_time;              /* fewer than count were sent */
	unsigned failed_line;          /* of the first that failed */
	char why[MF_DIAL_WHY_BYTES];
};

/* Send them to one server (a URL). 0: all were sent, and all answered with 2xx; -1: MF_EFAIL with
 * what failed, MF_EINTERRUPTED, MF_EUSAGE, MF_ENOMEM; *out is filled in any case. Blocking. */
int mf_replay_warm_up(const struct mf_replay_params *params, const char *server,
    struct mf_replay_result *out, struct mf_error *e);

/* A place where two answers differ most. */
struct mf_replay_difference {
	unsigned line;                   /* of the request */
	double difference;               /* of numbers, relative; infinity: not of one kind */
	char path[MF_REPLAY_PATH_BYTES]; /* "outputs[0].score" */
	char left[64], right[64];
};

struct mf_replay_agreement {
	uint64_t compared; /* both answered with 2xx */
	uint64_t agreed;
	uint64_t failed;                                    /* one of them did not */
	struct mf_replay_difference worst[MF_REPLAY_WORST]; /* of that many requests, worst first */
	size_t n_worst;
	struct mf_replay_result left, right;
};

/* Do two answers agree? Numbers a and b do where |a - b| <= tolerance * max(1, |a|, |b|); all else
 * has to be equal, members in any order, without those that the request ignores. Answers that are
 * no JSON have to be the same bytes. true, or *worst says where they differ most. Pure. */
bool mf_replay_agree(const struct mf_replay_request *request, double tolerance, const void *left,
    size_t left_bytes, const void *right, size_t right_bytes, struct mf_replay_difference *worst);

/* Send each request to one server of either side (by turns), and compare. 0: the part of all that
 * were sent which agree is at least min_agreement (0..1); what failed does not agree. -1: MF_EFAIL
 * with the numbers, and as mf_replay_warm_up. Blocking. */
int mf_replay_compare(const struct mf_replay_params *params, const char *const *left, size_t n_left,
    const char *const *right, size_t n_right, double tolerance, double min_agreement,
    struct mf_replay_agreement *out, struct mf_error *e);

#endif
