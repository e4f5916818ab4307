#include "src/migrate/local_lease.h"

#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "src/base/crc32c.h"
#include "src/state/journal.h"
#include "src/traffic/router.h"

#define NAME_BYTES 64u /* of what it is of, in the file's name: for people */
#define PATH_BYTES 4096u
#define UNIX "unix:"

int
mf_local_leases_dir(const struct mf_journal *journal, char out[PATH_BYTES], struct mf_error *e)
{
	const char *dir = mf_journal_dir(journal);

	if (snprintf(out, PATH_BYTES, "%s/leases", dir) < (int)PATH_BYTES)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "--state-dir %s: the path is too long", dir);
}

/* The file's name: something to read of the object, and a sum of all of it and of the socket. Two
 * that share a sum by chance keep each other away without need. */
static int
put_path(const char *dir, const char *socket, const char *object, char out[PATH_BYTES],
    struct mf_error *e)
{
	uint32_t sum = mf_crc32c(0, socket, strlen(socket) + 1);
	char name[NAME_BYTES + 1];
	size_t i;

	sum = mf_crc32c(sum, object, strlen(object));
	for (i = 0; i < NAME_BYTES && object[i] != '\0'; i++)
		name[i] = strchr("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_",
			      object[i]) != NULL
			      ? object[i]
			      : '_';
	name[i] = '\0';
	if (snprintf(out, PATH_BYTES, "%s/%s-%08x", dir, name, (unsigned)sum) < (int)PATH_BYTES)
		return 0;
	return mf_error_set(e, MF_EUSAGE, "%s: the path is too long", dir);
}

struct socket {
	char name[PATH_BYTES];
};

/* One socket has one name, whatever links its path goes through. */
static void
name_socket(const char *socket, char out[PATH_BYTES])
{
	char real[PATH_MAX];

	if (strncmp(socket, UNIX, strlen(UNIX)) == 0 &&
	    realpath(socket + strlen(UNIX), real) != NULL)
		(void)snprintf(out, PATH_BYTES, UNIX "%.4000s", real);
	else
		(void)snprintf(out, PATH_BYTES, "%.4000s", socket);
}

static int
by_name(const void *a, const void *b)
{
	return strcmp(((const struct socket *)a)->name, ((const struct socket *)b)->name);
}

/* Sorted, each once; one without a name for what has no socket. The caller's to free. */
static struct socket *
sockets_of(const struct mf_router_plan *router, size_t *n, struct mf_error *e)
{
	const size_t given = router->type == MF_ROUTER_HAPROXY ? router->n_sockets : 0;
	struct socket *list = calloc(given + 1, sizeof *list);
	size_t i;

	*n = 0;
	if (list == NULL) {
		(void)mf_error_nomem(e, "the sockets");
		return NULL;
	}
	for (i = 0; i < given; i++)
		name_socket(router->sockets[i], list[i].name);
	qsort(list, given, sizeof *list, by_name);
	for (i = 0; i < given; i++)
		if (*n == 0 || strcmp(list[*n - 1].name, list[i].name) != 0)
			list[(*n)++] = list[i];
	if (*n == 0)
		*n = 1;
	return list;
}

int
mf_local_leases_each(const struct mf_router_plan *router, const char *dir,
    int (*each)(void *arg, const char *path, const char *object, struct mf_error *e), void *arg,
    struct mf_error *e)
{
	struct mf_router_objects objects;
	struct socket *sockets;
	char path[PATH_BYTES];
	size_t n, i, k;
	int rc = 0;

	if (mf_router_objects_of(router, &objects, e) != 0 ||
	    (sockets = sockets_of(router, &n, e)) == NULL)
		return -1;
	if (objects.n * n > MF_LOCAL_LEASES_MAX)
		rc = mf_error_set(e, MF_EUSAGE,
		    "%zu backends at %zu proxies: the most is %u of them together", objects.n, n,
		    MF_LOCAL_LEASES_MAX);
	for (i = 0; rc == 0 && i < objects.n; i++)
		for (k = 0; rc == 0 && k < n; k++) {
			rc = put_path(dir, sockets[k].name, objects.names[i], path, e);
			if (rc == 0)
				rc = each(arg, path, objects.names[i], e);
		}
	free(sockets);
	return rc;
}
