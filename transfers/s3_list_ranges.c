#include "config.h"

#include "transfers/s3_list_ranges.h"

#include <stdlib.h>
#include <string.h>

#include "src/base/log.h"
#include "transfers/s3_list_ranges_int.h"

void
s3_piece_free(struct s3_piece *p)
{
	if (p == NULL)
		return;
	mf_s3_page_fini(&p->page);
	free(p);
}

struct s3_range *
s3_range_new(const struct s3_pages *of, const char *after)
{
	struct s3_range *r = calloc(1, sizeof *r);

	if (r == NULL)
		return NULL;
	r->last = &r->first;
	if (s3_pages_begin_after(&r->pages, of, after, NULL) != 0) {
		free(r);
		return NULL;
	}
	memcpy(r->after, after, strlen(after) + 1);
	return r;
}

void
s3_range_free(struct s3_range *r)
{
	struct s3_piece *p;

	while ((p = r->first) != NULL) {
		r->first = p->next;
		s3_piece_free(p);
	}
	s3_pages_fini(&r->pages);
	free(r);
}

int
s3_ranges_new(const struct s3_pages *begin, const struct s3_ranges_params *p,
    struct s3_ranges **out, struct mf_error *e)
{
	struct s3_ranges *l = calloc(1, sizeof *l);
	struct s3_range *r = calloc(1, sizeof *r);

	if (l == NULL || r == NULL) {
		free(l);
		free(r);
		return mf_error_nomem(e, "a listing");
	}
	pthread_mutex_init(&l->lock, NULL);
	pthread_cond_init(&l->changed, NULL);
	l->p = *p;
	if (l->p.at_once < 1)
		l->p.at_once = 1;
	if (l->p.at_once > S3_RANGES_AT_ONCE_MAX)
		l->p.at_once = S3_RANGES_AT_ONCE_MAX;
	l->whole = l->p.at_once < 2;
	l->n_threads_max = l->whole ? 1 : l->p.at_once - 1;
	r->last = &r->first;
	r->pages = *begin;
	r->least_dir = strlen(begin->prefix);
	l->first = r;
	l->n = 1;
	*out = l;
	return 0;
}

void
s3_ranges_free(struct s3_ranges *l)
{
	struct s3_range *r;

	if (l == NULL)
		return;
	pthread_mutex_lock(&l->lock);
	l->stop = true;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	mf_crew_free(l->crew);
	while ((r = l->first) != NULL) {
		l->first = r->next;
		s3_range_free(r);
	}
	pthread_mutex_destroy(&l->lock);
	pthread_cond_destroy(&l->changed);
	free(l);
}

/* ---- fetching ---- */

struct fetching {
	struct s3_ranges *l;
	struct s3_range *r;
	struct s3_piece *piece;
};

/* The store began anew: from now on that is done, and what it shows again is passed over. */
static int
begin_anew(struct fetching *f, struct mf_error *e)
{
	struct s3_pages *p = &f->r->pages;
	const struct s3_pages old = *p;

	mf_log(MF_LOG_DEBUG, "%s does not list from a key on", p->s->label);
	*p = (struct s3_pages){.s = old.s};
	memcpy(p->prefix, old.prefix, sizeof p->prefix);
	free(old.next);
	pthread_mutex_lock(&f->l->lock);
	f->l->whole = true;
	pthread_mutex_unlock(&f->l->lock);
	return s3_pages_next(p, &f->piece->page, e);
}

static int
fetch_once(void *arg, struct mf_error *e)
{
	struct fetching *f = arg;
	const int rc = s3_pages_next(&f->r->pages, &f->piece->page, e);

	if (rc >= 0 || !f->r->pages.went_back || f->r->n_fetched > 0 || f->r->after[0] == '\0')
		return rc;
	mf_error_clear(e);
	return begin_anew(f, e);
}

static uint64_t
bytes_of(const struct mf_s3_page *page)
{
	uint64_t n = page->n_objects * (sizeof *page->objects + 64);
	size_t i;

	for (i = 0; i < page->n_objects; i++)
		n += strlen(page->objects[i].key);
	return n;
}

/* Leave what belongs to the ranges on either side. Is the end reached? */
static bool
trim(const struct s3_range *r, struct s3_piece *p)
{
	const struct mf_s3_object *o = p->page.objects;
	const size_t n = p->page.n_objects;

	for (p->from = 0; p->from < n; p->from++)
		if (r->after[0] == '\0' || strcmp(o[p->from].key, r->after) > 0)
			break;
	for (p->to = n; p->to > p->from; p->to--)
		if (r->end[0] == '\0' || strcmp(o[p->to - 1].key, r->end) <= 0)
			break;
	return p->to < n;
}

/* Under the lock: the range has this piece too, which is taken. */
static void
add(struct s3_ranges *l, struct s3_range *r, struct s3_piece *p)
{
	r->done = trim(r, p) || r->pages.ended;
	if (p->from == p->to) {
		s3_piece_free(p);
		return;
	}
	*r->last = p;
	r->last = &p->next;
	r->bytes += p->bytes;
	l->bytes += p->bytes;
}

