/* A lease in a local file. */
#include "config.h"

#include "src/repo/lease_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/crc32c.h"
#include "src/repo/lease_int.h"

#define SLOT_BYTES 2048
#define MAGIC "MFLEASE1"
#define MAGIC_BYTES 8
#define POLL_US UINT64_C(1000000) /* of those that wait for the lock */

static const uint8_t no_repo[MF_REPO_ID_BYTES];

/* l->name is the path. */
static int
open_file(struct mf_lease *l, struct mf_error *e)
{
	if (l->fd == -1)
		l->fd = open(l->name, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (l->fd != -1)
		return 0;
	mf_error_sys(e, errno, "cannot open %s", l->name);
	return mf_error_hint(e, "--lease file:PATH names a file that can be written");
}

static void
close_file(struct mf_lease *l)
{
	if (l->fd != -1)
		close(l->fd); /* and with it the lock */
	l->fd = -1;
}

/* 0; 1: somebody else has it. */
static int
lock_file(struct mf_lease *l, struct mf_error *e)
{
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(l->fd, F_OFD_SETLK, &lock) == 0)
		return 0;
	if (errno == EAGAIN || errno == EACCES)
		return 1;
	return mf_error_sys(e, errno, "cannot lock %s", l->name);
}

/* Is the file that is open still the one of that name? 0; 1: no. */
static int
is_replaced(struct mf_lease *l, struct mf_error *e)
{
	struct stat named, open;

	if (fstat(l->fd, &open) != 0)
		return mf_error_sys(e, errno, "cannot look at %s", l->name);
	if (lstat(l->name, &named) != 0)
		return errno == ENOENT ? 1 : mf_error_sys(e, errno, "cannot look at %s", l->name);
	return named.st_ino != open.st_ino || named.st_dev != open.st_dev;
}

/* 0: *x is what the slot says. 1: nothing that can be read. */
static int
decode_slot(const uint8_t *slot, struct mf_lease_record *x)
{
	struct mf_reader r = mf_reader_of(slot, SLOT_BYTES);
	struct mf_error ignored = {0};
	const uint8_t *magic = mf_reader_bytes(&r, MAGIC_BYTES), *bytes;
	uint32_t sum;
	size_t n;

	bytes = mf_reader_block(&r, SLOT_BYTES, &n);
	sum = mf_reader_u32(&r);
	if (r.failed || memcmp(magic, MAGIC, MAGIC_BYTES) != 0 || mf_crc32c(0, bytes, n) != sum)
		return 1;
	return mf_lease_decode(bytes, n, no_repo, x, &ignored) == 0 ? 0 : 1;
}

/* The slot with the highest token in *x and *slot; token 0: a new file. */
static int
read_file(struct mf_lease *l, struct mf_lease_record *x, int *slot, struct mf_error *e)
{
	uint8_t bytes[2 * SLOT_BYTES] = {0};
	struct mf_lease_record one;
	ssize_t n = pread(l->fd, bytes, sizeof bytes, 0);
	int i;

	*x = (struct mf_lease_record){0};
	*slot = 1;
	if (n < 0)
		return mf_error_sys(e, errno, "cannot read %s", l->name);
	for (i = 0; i < 2; i++) {
		if (decode_slot(bytes + (size_t)i * SLOT_BYTES, &one) != 0 ||
		    one.holder.token <= x->holder.token)
			continue;
		*x = one;
		*slot = i;
	}
	if (n == 0 || x->holder.token > 0)
		return 0;
	/* the first write of all may have been cut off */
	if (memcmp(bytes, MAGIC, (size_t)n < MAGIC_BYTES ? (size_t)n : MAGIC_BYTES) == 0 &&
	    n <= SLOT_BYTES)
		return 0;
	mf_error_set(e, MF_EDAMAGED, "%s is no lease file, or damaged", l->name);
	return mf_error_hint(e, "give --lease a file of its own; if it is one, and no run is under "
				"way, delete it");
}

/* Into the slot that is not the newest, so that a power cut leaves the one or the other. */
static int
write_file(struct mf_lease *l, const struct mf_lease_record *x, int slot, struct mf_error *e)
{
	struct mf_buf record = MF_BUF_INIT, b = MF_BUF_INIT;
	uint8_t bytes[SLOT_BYTES] = {0};
	int rc = 0;

	mf_lease_encode(x, no_repo, &record);
	mf_buf_put(&b, MAGIC, MAGIC_BYTES);
	mf_buf_put_block(&b, record.data, record.len);
	mf_buf_put_u32(&b, mf_crc32c(0, record.data, record.len));
	if (record.failed || b.failed)
		rc = mf_error_nomem(e, "a lease");
	else
		memcpy(bytes, b.data, b.len);
	mf_buf_fini(&record);
	mf_buf_fini(&b);
	if (rc == 0 && (pwrite(l->fd, bytes, sizeof bytes, (off_t)slot * SLOT_BYTES) !=
			       (ssize_t)sizeof bytes ||
			   fdatasync(l->fd) != 0))
		rc = mf_error_sys(e, errno, "cannot write %s", l->name);
	return rc;
}

