/*
 * What the directory store promises about power cuts, as a program to be recorded and as the
 * check of what a cut left:
 *
 *	exercise write REPOSITORY [careless]	put objects in the order of a push
 *	exercise check REPOSITORY		after a cut: every promise kept?
 *
 * Every object holds its own name over and over, as long as the name's last number says. The
 * order: chunks, a sync, a manifest that needs them (durable), a ref that needs the manifest
 * (durable, if absent). careless leaves the sync out, which a check must find.
 */
#include "config.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "transfers/open.h"

#define VERSIONS 4

/* The numbers of chunks on either side of what is synced one by one. */
static const int chunks_of[VERSIONS] = {3, 40, 1, 33};

static size_t
fill(char *bytes, size_t room, const char *name)
{
	size_t n = (size_t)atoi(strrchr(name, '-') + 1), i, len = strlen(name);

	if (n > room)
		abort();
	for (i = 0; i < n; i++)
		bytes[i] = name[i % len];
	return n;
}

static void
name_chunk(char name[64], int version, int chunk)
{
	snprintf(name, 64, "c/%02x/%d-%d-%d", chunk * 7 % 5, version, chunk, 100 + chunk * 37);
}

static int
put(struct mf_store *s, const char *name, unsigned flags)
{
	char bytes[8192];
	struct mf_error e;
	size_t n = fill(bytes, sizeof bytes, name);

	if (mf_store_put(s, name, bytes, n, flags, &e) == 0)
		return 0;
	fprintf(stderr, "%s: %s\n", name, e.message);
	return -1;
}

static int
write_version(struct mf_store *s, int version, bool careless)
{
	char name[64];
	int i;

	for (i = 0; i < chunks_of[version]; i++) {
		name_chunk(name, version, i);
		if (put(s, name, 0) != 0)
			return -1;
	}
	if (!careless && mf_store_sync(s, NULL) != 0)
		return -1;
	snprintf(name, sizeof name, "m/model/%d-%d", version, 2000);
	if (put(s, name, MF_STORE_DURABLE) != 0)
		return -1;
	snprintf(name, sizeof name, "r/model/ref/%d-%d", version, 300);
	if (put(s, name, MF_STORE_DURABLE | MF_STORE_IF_ABSENT) != 0)
		return -1;
	/* a chunk that nobody needs goes */
	snprintf(name, sizeof name, "c/00/%d-x-%d", version, 50);
	return put(s, name, 0) != 0 || mf_store_del(s, name, NULL) != 0 ||
	    mf_store_sync(s, NULL) != 0 ? -1 : 0;
}

static int
write_all(struct mf_store *s, bool careless)
{
	int version;

	for (version = 0; version < VERSIONS; version++)
		if (write_version(s, version, careless) != 0)
			return 1;
	return 0;
}

/* 0 whole, 1 absent, -1 anything else. */
static int
look(struct mf_store *s, const char *name)
{
	char expected[8192];
	struct mf_buf b = MF_BUF_INIT;
	struct mf_error e;
	size_t n = fill(expected, sizeof expected, name);
	int r = -1;

	if (mf_store_get(s, name, 0, sizeof expected, &b, &e) != 0)
		r = e.code == MF_ENOTFOUND ? 1 : -1;
	else if (b.len == n && memcmp(b.data, expected, n) == 0)
		r = 0;
	if (r < 0)
		printf("# %s is damaged: %zu bytes\n", name, b.len);
	mf_buf_fini(&b);
	return r;
}

static int
check_version(struct mf_store *s, int version, bool promised)
{
	char manifest[64], ref[64], chunk[64];
	int i, got_ref, got_manifest;

	snprintf(manifest, sizeof manifest, "m/model/%d-%d", version, 2000);
	snprintf(ref, sizeof ref, "r/model/ref/%d-%d", version, 300);
	got_manifest = look(s, manifest);
	got_ref = look(s, ref);
	if (got_manifest < 0 || got_ref < 0)
		return 1; /* a durable put is whole or not there */
	if (got_ref == 0 && got_manifest != 0)
		return printf("# a ref without its manifest\n"), 1;
	if (promised && got_ref != 0)
		return printf("# version %d was lost\n", version), 1;
	for (i = 0; got_manifest == 0 && i < chunks_of[version]; i++) {
		name_chunk(chunk, version, i);
		if (look(s, chunk) != 0)
			return printf("# version %d lacks %s\n", version, chunk), 1;
	}
	snprintf(chunk, sizeof chunk, "c/00/%d-x-%d", version, 50);
	if (promised && mf_store_head(s, chunk, NULL, NULL) != 1)
		return printf("# %s is back\n", chunk), 1;
	return 0;
}

static int
check_all(struct mf_store *s)
{
	const char *exited = getenv("MF_REPLAY_EXITED");
	bool promised = exited != NULL && strstr(exited, " write=0 ") != NULL;
	int version;

	for (version = 0; version < VERSIONS; version++)
		if (check_version(s, version, promised) != 0)
			return 1;
	return 0;
}

int
main(int argc, char **argv)
{
	struct mf_store_open_params params = {.write = true};
	struct mf_store *s;
	struct mf_error e;
	char path[4096];
	bool writes;
	int status;

	if (argc < 3)
		return 2;
	writes = strcmp(argv[1], "write") == 0;
	params.create = writes;
	snprintf(path, sizeof path, "%s%s%s", writes ? "" : getenv("MF_REPLAY_DIR"),
	    writes ? "" : "/", argv[2]);
	if (mf_store_open(path, &params, &s, &e) != 0) {
		if (!writes && e.code == MF_ENOTFOUND && getenv("MF_REPLAY_EXITED") != NULL &&
		    strcmp(getenv("MF_REPLAY_EXITED"), " ") == 0)
			return 0; /* not even the repository was there yet */
		printf("# %s\n", e.message);
		return 1;
	}
	status = writes ? write_all(s, argc > 3) : check_all(s);
	mf_store_close(s);
	return status;
}
