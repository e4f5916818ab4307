/* Cutting a long range of a listing between the children of a directory: s3_list_ranges.h. */
#include "config.h"

#include <string.h>

#include "src/base/log.h"
#include "transfers/s3_list_ranges_int.h"

#define RANGE_PAGES 4 /* about how long a range is to be */
#define FIRST_CUT 2   /* pages before the first try */
#define CUT_AGAIN 16  /* pages of a range that was cut before it is cut again */
#define LEVELS_MAX 4  /* directories that are asked for children in one try */

/* Up to and with the last '/' within the first n bytes; 0: there is none. */
static size_t
dir_length(const char *key, size_t n)
{
	while (n > 0 && key[n - 1] != '/')
		n--;
	return n;
}

static size_t
common_length(const char *a, const char *b)
{
	size_t n = 0;

	while (a[n] != '\0' && a[n] == b[n])
		n++;
	return n;
}

/* How many children of the directory that is n bytes of the keys does the page get through? */
static size_t
count_children(const struct mf_s3_page *page, size_t n)
{
	size_t i, end, children = 0;

	for (i = 1; i < page->n_objects; i++) {
		end = common_length(page->objects[i - 1].key, page->objects[i].key);
		if (end < n)
			children = 0; /* it begins here */
		else if (memchr(page->objects[i].key + n, '/', end - n) == NULL)
			children++;
	}
	return children;
}

bool
s3_cut_plan(const struct s3_range *r, const struct mf_s3_page *page, struct s3_cut *cut)
{
	const char *last;
	size_t n;

	if (r->before[0] == '\0' || r->n_fetched < FIRST_CUT || r->n_fetched < r->next_cut ||
	    page->n_objects == 0)
		return false;
	last = page->objects[page->n_objects - 1].key;
	n = dir_length(last, common_length(r->before, last));
	if (n > 0 && strchr(last + n, '/') == NULL)
		n = dir_length(last, n - 1); /* its children are objects */
	if (n < r->least_dir || strchr(last + n, '/') == NULL)
		return false;
	memcpy(cut->dir, last, n);
	cut->dir[n] = '\0';
	memcpy(cut->after, last, strlen(last) + 1);
	cut->stride = count_children(page, n) * RANGE_PAGES;
	if (cut->stride == 0)
		cut->stride = 1; /* none is shorter than a page */
	return true;
}

/* Does it lie within the range, ahead of where the range is, and behind `least`? */
static bool
is_ahead(const struct s3_range *r, const struct s3_cut *cut, const char *child, const char *least)
{
	const size_t n = strlen(child);

	return n <= MF_S3_KEY_MAX && strncmp(child, cut->dir, strlen(cut->dir)) == 0 &&
	       strcmp(child, least) > 0 && (r->end[0] == '\0' || strcmp(child, r->end) < 0);
}

/* Cut r, and what is cut off, between these children. Returns into how many more ranges. */
static size_t
cut_at(struct s3_ranges *l, struct s3_range *r, const struct s3_cut *cut,
    const struct mf_s3_page *children)
{
	const char *least = cut->after;
	struct s3_range *behind;
	size_t i, n = 0, passed = 0;

	for (i = 0; i < children->n_prefixes && l->n < S3_RANGES_MAX; i++) {
		if (!is_ahead(r, cut, children->prefixes[i], least))
			continue;
		least = children->prefixes[i];
		if (++passed < cut->stride)
			continue;
		if ((behind = s3_range_new(&r->pages, least)) == NULL)
			break;
		behind->least_dir = r->least_dir;
		if (n > 0)
			r->next_cut = CUT_AGAIN; /* it is to be done before; the last one is not */
		/* of a single child there is nothing left to cut at this level */
		if (cut->stride == 1)
			r->least_dir = strlen(cut->dir) + 1;
		memcpy(behind->end, r->end, sizeof behind->end);
		memcpy(r->end, least, strlen(least) + 1);
		behind->next = r->next;
		r->next = behind;
		r = behind;
		passed = 0;
		l->n++;
		n++;
	}
	return n;
}

struct asking {
	struct s3_store *s;
	const struct s3_cut *cut;
	struct mf_s3_page *out;
};

static int
ask_once(void *arg, struct mf_error *e)
{
	const struct asking *a = arg;

	return s3_pages_children(a->s, a->cut->dir, a->cut->after, a->out, e);
}

void
s3_cut(struct s3_ranges *l, struct s3_range *r, struct s3_cut *cut)
{
	const size_t least = r->least_dir;
	struct mf_s3_page children;
	struct asking a = {.s = r->pages.s, .cut = cut, .out = &children};
	struct mf_error e = {0};
	size_t n = 0, levels;

	for (levels = 0; n == 0 && levels < LEVELS_MAX && strlen(cut->dir) >= least; levels++) {
		if (mf_retry_run(l->p.retry, cut->dir, ask_once, &a, &e) != 0) {
			mf_log(MF_LOG_DEBUG, "a listing is not cut: %s", e.message);
			break;
		}
		pthread_mutex_lock(&l->lock);
		n = cut_at(l, r, cut, &children);
		pthread_mutex_unlock(&l->lock);
		mf_s3_page_fini(&children);
		if (cut->dir[0] == '\0')
			break;
		/* too few: the next ones of the directory around, of which one took all that */
		cut->dir[dir_length(cut->dir, strlen(cut->dir) - 1)] = '\0';
		cut->stride = r->n_fetched < RANGE_PAGES ? 2 : 1;
	}
	r->next_cut = r->n_fetched + (n > 0 ? CUT_AGAIN : r->n_fetched);
}