static void
note_first_key(struct s3_range *r, const struct mf_s3_page *page)
{
	if (page->n_objects > 0)
		memcpy(r->before, page->objects[0].key, strlen(page->objects[0].key) + 1);
}

/* The next page of a range that the caller marked as being fetched, and is under the lock; it is
 * given up meanwhile. */
static void
fetch(struct s3_ranges *l, struct s3_range *r)
{
	struct fetching f = {.l = l, .r = r};
	struct mf_error e = {0};
	struct s3_cut *cut = NULL;
	bool wanted = !l->whole && l->n < S3_RANGES_MAX / 2;
	int rc;

	pthread_mutex_unlock(&l->lock);
	if ((f.piece = calloc(1, sizeof *f.piece)) == NULL)
		rc = mf_error_nomem(&e, "a listing");
	else
		rc = mf_retry_run(l->p.retry, r->pages.prefix, fetch_once, &f, &e);
	if (rc == 0) {
		f.piece->bytes = bytes_of(&f.piece->page);
		r->n_fetched++;
		wanted = wanted && !r->pages.ended && (cut = calloc(1, sizeof *cut)) != NULL &&
			 s3_cut_plan(r, &f.piece->page, cut);
		note_first_key(r, &f.piece->page);
	}
	pthread_mutex_lock(&l->lock);
	if (rc == 0)
		add(l, r, f.piece);
	else
		free(f.piece);
	if (rc != 0)
		r->done = true;
	if (rc < 0) {
		r->failed = true;
		r->why = e;
	}
	if (rc == 0 && wanted && !r->done) {
		pthread_cond_broadcast(&l->changed); /* the page can be shown meanwhile */
		pthread_mutex_unlock(&l->lock);
		s3_cut(l, r, cut);
		pthread_mutex_lock(&l->lock);
	}
	free(cut);
	r->fetching = false;
	pthread_cond_broadcast(&l->changed);
}

/* Under the lock: the range whose next page is wanted most; NULL: there is nothing to do. The first
 * one may always have a page, a listing that is in one piece no more than that. */
static struct s3_range *
pick(const struct s3_ranges *l)
{
	struct s3_range *r;

	for (r = l->first; r != NULL; r = r->next)
		if (!r->done && !r->fetching &&
		    ((r == l->first && r->first == NULL) ||
			(l->n > 1 && l->bytes < l->p.memory_bytes &&
			    r->bytes < l->p.memory_bytes / l->p.at_once)))
			return r;
	return NULL;
}

static int
work(void *arg, struct mf_error *e)
{
	struct s3_ranges *l = arg;
	struct s3_range *r;

	(void)e;
	pthread_mutex_lock(&l->lock);
	while (!l->stop) {
		if ((r = pick(l)) == NULL) {
			pthread_cond_wait(&l->changed, &l->lock);
			continue;
		}
		r->fetching = true;
		fetch(l, r);
	}
	pthread_mutex_unlock(&l->lock);
	return 0;
}

/* A thread for each range; one less than requests at once, since the caller that waits for a page
 * fetches it. Where no more can be started, what there is does it. */
static void
start_threads(struct s3_ranges *l, size_t n)
{
	struct mf_error e = {0};

	while (l->n_threads < n && l->n_threads < l->n_threads_max) {
		if ((l->crew == NULL && (l->crew = mf_crew_new(&e)) == NULL) ||
		    mf_crew_start(l->crew, "list", work, l, &e) != 0) {
			l->n_threads_max = l->n_threads;
			return;
		}
		l->n_threads++;
	}
}

/* ---- showing ---- */

/* Under the lock: the next piece, waited for. 0, 1, -1 as s3_ranges_next. */
static int
take(struct s3_ranges *l, struct s3_piece **out, struct mf_error *e)
{
	struct s3_range *r;

	for (;;) {
		r = l->first;
		if ((*out = r->first) != NULL) {
			if ((r->first = (*out)->next) == NULL)
				r->last = &r->first;
			r->bytes -= (*out)->bytes;
			l->bytes -= (*out)->bytes;
			return 0;
		}
		if (r->failed) {
			*e = r->why;
			return -1;
		}
		if (r->fetching) {
			pthread_cond_wait(&l->changed, &l->lock);
		} else if (!r->done) {
			r->fetching = true;
			fetch(l, r);
		} else if (r->next == NULL) {
			return 1;
		} else {
			l->first = r->next;
			l->n--;
			s3_range_free(r);
		}
	}
}

int
s3_ranges_next(struct s3_ranges *l, struct s3_piece **out, struct mf_error *e)
{
	size_t n = 0;
	int rc;

	pthread_mutex_lock(&l->lock);
	rc = take(l, out, e);
	if (rc == 0 && (!l->first->done || l->n > 1))
		n = l->n;
	pthread_cond_broadcast(&l->changed);
	pthread_mutex_unlock(&l->lock);
	start_threads(l, n);
	return rc;
}
