#include "tests/unit/repo/pull_fixture.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#include "src/base/fs.h"

const char *
local_path(const struct fixture *f, const char *below, char path[512])
{
	snprintf(path, 512, "%s-local/%s", f->dir, below);
	return path;
}

int
local_teardown(void **state)
{
	char path[512];
	struct mf_error e = {0};

	local_path(*state, "", path);
	path[strlen(path) - 1] = '\0';
	fixture_expect_ok(mf_fs_remove_tree(AT_FDCWD, path, &e), &e, "remove the local directory");
	return fixture_teardown(state);
}

int
try_pull(struct fixture *f, const char *version, const struct mf_pull_params *more,
    struct mf_pull_result *out, struct mf_error *e)
{
	struct mf_pull_params p = more != NULL ? *more : (struct mf_pull_params){.link = "current"};
	char spec[200], dir[512];

	snprintf(spec, sizeof(spec), FIXTURE_MODEL "@%s", version);
	snprintf(dir, sizeof(dir), "%s-local", f->dir);
	p.spec = spec;
	if (p.dir == NULL)
		p.dir = dir;
	p.now_us = fixture_now_us();
	if (p.keep_local == 0)
		p.keep_local = 99;
	return mf_pull(f->repo, &p, out, e);
}

struct mf_pull_result
pull_ok(struct fixture *f, const char *version, const struct mf_pull_params *more)
{
	struct mf_pull_result out;
	struct mf_error e = {0};

	fixture_expect_ok(try_pull(f, version, more, &out, &e), &e, "pull");
	return out;
}

void
local_read(const char *dir, const char *name, struct mf_buf *out)
{
	char path[800];
	struct mf_error e = {0};

	mf_buf_clear(out);
	snprintf(path, sizeof(path), "%s/%s", dir, name);
	fixture_expect_ok(mf_fs_read_file(AT_FDCWD, path, 64 * MIB, out, &e), &e, path);
}

void
expect_shown(struct fixture *f, const char *const *names, size_t n)
{
	struct mf_buf is = MF_BUF_INIT, should = MF_BUF_INIT;
	char dir[512];
	size_t i, there = 0;
	struct dirent *x;
	DIR *d;

	local_path(f, "current", dir);
	for (i = 0; i < n; i++) {
		local_read(dir, names[i], &is);
		local_read(f->dir, names[i], &should);
		assert_int_equal(is.len, should.len);
		assert_memory_equal(is.data, should.data, is.len);
	}
	d = opendir(dir);
	assert_non_null(d);
	while ((x = readdir(d)) != NULL)
		there += x->d_name[0] != '.';
	closedir(d);
	assert_int_equal(there, n);
	mf_buf_fini(&is);
	mf_buf_fini(&should);
}

size_t
count_names(const char *dir)
{
	struct dirent *x;
	DIR *d = opendir(dir);
	size_t n = 0;

	assert_non_null(d);
	while ((x = readdir(d)) != NULL)
		n += strcmp(x->d_name, ".") != 0 && strcmp(x->d_name, "..") != 0;
	closedir(d);
	return n;
}