static struct mf_lease_record
record_of(const struct mf_lease *l, uint64_t token, uint64_t duration_us)
{
	struct mf_lease_record x = {.kind = l->p.kind, .sequence = token};

	snprintf(x.name, sizeof x.name, "%s", l->name);
	snprintf(x.holder.name, sizeof x.holder.name, "%s", l->holder);
	memcpy(x.holder.instance, l->p.instance, sizeof x.holder.instance);
	x.holder.token = token;
	x.holder.duration_us = duration_us;
	x.holder.written_us = l->p.unix_us(l->p.arg);
	return x;
}

static int
take_locked(struct mf_lease *l, struct mf_lease_holder *before, struct mf_error *e)
{
	struct mf_lease_record x;
	int slot;

	if (read_file(l, &x, &slot, e) != 0)
		return -1;
	*before = x.holder;
	x = record_of(l, x.holder.token + 1, l->p.duration_us);
	if (write_file(l, &x, 1 - slot, e) != 0)
		return -1;
	l->token = l->sequence = x.holder.token;
	return 0;
}

static int
take(struct mf_lease *l, struct mf_lease_holder *other, uint64_t *wait_us, struct mf_error *e)
{
	uint64_t now_us = l->p.now_us(l->p.arg);
	struct mf_lease_record x = {0};
	int rc, slot;

	*wait_us = POLL_US;
	if (open_file(l, e) != 0)
		return -1;
	rc = lock_file(l, e);
	if (rc == 1 && read_file(l, &x, &slot, e) != 0)
		rc = -1;
	*other = x.holder;
	if (rc == 0)
		rc = is_replaced(l, e); /* it lay there no more when it was locked */
	if (rc == 0)
		rc = take_locked(l, other, e);
	if (rc == 0)
		l->deadline_us = now_us + l->p.duration_us;
	else
		close_file(l);
	return rc;
}

/* The kernel keeps the lock; but not whoever puts another file in its place. */
static int
renew(struct mf_lease *l, struct mf_error *e)
{
	uint64_t now_us = l->p.now_us(l->p.arg);
	int rc = is_replaced(l, e);

	if (rc == 1)
		close_file(l);
	if (rc == 0)
		l->deadline_us = now_us + l->p.duration_us;
	return rc;
}

static int
let_go(struct mf_lease *l, struct mf_error *e)
{
	struct mf_lease_record x;
	int slot, rc = read_file(l, &x, &slot, e);

	if (rc == 0) {
		x = record_of(l, x.holder.token + 1, 0);
		rc = write_file(l, &x, 1 - slot, e);
	}
	close_file(l); /* that is what counts */
	return rc;
}

int
mf_lease_file_look(
    const char *path, struct mf_lease_holder *out, bool *held, struct mf_error *e)
{
	struct mf_lease l = {.fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)};
	struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
	struct mf_lease_record x;
	int rc, slot;

	*out = (struct mf_lease_holder){.token = 0};
	*held = false;
	if (l.fd == -1)
		return errno == ENOENT ? 1 : mf_error_sys(e, errno, "cannot open %s", path);
	snprintf(l.name, sizeof l.name, "%s", path);
	rc = fcntl(l.fd, F_OFD_GETLK, &lock) == 0
		 ? read_file(&l, &x, &slot, e)
		 : mf_error_sys(e, errno, "cannot look at the lock of %s", path);
	if (rc == 0) {
		*out = x.holder;
		*held = lock.l_type != F_UNLCK;
	}
	close_file(&l);
	return rc;
}

static const struct mf_lease_ops ops = {take, renew, let_go, close_file};

int
mf_lease_new_file(const char *path, const struct mf_lease_params *params, struct mf_lease **out,
    struct mf_error *e)
{
	struct mf_lease_params p = *params;

	p.name = path;
	if ((*out = mf_lease_make(&p, e)) == NULL)
		return -1;
	(*out)->ops = &ops;
	if (params->label == NULL)
		snprintf((*out)->label, sizeof(*out)->label, "the lease %s", path);
	return 0;
}
