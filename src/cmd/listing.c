/* ls and diff: the entries of versions. */
#include <string.h>

#include "src/base/hex.h"
#include "src/base/units.h"
#include "src/cmd/output.h"
#include "src/cmd/repo.h"

static const char *const type_names[] = {"?", "file", "directory", "symlink", "hardlink"};
static const char type_letters[] = "?-dlh";

/* Characters of rwxrwxrwx and the set-id and sticky bits, as ls(1) writes them. */
static void
format_mode(const struct mf_entry *x, char out[11])
{
	static const char bits[] = "rwxrwxrwx";
	unsigned i;

	out[0] = x->type <= MF_ENTRY_HARDLINK ? type_letters[x->type] : '?';
	for (i = 0; i < 9; i++)
		out[i + 1] = (x->mode >> (8 - i) & 1) != 0 ? bits[i] : '-';
	out[10] = '\0';
	if ((x->mode & 04000) != 0)
		out[3] = out[3] == 'x' ? 's' : 'S';
	if ((x->mode & 02000) != 0)
		out[6] = out[6] == 'x' ? 's' : 'S';
	if ((x->mode & 01000) != 0)
		out[9] = out[9] == 'x' ? 't' : 'T';
}

static void
put_entry(FILE *out, const struct mf_entry *x)
{
	char mode[11], when[MF_TIME_TEXT_BYTES];

	format_mode(x, mode);
	fprintf(out, "%s %14llu %.19s ", mode, (unsigned long long)x->size,
	    mf_format_time(x->mtime_ns / 1000, when));
	mf_output_name(out, x->path);
	if (x->target != NULL && x->target[0] != '\0') {
		fprintf(out, x->type == MF_ENTRY_SYMLINK ? " -> " : " = ");
		mf_output_name(out, x->target);
	}
	fprintf(out, "\n");
}

static json_t *
entry_json(const struct mf_entry *x)
{
	char mode[8], sum[33];
	json_t *o = json_object();

	snprintf(mode, sizeof mode, "%04o", x->mode & 07777);
	mf_hex_encode(sum, x->checksum, 16);
	if (o == NULL || mf_output_set_name(o, "path", x->path) != 0 ||
	    json_object_set_new(o, "type",
		json_string(type_names[x->type <= MF_ENTRY_HARDLINK ? x->type : 0])) != 0 ||
	    json_object_set_new(o, "mode", json_string(mode)) != 0 ||
	    json_object_set_new(o, "size", json_integer((json_int_t)x->size)) != 0 ||
	    mf_output_set_time(o, "mtime", x->mtime_ns / 1000) != 0)
		goto fail;
	if (x->type == MF_ENTRY_FILE && json_object_set_new(o, "xxh3", json_string(sum)) != 0)
		goto fail;
	if (x->target != NULL && x->target[0] != '\0' &&
	    mf_output_set_name(o, "target", x->target) != 0)
		goto fail;
	return o;
fail:
	json_decref(o);
	return NULL;
}

static int
put_listing(struct mf_cmd *c, const struct mf_listing *l, struct mf_error *e)
{
	json_t *array;
	size_t i;

	for (i = 0; !c->json && i < l->n_entries && !ferror(c->out); i++)
		put_entry(c->out, &l->entries[i]);
	if (!c->json)
		return 0;
	array = json_array();
	for (i = 0; array != NULL && i < l->n_entries; i++)
		if (json_array_append_new(array, entry_json(&l->entries[i])) != 0) {
			json_decref(array);
			array = NULL;
		}
	return mf_output_json(c->out, array, e);
}

static int
read_spec(struct mf_repo *repo, const char *spec, struct mf_version *v, struct mf_listing *l,
    struct mf_error *e)
{
	if (mf_version_resolve(repo, spec, v, e) != 0)
		return -1;
	return mf_version_read(repo, v, l, e);
}

