/* The memory of a directory. */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "src/base/buf.h"
#include "src/base/fs.h"
#include "src/base/hex.h"
#include "src/repo/seen_int.h"

#define OWN ".modelferry"
#define FILE_NAME "seen"
#define MAGIC "modelferry-seen "
#define FORMAT "1"
#define DIGITS 64
#define SUM "sum "
#define SUM_LINE_BYTES (sizeof(SUM) - 1 + DIGITS + 1)

void
mf_seen_fini(struct mf_seen *s)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		free(s->rows[i].key);
	free(s->rows);
	free(s->path);
	*s = (struct mf_seen){0};
}

static int
damaged(const struct mf_seen *s, const char *why, struct mf_error *e)
{
	mf_error_set(e, MF_EDAMAGED, "%s is damaged: %s", s->path, why);
	return mf_error_hint(e, "it keeps others from showing this directory an older repository; "
	    "remove it only if you trust what the repository shows now");
}

static struct mf_seen_row *
find(const struct mf_seen *s, bool is_pin, const char *id, const char *key)
{
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->rows[i].is_pin == is_pin && strcmp(s->rows[i].key, key) == 0 &&
		    (id == NULL || strcmp(s->rows[i].id, id) == 0))
			return &s->rows[i];
	return NULL;
}

/* Remember; of one key the higher. */
static int
put(struct mf_seen *s, bool is_pin, const char *id, const char *key, uint64_t sequence,
    struct mf_error *e)
{
	struct mf_seen_row *row = find(s, is_pin, id, key), *more;
	size_t want;

	s->changed = s->changed || row == NULL || row->sequence < sequence;
	if (row != NULL) {
		if (row->sequence < sequence)
			row->sequence = sequence;
		return 0;
	}
	if (s->n == s->capacity) {
		want = s->capacity ? s->capacity * 2 : 16;
		if ((more = reallocarray(s->rows, want, sizeof(*more))) == NULL)
			return mf_error_nomem(e, "what was seen");
		s->rows = more;
		s->capacity = want;
	}
	row = &s->rows[s->n];
	*row = (struct mf_seen_row){.sequence = sequence, .is_pin = is_pin, .key = strdup(key)};
	if (row->key == NULL)
		return mf_error_nomem(e, "what was seen");
	snprintf(row->id, sizeof(row->id), "%s", id);
	s->n++;
	return 0;
}

static bool
is_hex(const char *s, size_t n)
{
	return strlen(s) == n && strspn(s, "0123456789abcdef") == n;
}

