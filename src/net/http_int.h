/* What the files of the HTTP engine share: the engine, its lanes, a request on its way. */
#ifndef MF_NET_HTTP_INT_H
#define MF_NET_HTTP_INT_H

#include <curl/curl.h>
#include <pthread.h>
#include <stdatomic.h>

#include "src/base/blocks.h"
#include "src/net/events_int.h"
#include "src/net/foreign.h"
#include "src/net/http.h"
#include "src/net/pace_int.h"
#include "src/net/sockets_int.h"
#include "src/net/window_int.h"

/* The largest piece that curl hands to a write callback. */
#define MF_HTTP_PIECE_BYTES ((size_t)CURL_MAX_WRITE_SIZE)

struct mf_http_job;

/*
 * Connections and the requests on them. One thread at a time goes along it: a network thread, which
 * has one for good and carries there what it is sent, any number at once; or, where a request is
 * short, the thread that made it, which takes a lane for it from those that lie idle (lane.c). That
 * thread alone touches curl's handles, and the list of jobs.
 */
struct mf_http_lane {
	struct mf_http *http;
	unsigned kept;                         /* connections and spare handles */
	struct mf_http_lane *next, *next_idle; /* of callers' lanes */
	CURLM *multi;
	CURLSH *share; /* TLS sessions */
	struct mf_events events;
	pthread_t thread; /* of a network thread, as are these */
	bool started;
	_Atomic unsigned n_jobs; /* sent to it and not done */

	pthread_mutex_t lock;      /* guards the two below */
	struct mf_http_job *inbox; /* newest first */
	bool closing;

	struct mf_http_job *jobs;
	CURL **spare; /* easy handles for reuse */
	unsigned n_spare;
	uint64_t last_tick_us;
	struct mf_window window;
	struct mf_sockets sockets;
};

/* Lanes for callers' threads, as many as were needed at once. */
struct mf_http_callers {
	struct mf_http *http;
	unsigned most;
	pthread_mutex_t lock; /* guards all below */
	unsigned n;
	struct mf_http_lane *all, *idle; /* idle: the one that was used last comes first */
};

struct mf_http {
	/* Parameters; strings owned, "" where curl must not look for its own. */
	bool allow_http;
	bool unverified;
	bool http2;
	char *ca_file;    /* or NULL */
	char *http_proxy; /* "": none */
	char *https_proxy;
	char *no_proxy;
	char *user_agent;
	struct mf_http_patience patience;
	struct mf_http_pacer pacer;
	uint64_t (*now_us)(void);
	unsigned kept_per_thread; /* connections and spare handles */

	struct mf_memory_budget *windows_idle;
	struct mf_blocks *windows; /* of jobs, used again */

	bool curl_ready;
	bool curl_has_bundle; /* of authorities, built in: its CURLOPT_CAINFO(3) */
	_Atomic bool cancelled;
	_Atomic uint64_t warn_after_us; /* of a silent server, not before */
	unsigned n_threads;
	struct mf_http_lane *threads; /* theirs */
	struct mf_http_callers plain, tls;
};

/* One request, on the stack of its caller. */
struct mf_http_job {
	/* Set by the caller before it is sent off, constant after. */
	struct mf_http *http;
	const struct mf_http_request *request;
	struct mf_http_response *r; /* the lane's until done */
	struct mf_http_patience patience;
	struct mf_url url;
	struct mf_http_headers headers;
	struct curl_slist *list; /* the same, as curl wants them */
	struct mf_buf text;      /* the URL to send, a string */
	size_t head_bytes;       /* of the request's head, about */
	bool has_body;
	bool repeatable;
	uint64_t begin_us;

	/* Between both sides. */
	struct mf_http_lane *lane;
	_Atomic bool cancel;  /* by the caller */
	_Atomic bool room;    /* by the caller: there is room again */
	pthread_mutex_t lock; /* guards from here ... */
	pthread_cond_t changed;
	bool done;
	bool sunk;       /* the sink had its first call */
	bool wants_room; /* the network thread stopped reading for want of it */
	uint8_t *window; /* with a sink: a ring of window_bytes, in window_block */
	struct mf_block window_block;
	size_t window_bytes, window_first, window_n;
	size_t window_piece; /* no less is worth waking the caller for, but at the end */
	uint64_t drained_us; /* when the sink was given something last; the caller's */
	uint8_t *to; /* request->place, behind what the window has for it; NULL: there is none */
	size_t to_bytes; /* ... to here */

