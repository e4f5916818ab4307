#include "src/base/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "src/base/text.h"

/* Exit statuses are modelferry(1)'s EXIT STATUS and are never renumbered. */
static const struct mf_error_row mf_error_table[MF_CODES] = {
    [MF_OK] = {"ok", 0, false, NULL},
    [MF_EFAIL] = {"failure", 1, false, NULL},
    /* as after the kernel's own way to say it, which is to kill us: nothing is lost, again */
    [MF_ENOMEM] = {"out-of-memory", 11, true,
        "give the process more memory, or a lower --memory and fewer threads"},
    [MF_EUSAGE] = {"usage", 2, false, NULL},
    [MF_EUNSUPPORTED] = {"unsupported", 2, false, NULL},
    [MF_ENOTFOUND] = {"not-found", 3, false, NULL},
    [MF_EDAMAGED] = {"damaged", 4, false,
        "run 'modelferry verify' to see what is affected, then push that version again"},
    [MF_EKEY] = {"key", 5, false,
        "check that the key file or passphrase belongs to this repository"},
    [MF_EPERM] = {"permission", 5, false, NULL},
    [MF_ETRANSFER] = {"transfer", 6, true,
        "check the network and the store, then run the same command again"},
    [MF_ENOSPC] = {"no-space", 6, true, "free some space or raise the quota, then run it again"},
    [MF_ECONFLICT] = {"conflict", 7, true,
        "somebody else is at work there; run it again when they are done"},
    [MF_EROLLEDBACK] = {"rolled-back", 8, false, NULL},
    [MF_EROLLBACKFAILED] = {"rollback-failed", 9, false,
        "a person is needed: 'modelferry status' shows where the run stands"},
    [MF_EDIFFERENT] = {"different", 10, false, NULL},
    [MF_EINTERRUPTED] = {"interrupted", 11, true, "run the same command again to resume"},
    [MF_ESOURCE] = {"source", 12, true,
        "run it again when nobody is writing to the source"},
    [MF_EEXIST] = {"exists", 2, false, NULL},
    [MF_ECLOSED] = {"closed", 141, false, NULL}, /* what a shell says of SIGPIPE */
};

const struct mf_error_row *
mf_error_row(enum mf_code code)
{
	if ((unsigned)code >= MF_CODES)
		code = MF_EFAIL;
	return &mf_error_table[code];
}

void
mf_error_clear(struct mf_error *e)
{
	if (e == NULL)
		return;
	e->code = MF_OK;
	e->sys_errno = 0;
	e->http_status = 0;
	e->message[0] = '\0';
	e->hint[0] = '\0';
	e->n_frames = 0;
}

/* The arguments may point into *e: everything is formatted before *e is touched. */
static void format_into(char *out, size_t out_bytes, const char *fmt, va_list ap)
    __attribute__((format(printf, 3, 0)));

static void
format_into(char *out, size_t out_bytes, const char *fmt, va_list ap)
{
	char raw[MF_ERROR_MESSAGE_BYTES];

	if (vsnprintf(raw, sizeof raw, fmt, ap) < 0)
		raw[0] = '\0';
	mf_text_escape(out, out_bytes, raw);
}

int
mf_error_set(struct mf_error *e, enum mf_code code, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES];
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	format_into(text, sizeof text, fmt, ap);
	va_end(ap);
	mf_error_clear(e);
	e->code = code;
	memcpy(e->message, text, sizeof text);
	return -1;
}

static enum mf_code
code_of_errno(int sys_errno)
{
	switch (sys_errno) {
	case ENOSPC:
	case EDQUOT:
		return MF_ENOSPC;
	case EACCES:
	case EPERM:
	case EROFS:
		return MF_EPERM;
	case ENOENT:
		return MF_ENOTFOUND;
	case ENOMEM:
		return MF_ENOMEM;
	case EEXIST:
		return MF_EEXIST;
	default:
		return MF_EFAIL;
	}
}

int
mf_error_sys(struct mf_error *e, int sys_errno, const char *fmt, ...)
{
	char text[MF_ERROR_MESSAGE_BYTES], why[96];
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	format_into(text, sizeof text, fmt, ap);
	va_end(ap);
	if (strerror_r(sys_errno, why, sizeof why) != 0)
		(void)snprintf(why, sizeof why, "error %d", sys_errno);
	mf_error_clear(e);
	e->code = code_of_errno(sys_errno);
	e->sys_errno = sys_errno;
	/* A very long message gives way to the reason. */
	(void)snprintf(e->message, sizeof e->message, "%.*s: %s",
	    (int)(sizeof e->message - sizeof why - 2), text, why);
	return -1;
}

int
mf_error_nomem(struct mf_error *e, const char *what)
{
	return mf_error_set(e, MF_ENOMEM, "out of memory for %s", what);
}

int
mf_error_hint(struct mf_error *e, const char *fmt, ...)
{
	char text[MF_ERROR_HINT_BYTES];
	va_list ap;

	if (e == NULL)
		return -1;
	va_start(ap, fmt);
	format_into(text, sizeof text, fmt, ap);
	va_end(ap);
	memcpy(e->hint, text, sizeof text);
	return -1;
}

int
mf_error_while(struct mf_error *e, const char *fmt, ...)
{
	va_list ap;

	if (e == NULL || e->n_frames >= MF_ERROR_FRAMES)
		return -1;
	va_start(ap, fmt);
	format_into(e->frames[e->n_frames], sizeof e->frames[0], fmt, ap);
	va_end(ap);
	e->n_frames++;
	return -1;
}

/* Append as much of the pieces as fits. */
static size_t
append(char *out, size_t out_bytes, size_t len, const char *lead, const char *text)
{
	int n;

	if (len + 1 >= out_bytes)
		return len;
	n = snprintf(out + len, out_bytes - len, "%s%s", lead, text);
	if (n < 0)
		return len;
	return (size_t)n < out_bytes - len ? len + (size_t)n : out_bytes - 1;
}

const char *
mf_error_text(const struct mf_error *e, char *out, size_t out_bytes)
{
	const char *hint = e->hint[0] != '\0' ? e->hint : mf_error_row(e->code)->hint;
	size_t len = 0;
	unsigned i;

	if (out_bytes == 0)
		return "";
	out[0] = '\0';
	len = append(out, out_bytes, len, "", e->message);
	for (i = 0; i < e->n_frames && i < MF_ERROR_FRAMES; i++)
		len = append(out, out_bytes, len, ", while ", e->frames[i]);
	if (hint != NULL)
		(void)append(out, out_bytes, len, "\nHINT: ", hint);
	return out;
}