int
mf_cmd_ls(struct mf_cmd *c, struct mf_error *e)
{
	struct mf_cmd_repo r = {0};
	struct mf_version v = {0};
	struct mf_listing l = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = read_spec(r.repo, mf_options_arg(c->options, 0), &v, &l, e);
	if (rc == 0)
		rc = put_listing(c, &l, e);
	mf_listing_fini(&l);
	mf_version_fini(&v);
	mf_cmd_close_repo(&r);
	return rc;
}

struct diff {
	struct mf_cmd *c;
	json_t *added, *removed, *changed;
	uint64_t n;
	bool failed;
};

static void
note(struct diff *d, char sign, json_t *array, const struct mf_entry *x)
{
	d->n++;
	if (array != NULL) {
		d->failed = json_array_append_new(array, entry_json(x)) != 0 || d->failed;
		return;
	}
	fprintf(d->c->out, "%c ", sign);
	mf_output_name(d->c->out, x->path);
	fprintf(d->c->out, "\n");
}

static bool
same_text(const char *a, const char *b)
{
	return strcmp(a != NULL ? a : "", b != NULL ? b : "") == 0;
}

/* Times do not count: a version that was copied is no other. */
static bool
same_entry(const struct mf_entry *a, const struct mf_entry *b)
{
	return a->type == b->type && a->mode == b->mode && a->size == b->size &&
	    memcmp(a->checksum, b->checksum, MF_CHECKSUM_BYTES) == 0 &&
	    same_text(a->target, b->target);
}

static void
compare(struct diff *d, const struct mf_listing *a, const struct mf_listing *b)
{
	size_t i = 0, k = 0;
	int order;

	while (i < a->n_entries || k < b->n_entries) {
		order = i == a->n_entries ? 1
		    : k == b->n_entries	  ? -1
					  : mf_path_compare(a->entries[i].path, b->entries[k].path);
		if (order < 0)
			note(d, '-', d->removed, &a->entries[i++]);
		else if (order > 0)
			note(d, '+', d->added, &b->entries[k++]);
		else if (!same_entry(&a->entries[i++], &b->entries[k++]))
			note(d, 'M', d->changed, &b->entries[k - 1]);
	}
}

static int
print_diff(struct diff *d, const struct mf_listing *a, const struct mf_listing *b,
    struct mf_error *e)
{
	json_t *o;

	if (!d->c->json) {
		compare(d, a, b);
		return 0;
	}
	d->added = json_array();
	d->removed = json_array();
	d->changed = json_array();
	if (d->added != NULL && d->removed != NULL && d->changed != NULL)
		compare(d, a, b);
	o = json_pack("{s:b, s:o, s:o, s:o}", "equal", d->n == 0, "added", d->added, "removed",
	    d->removed, "changed", d->changed);
	if (d->failed) {
		json_decref(o);
		o = NULL;
	}
	return mf_output_json(d->c->out, o, e);
}

int
mf_cmd_diff(struct mf_cmd *c, struct mf_error *e)
{
	struct diff d = {.c = c};
	struct mf_cmd_repo r = {0};
	struct mf_version va = {0}, vb = {0};
	struct mf_listing la = {0}, lb = {0};
	int rc = mf_cmd_open_repo(c, MF_CMD_READ, &r, e);

	if (rc == 0)
		rc = read_spec(r.repo, mf_options_arg(c->options, 0), &va, &la, e);
	if (rc == 0)
		rc = read_spec(r.repo, mf_options_arg(c->options, 1), &vb, &lb, e);
	if (rc == 0)
		rc = print_diff(&d, &la, &lb, e);
	if (rc == 0 && d.n > 0)
		rc = mf_error_set(e, MF_EDIFFERENT, "%llu entries differ", (unsigned long long)d.n);
	mf_listing_fini(&la);
	mf_listing_fini(&lb);
	mf_version_fini(&va);
	mf_version_fini(&vb);
	mf_cmd_close_repo(&r);
	return rc;
}