static bool
is_key(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= MF_SEEN_KEY_MAX &&
	    strspn(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._+-/@") == n;
}

static bool
parse_number(const char *s, uint64_t *out)
{
	*out = 0;
	if (*s == '\0' || strlen(s) > 19)
		return false;
	for (; *s != '\0'; s++) {
		if (*s < '0' || *s > '9')
			return false;
		*out = *out * 10 + (uint64_t)(*s - '0');
	}
	return *out <= INT64_MAX;
}

/* "repository ID URLHASH" or "seen ID SEQUENCE KEY"; cuts the line up. */
static int
parse_line(struct mf_seen *s, char *line, struct mf_error *e)
{
	char *rest = line, *kind = strsep(&rest, " "), *id = strsep(&rest, " "), *number;
	uint64_t sequence = 0;
	bool is_pin = strcmp(kind, "repository") == 0;

	if (!is_pin && strcmp(kind, "seen") != 0)
		return damaged(s, "a line of an unknown kind", e);
	number = is_pin ? NULL : strsep(&rest, " ");
	if (id == NULL || rest == NULL || !is_hex(id, DIGITS) ||
	    (is_pin ? !is_hex(rest, DIGITS) : !is_key(rest) || !parse_number(number, &sequence)))
		return damaged(s, "a line of a shape that cannot be", e);
	if (s->n >= MF_SEEN_MAX_ROWS || find(s, is_pin, is_pin ? NULL : id, rest) != NULL)
		return damaged(s, "a line that is there twice, or too many", e);
	return put(s, is_pin, id, rest, sequence, e);
}

static void
sum_of(const void *bytes, size_t n, char out[DIGITS + 1])
{
	uint8_t sum[DIGITS / 2];

	crypto_generichash(sum, sizeof(sum), bytes, n, NULL, 0);
	mf_hex_encode(out, sum, sizeof(sum));
}

int
mf_seen_parse(struct mf_seen *s, char *text, size_t n, struct mf_error *e)
{
	char sum[DIGITS + 1], *line, *rest = text;

	if (memchr(text, '\0', n) != NULL || strncmp(text, MAGIC, sizeof(MAGIC) - 1) != 0)
		return damaged(s, "it does not begin as such a file does", e);
	line = text + sizeof(MAGIC) - 1;
	if (strncmp(line, FORMAT "\n", sizeof(FORMAT)) != 0) {
		mf_error_set(e, MF_EUNSUPPORTED, "%s is of a format that this modelferry does not know",
		    s->path);
		return mf_error_hint(e, "it is of a newer modelferry; use that one");
	}
	if (n <= SUM_LINE_BYTES || text[n - 1] != '\n')
		return damaged(s, "its end is missing", e);
	sum_of(text, n - SUM_LINE_BYTES, sum);
	text[n - 1] = '\0';
	line = text + n - SUM_LINE_BYTES;
	if (line[-1] != '\n' || strncmp(line, SUM, sizeof(SUM) - 1) != 0 ||
	    strcmp(line + sizeof(SUM) - 1, sum) != 0)
		return damaged(s, "its checksum is wrong", e);
	line[-1] = '\0';
	strsep(&rest, "\n"); /* the first line */
	while ((line = strsep(&rest, "\n")) != NULL)
		if (parse_line(s, line, e) != 0)
			return -1;
	return 0;
}

static int
read_fd(struct mf_seen *s, int fd, struct mf_error *e)
{
	struct stat st;
	char *text;
	int rc;

	if (fstat(fd, &st) != 0)
		return mf_error_sys(e, errno, "cannot look at %s", s->path);
	if (!S_ISREG(st.st_mode))
		return damaged(s, "it is no regular file", e);
	if (st.st_size > (off_t)MF_SEEN_MAX_BYTES)
		return damaged(s, "it is too long", e);
	if ((text = malloc((size_t)st.st_size + 1)) == NULL)
		return mf_error_nomem(e, "what was seen");
	rc = mf_fs_pread(fd, text, (size_t)st.st_size, 0, e);
	text[st.st_size] = '\0';
	if (rc == 1)
		rc = damaged(s, "it changed while it was read", e);
	if (rc == 0)
		rc = mf_seen_parse(s, text, (size_t)st.st_size, e);
	free(text);
	return rc;
}

/* The file below an open directory, never through a link; a FIFO does not hold us. */
static int
read_at(struct mf_seen *s, int dirfd, struct mf_error *e)
{
	int fd = mf_fs_open_beneath(dirfd, OWN "/" FILE_NAME, O_RDONLY | O_CLOEXEC | O_NONBLOCK, 0,
	    e), rc;

	if (fd < 0 && e->code == MF_ENOTFOUND) {
		mf_error_clear(e);
		return 0;
	}
	if (fd < 0)
		return mf_error_while(e, "reading %s", s->path);
	rc = read_fd(s, fd, e);
	close(fd);
	return rc;
}

int
mf_seen_load(struct mf_seen *s, const char *dir, struct mf_error *e)
{
	size_t bytes = strlen(dir) + sizeof("/" OWN "/" FILE_NAME);
	int fd, rc;

	*s = (struct mf_seen){.path = malloc(bytes)};
	if (s->path == NULL)
		return mf_error_nomem(e, "a path");
	snprintf(s->path, bytes, "%s/" OWN "/" FILE_NAME, dir);
	fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0 && (errno == ENOENT || errno == ENOTDIR))
		return 0; /* not there yet, or what the pull itself refuses */
	rc = fd < 0 ? mf_error_sys(e, errno, "cannot open %s", dir) : read_at(s, fd, e);
	if (fd >= 0)
		close(fd);
	if (rc != 0)
		mf_seen_fini(s);
	s->changed = false;
	return rc;
}

int
mf_seen_pin_repo(struct mf_seen *s, const char *url, const char *id, struct mf_error *e)
{
	const struct mf_seen_row *row;
	char hash[DIGITS + 1];

	if (url == NULL)
		return 0;
	sum_of(url, strlen(url), hash);
	row = find(s, true, NULL, hash);
	if (row == NULL)
		return put(s, true, id, hash, 0, e);
	if (strcmp(row->id, id) == 0)
		return 0;
	mf_error_set(e, MF_EKEY, "%s is another repository than before: its id is %s, not %s, says %s",
	    url, id, row->id, s->path);
	return mf_error_hint(e, "somebody replaced it, or made it again; where that was meant, remove "
	    "that file");
}

int
mf_seen_check(struct mf_seen *s, const char *id, const char *key, uint64_t sequence,
    const char *what, struct mf_error *e)
{
	const struct mf_seen_row *row = find(s, false, id, key);

	if (row == NULL || row->sequence <= sequence)
		return sequence == 0 || sequence > INT64_MAX || !is_key(key)
		    ? 0
		    : put(s, false, id, key, sequence, e);
	mf_error_set(e, MF_EKEY,
	    "%s has sequence %llu, but this directory has seen %llu: somebody put an older one back",
	    what, (unsigned long long)sequence, (unsigned long long)row->sequence);
	return mf_error_hint(e, "restore the store's newer objects; if the repository was restored "
	    "from a backup on purpose, remove %s", s->path);
}

