#include "config.h"

#include "transfers/s3_pages.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_BYTES_MAX ((uint64_t)32 << 20)
#define PAGE_KEYS "1000"     /* no store gives more at once */
#define EMPTY_PAGES_MAX 1000 /* in a row: a store may pass over deleted objects for long */

void
s3_pages_begin(struct s3_pages *p, struct s3_store *s, const char *name_prefix)
{
	*p = (struct s3_pages){.s = s};
	(void)s3_key(s, name_prefix, p->prefix);
}

int
s3_pages_begin_after(
    struct s3_pages *out, const struct s3_pages *of, const char *after, struct mf_error *e)
{
	*out = (struct s3_pages){.s = of->s};
	memcpy(out->prefix, of->prefix, sizeof out->prefix);
	memcpy(out->last_key, after, strlen(after) + 1);
	out->next = strdup(after);
	return out->next != NULL ? 0 : mf_error_nomem(e, "a listing");
}

void
s3_pages_fini(struct s3_pages *p)
{
	free(p->next);
	p->next = NULL;
}

static int
fetch_page(
    const struct s3_pages *p, bool v1, bool children, struct mf_s3_answer *a, struct mf_error *e)
{
	struct mf_s3_param query[6] = {{"max-keys", PAGE_KEYS}, {"prefix", p->prefix}};
	struct mf_s3_call call = {
	    .method = "GET",
	    .query = query,
	    .n_query = 2,
	    .doing = "listing",
	    .max_body_bytes = PAGE_BYTES_MAX,
	};

	if (!p->s->dialect->first_list)
		query[call.n_query++] = (struct mf_s3_param){"encoding-type", "url"};
	if (!v1)
		query[call.n_query++] = (struct mf_s3_param){"list-type", "2"};
	if (children)
		query[call.n_query++] = (struct mf_s3_param){"delimiter", "/"};
	if (p->next != NULL)
		query[call.n_query++] = (struct mf_s3_param){p->by_token ? "continuation-token"
							     : v1        ? "marker"
									 : "start-after",
		    p->next};
	return mf_s3_client_call(p->s->client, &call, a, e);
}

static int
get_page(const struct s3_pages *p, bool children, struct mf_s3_page *page, struct mf_error *e)
{
	struct mf_s3_answer a = MF_S3_ANSWER_INIT;
	bool v1 = atomic_load(&p->s->list_v1);
	int rc = fetch_page(p, v1, children, &a, e);

	if (rc != 0 && !v1 && a.refused && a.class == MF_S3_UNSUPPORTED && p->next == NULL) {
		if ((rc = fetch_page(p, true, children, &a, e)) == 0)
			atomic_store(&p->s->list_v1, true);
	}
	if (rc == 0 && mf_s3_xml_list(a.http.body.data, a.http.body.len, page, e) != 0)
		rc = mf_error_while(e, "listing %s", p->s->label);
	mf_s3_answer_fini(&a);
	return rc;
}

static int
check_keys(struct s3_pages *p, const struct mf_s3_page *page, struct mf_error *e)
{
	const size_t n = strlen(p->prefix);
	size_t i;

	for (i = 0; i < page->n_objects; i++) {
		if (strncmp(page->objects[i].key, p->prefix, n) != 0)
			return mf_error_set(e, MF_ETRANSFER,
			    "%s lists an object that was not asked for", p->s->label);
		if (strlen(page->objects[i].key) > MF_S3_KEY_MAX)
			return mf_error_set(
			    e, MF_ETRANSFER, "%s lists a key that is too long", p->s->label);
	}
	p->went_back = page->n_objects > 0 && p->last_key[0] != '\0' &&
		       strcmp(page->objects[0].key, p->last_key) <= 0;
	if (p->went_back)
		return mf_error_set(
		    e, MF_ETRANSFER, "the listing of %s goes back to where it was", p->s->label);
	return 0;
}

/* 0, and p->next is where to go on, or p->ended. */
static int
advance(struct s3_pages *p, const struct mf_s3_page *page, struct mf_error *e)
{
	const char *next = page->token != NULL ? page->token : page->marker;
	char *copy;

	p->empty_pages = page->n_objects > 0 ? 0 : p->empty_pages + 1;
	if (!page->truncated) {
		p->ended = true;
		return 0;
	}
	if (p->empty_pages > EMPTY_PAGES_MAX || (p->next != NULL && strcmp(next, p->next) == 0))
		return mf_error_set(
		    e, MF_ETRANSFER, "the listing of %s does not get on", p->s->label);
	if ((copy = strdup(next)) == NULL)
		return mf_error_nomem(e, "a listing");
	free(p->next);
	p->next = copy;
	p->by_token = page->token != NULL;
	if (!p->by_token)
		atomic_store(&p->s->list_v1, true);
	return 0;
}

int
s3_pages_next(struct s3_pages *p, struct mf_s3_page *out, struct mf_error *e)
{
	const char *last;

	if (p->ended)
		return 1;
	p->went_back = false;
	if (get_page(p, false, out, e) != 0)
		return -1;
	if (check_keys(p, out, e) != 0 || advance(p, out, e) != 0) {
		mf_s3_page_fini(out);
		return -1;
	}
	if (out->n_objects > 0) {
		last = out->objects[out->n_objects - 1].key;
		memcpy(p->last_key, last, strlen(last) + 1);
	}
	return 0;
}

int
s3_pages_children(struct s3_store *s, const char *dir, const char *after, struct mf_s3_page *out,
    struct mf_error *e)
{
	struct s3_pages p = {.s = s};
	int rc;

	memcpy(p.prefix, dir, strlen(dir) + 1);
	if ((p.next = strdup(after)) == NULL)
		return mf_error_nomem(e, "a listing");
	rc = get_page(&p, true, out, e);
	s3_pages_fini(&p);
	return rc;
}
