/* Bringing a version to a plain mirror, and what the pointer there names. */
#include "src/migrate/migrate_int.h"

#include <stdio.h>
#include <string.h>

#include "src/sync/plain.h"

#define URL_BYTES 4096u
#define VERSION_WORD "{version}"
#define MEMORY_BYTES ((size_t)256 << 20) /* where nobody says */
#define TRANSFERS 4u

/* The part of the URL before the version, and the prefix in it. */
struct place {
	struct mf_tree *tree;
	char base[URL_BYTES], prefix[URL_BYTES];
};

static int
split(struct place *p, const char *url, const char *version, struct mf_error *e)
{
	const char *at = strstr(url, VERSION_WORD);
	const char *rest = at == NULL ? "" : at + strlen(VERSION_WORD);
	size_t n;

	rest += strspn(rest, "/");
	if (at == NULL || (size_t)(at - url) >= sizeof p->base ||
	    snprintf(p->prefix, sizeof p->prefix, "%s%s%s", version, *rest == '\0' ? "" : "/",
		rest) >= (int)sizeof p->prefix)
		return mf_error_set(e, MF_EUSAGE, "%s is no URL of a mirror", url);
	n = strlen(p->prefix);
	while (n > 0 && p->prefix[n - 1] == '/')
		p->prefix[--n] = '\0';
	n = (size_t)(at - url);
	while (n > 0 && url[n - 1] == '/')
		n--;
	memcpy(p->base, url, n);
	p->base[n] = '\0';
	return 0;
}

static int
open_place(struct mf_migrating *x, const struct mf_site_plan *site, const char *version, bool write,
    struct place *p, struct mf_error *e)
{
	p->tree = NULL;
	if (split(p, site->mirror, version, e) != 0)
		return -1;
	if (x->p->open_tree == NULL)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "%s: no mirror can be opened", site->mirror);
	return x->p->open_tree(x->p->open_tree_arg, p->base, write, &p->tree, e);
}

static int
open_files(struct mf_migrating *x, const char *model, const char *version, struct mf_files **out,
    struct mf_error *e)
{
	const struct mf_demands d = {.trust = x->p->trust, .now_us = x->p->unix_us()};
	char spec[MF_VERSION_SPEC_BYTES];
	size_t memory = x->p->memory_bytes == 0 ? MEMORY_BYTES : x->p->memory_bytes;

	if (mf_migrating_spec(spec, model, version, e) != 0)
		return -1;
	return mf_files_open(x->p->repo, spec, &d, memory / 4, out, e);
}

static struct mf_plain_params
params(struct mf_migrating *x, const struct place *p, struct mf_files *files)
{
	return (struct mf_plain_params){
	    .tree = p->tree,
	    .prefix = p->prefix,
	    .files = files,
	    .transfers = x->p->transfers == 0 ? TRANSFERS : x->p->transfers,
	    .now_us = x->p->unix_us(),
	    .interrupted = x->leaving ? NULL : x->p->stopped,
	    .progress = x->p->progress,
	};
}

int
mf_migrating_read_pointer(struct mf_migrating *x, const struct mf_site_plan *site,
    char out[MF_VERSION_BYTES], struct mf_error *e)
{
	struct place p;
	int rc;

	out[0] = '\0';
	if (open_place(x, site, "", false, &p, e) != 0)
		return -1;
	rc = mf_plain_pointed(p.tree, out, e);
	mf_tree_close(p.tree);
	return rc < 0 ? -1 : 0;
}

int
mf_migrating_point_back(struct mf_migrating *x, const struct mf_site_plan *site,
    const char *version, struct mf_error *e)
{
	struct place p;
	int rc;

	if (open_place(x, site, version, true, &p, e) != 0)
		return -1;
	rc = mf_plain_point(p.tree, version, x->p->unix_us(), e);
	mf_tree_close(p.tree);
	return rc;
}

/* The pointer last: whoever follows it finds a whole version. 0; 1: it named it already; -1. */
static int
point(struct mf_migrating *x, struct place *p, const char *version, struct mf_error *e)
{
	char now[MF_VERSION_BYTES];

	if (mf_plain_pointed(p->tree, now, e) < 0)
		return -1;
	if (strcmp(now, version) == 0)
		return 1;
	return mf_plain_point(p->tree, version, x->p->unix_us(), e);
}

int
mf_migrating_mirror(struct mf_migrating *x, const struct mf_bringing *b, struct mf_error *e)
{
	struct mf_plain_params params_of;
	struct mf_plain_result result;
	struct mf_files *files = NULL;
	struct place p;
	int rc = -1;

	if (open_place(x, b->site, b->version, true, &p, e) == 0 &&
	    open_files(x, b->model, b->version, &files, e) == 0) {
		params_of = params(x, &p, files);
		rc = mf_plain_write(&params_of, &result, e);
	}
	if (rc == 0)
		rc = point(x, &p, b->version, e);
	mf_files_close(files);
	mf_tree_close(p.tree);
	return rc;
}

static void
put_found(char *out, size_t size, const struct place *p, enum mf_plain found, const char *now)
{
	static const char *const words[] = {
	    [MF_PLAIN_NOT] = "nothing lies there yet",
	    [MF_PLAIN_PARTLY] = "a part is there, and is gone on with",
	    [MF_PLAIN_WHOLE] = "it is there already, whole",
	};

	(void)snprintf(out, size, "%.500s/%.200s: %s; the pointer names %.160s", p->base, p->prefix,
	    words[found], now[0] == '\0' ? "nothing" : now);
}

/* May the version be written there? Of one that is still to be pushed nothing can be there. */
int
mf_migrating_look_at_mirror(
    struct mf_migrating *x, char *text, size_t text_bytes, struct mf_error *e)
{
	enum mf_plain found = MF_PLAIN_NOT;
	struct mf_plain_params params_of;
	struct mf_files *files = NULL;
	struct mf_version v = {0};
	struct place p;
	int rc = mf_version_find(x->p->repo, x->m->model, x->version, &v, e);

	mf_version_fini(&v);
	if (rc < 0 || open_place(x, &x->m->destination, x->version, false, &p, e) != 0)
		return -1;
	if (rc == 0)
		rc = open_files(x, x->m->model, x->version, &files, e);
	else
		rc = 0;
	if (rc == 0) {
		params_of = params(x, &p, files);
		rc = mf_plain_look(&params_of, &found, e);
	}
	put_found(text, text_bytes, &p, found, x->shown);
	x->present = found == MF_PLAIN_WHOLE;
	mf_files_close(files);
	mf_tree_close(p.tree);
	return rc;
}