static bool
is_version(const struct mf_seen_row *row)
{
	return !row->is_pin && strchr(row->key, '@') != NULL;
}

/* Every new version adds a row: the oldest go. */
static void
drop_old_versions(struct mf_seen *s)
{
	size_t i, n, oldest;

	for (;;) {
		for (i = n = 0, oldest = SIZE_MAX; i < s->n; i++) {
			if (!is_version(&s->rows[i]))
				continue;
			n++;
			if (oldest == SIZE_MAX || s->rows[i].sequence < s->rows[oldest].sequence)
				oldest = i;
		}
		if (n <= MF_SEEN_MAX_VERSIONS)
			return;
		free(s->rows[oldest].key);
		s->rows[oldest] = s->rows[--s->n];
	}
}

int
mf_seen_format(const struct mf_seen *s, struct mf_buf *b, struct mf_error *e)
{
	const struct mf_seen_row *row;
	char sum[DIGITS + 1];
	size_t i;

	mf_buf_printf(b, MAGIC FORMAT "\n");
	for (i = 0; i < s->n; i++) {
		row = &s->rows[i];
		if (row->is_pin)
			mf_buf_printf(b, "repository %s %s\n", row->id, row->key);
		else
			mf_buf_printf(b, "seen %s %llu %s\n", row->id,
			    (unsigned long long)row->sequence, row->key);
	}
	if (b->failed)
		return mf_error_nomem(e, "what was seen");
	sum_of(b->data, b->len, sum);
	mf_buf_printf(b, SUM "%s\n", sum);
	if (b->failed)
		return mf_error_nomem(e, "what was seen");
	if (s->n > MF_SEEN_MAX_ROWS || b->len > MF_SEEN_MAX_BYTES)
		return mf_error_set(e, MF_EUSAGE, "%s would be too long: too many models and refs were "
		    "pulled to this directory", s->path);
	return 0;
}

/* What stands there now, into s. */
static int
merge(struct mf_seen *s, int dirfd, struct mf_error *e)
{
	struct mf_seen now = {.path = strdup(s->path)};
	size_t i;
	int rc = now.path == NULL ? mf_error_nomem(e, "a path") : read_at(&now, dirfd, e);

	for (i = 0; rc == 0 && i < now.n; i++)
		if (!now.rows[i].is_pin || find(s, true, NULL, now.rows[i].key) == NULL)
			rc = put(s, now.rows[i].is_pin, now.rows[i].id, now.rows[i].key,
			    now.rows[i].sequence, e);
	mf_seen_fini(&now);
	return rc;
}

static int
write_own(const struct mf_seen *s, int dirfd, struct mf_error *e)
{
	struct mf_buf b = MF_BUF_INIT;
	int fd = -1, rc = -1;

	if (mkdirat(dirfd, OWN, 0755) != 0 && errno != EEXIST) {
		mf_error_sys(e, errno, "cannot write %s", s->path);
	} else {
		fd = mf_fs_open_beneath(dirfd, OWN, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
		if (fd >= 0 && mf_seen_format(s, &b, e) == 0)
			rc = mf_fs_replace(fd, FILE_NAME, b.data, b.len, 0644, e);
	}
	if (fd >= 0)
		close(fd);
	mf_buf_fini(&b);
	return rc;
}

static int
open_at(const struct mf_seen *s, int dirfd, const char *at, struct mf_error *e)
{
	int fd;

	if (strcmp(at, ".") != 0)
		return mf_fs_open_beneath(dirfd, at, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0, e);
	fd = fcntl(dirfd, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : mf_error_sys(e, errno, "cannot write %s", s->path);
}

int
mf_seen_write(const struct mf_seen *s, int dirfd, const char *at, struct mf_error *e)
{
	int fd = open_at(s, dirfd, at, e), rc = -1;

	if (fd >= 0) {
		rc = write_own(s, fd, e);
		close(fd);
	}
	return rc == 0 ? 0 : mf_error_while(e, "remembering in %s what was seen", s->path);
}

int
mf_seen_save(struct mf_seen *s, int dirfd, const char *at, struct mf_error *e)
{
	int fd, rc;

	if (!s->changed)
		return 0;
	if ((fd = open_at(s, dirfd, at, e)) < 0)
		return -1;
	rc = merge(s, fd, e);
	close(fd);
	if (rc != 0)
		return -1;
	drop_old_versions(s);
	s->changed = false;
	return mf_seen_write(s, dirfd, at, e);
}