	/* The lane's. */
	struct mf_http_job *next, **link;
	CURL *easy;
	bool added; /* to the multi handle */
	struct mf_pace up, down;
	uint64_t start_due_us; /* not begun yet: when to ask the pacer again */
	uint64_t up_due_us;    /* 0, or reading the body is paused until then */
	uint64_t down_due_us;
	bool waits_for_room;
	int fd;                /* of its connection; -1: unknown */
	bool body_with_head;   /* sent by curl in one piece: mf_http_on_read gives none */
	uint32_t first_window; /* of the connection that was made for it, until that is paid */
	uint64_t body_at;      /* next byte of the request's body */
	bool answered;         /* a byte of the answer has come */
	struct mf_http_head head;
	uint64_t received;   /* bytes of heads and bodies */
	uint64_t body_bytes; /* received */
	size_t placed;       /* of them, at `to` */
	long before_bytes;   /* sent before the request: a CONNECT to a proxy */
	uint64_t added_us, connected_us, sent_us, first_byte_us;
	struct mf_stall stall;
	enum mf_http_failure cut; /* why we ended it ourselves; MF_HTTP_OK: we did not */
	struct mf_error error;    /* with cut, and what is reported in the end */
	char curl_text[CURL_ERROR_SIZE];
};

/* engine.c */
/* Requests under way in all network threads, at least 1. */
unsigned mf_http_jobs(struct mf_http *http);
/* The present limit of the download rate; 0: none. */
uint64_t mf_http_down_rate(const struct mf_http *http);
void mf_http_wake(struct mf_http_lane *t);

/* loop.c: the body of a network thread; arg is its struct mf_http_lane. */
void *mf_http_loop(void *arg);

/* Carry one job, to its end, on a lane that this thread has taken. */
void mf_http_loop_once(struct mf_http_lane *t, struct mf_http_job *job);

/* lane.c. 0, or -1 with *e set: then there is nothing to be undone. */
int mf_http_lane_init(
    struct mf_http_lane *t, struct mf_http *http, unsigned kept, struct mf_error *e);
void mf_http_lane_fini(struct mf_http_lane *t); /* nobody goes along it; a zeroed one is fine */
void mf_http_callers_init(struct mf_http_callers *c, struct mf_http *http, unsigned most);
void mf_http_callers_fini(struct mf_http_callers *c);
/* A lane of this thread's own, until it gives it back. NULL: it has to be a network thread's. */
struct mf_http_lane *mf_http_callers_take(struct mf_http_callers *c);
void mf_http_callers_give(struct mf_http_callers *c, struct mf_http_lane *t);
void mf_http_callers_wake(struct mf_http_callers *c); /* all of them */

/* transfer.c: give job an easy handle from t and set it up. 0, or -1 with job->error set. */
int mf_http_transfer_begin(struct mf_http_lane *t, struct mf_http_job *job);
/* Has any of the request left, so that the server may have seen it? */
bool mf_http_transfer_left(const struct mf_http_job *job);
/* Take it back; what it measured goes to job->r. */
void mf_http_transfer_end(struct mf_http_lane *t, struct mf_http_job *job);

/* callbacks.c: what curl calls, on the lane's thread; arg is the job. */
size_t mf_http_on_head(char *line, size_t size, size_t n, void *arg);
size_t mf_http_on_body(char *bytes, size_t size, size_t n, void *arg);
size_t mf_http_on_read(char *out, size_t size, size_t n, void *arg);
int mf_http_on_seek(void *arg, curl_off_t offset, int origin);
int mf_http_on_ready(void *arg, char *peer, char *local, int peer_port, int local_port);
int mf_http_on_socket(void *arg, curl_socket_t fd, curlsocktype purpose);
int mf_http_on_close(void *arg, curl_socket_t fd); /* arg is the lane */

/* answer.c: read one line of an answer's head into job->r; n bytes with the line's end. 0, or -1
 * with job->cut and job->error set. */
int mf_http_answer_line(struct mf_http_job *job, const char *line, size_t n);

/* failure.c: set job->error and job->r->failure for curl's code and what job->cut says; true:
 * the request has failed. */
bool mf_http_judge(struct mf_http_job *job, CURLcode code);
/* End it ourselves. Returns -1. */
int mf_http_cut(struct mf_http_job *job, enum mf_http_failure why, enum mf_code code,
    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
const char *mf_http_failure_name(enum mf_http_failure failure);

/* job_window.c: the memory of windows. 0, or -1 with *e set. */
int mf_http_windows_init(struct mf_http *http, struct mf_error *e);
void mf_http_windows_fini(struct mf_http *http); /* no job has one any more */
/* As its request says; none without a sink. */
int mf_http_window_make(struct mf_http_job *job, struct mf_error *e);
void mf_http_window_drop(struct mf_http_job *job); /* one that has none is allowed */

#endif
