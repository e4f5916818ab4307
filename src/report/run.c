#include "src/report/run.h"

#include <stdio.h>
#include <string.h>

#include "src/base/units.h"

/* modelferry(1), EXIT STATUS */
static const struct {
	int status;
	const char *text;
} meanings[] = {
    {0, "done"},
    {1, "unexpected failure"},
    {2, "wrong use, or a bad configuration file"},
    {3, "no such repository, model, version or ref"},
    {4, "damaged data"},
    {5, "key, signature or permission refused"},
    {6, "transfer failed after all retries, or no space is left"},
    {7, "somebody else holds it, or was faster"},
    {8, "rolled back, everything verified"},
    {9, "the rollback itself failed, a person is needed"},
    {10, "differences were found"},
    {11, "interrupted, or out of memory; resumable"},
    {12, "the source changed or could not be read completely"},
    {141, "nobody read the results to their end"},
};

const char *
mf_report_status_text(int status)
{
	size_t i;

	for (i = 0; i < sizeof meanings / sizeof meanings[0]; i++)
		if (meanings[i].status == status)
			return meanings[i].text;
	return "unknown";
}

bool
mf_report_run_id_is_good(const char *id)
{
	const size_t n = strlen(id);

	return n >= 1 && n <= MF_REPORT_RUN_ID_MAX &&
	       strspn(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

void
mf_report_make_uuid(uint8_t random[16], char out[MF_REPORT_UUID_BYTES])
{
	static const char digits[] = "0123456789abcdef";
	size_t i, at = 0;

	random[6] = (uint8_t)((random[6] & 0x0f) | 0x40);
	random[8] = (uint8_t)((random[8] & 0x3f) | 0x80);
	for (i = 0; i < 16; i++) {
		if (i == 4 || i == 6 || i == 8 || i == 10)
			out[at++] = '-';
		out[at++] = digits[random[i] >> 4];
		out[at++] = digits[random[i] & 15];
	}
	out[at] = '\0';
}

bool
mf_report_is_uuid(const char *id)
{
	size_t i;

	for (i = 0; i < MF_REPORT_UUID_BYTES - 1; i++)
		if (i == 8 || i == 13 || i == 18 || i == 23) {
			if (id[i] != '-')
				return false;
		} else if (id[i] == '\0' || strchr("0123456789abcdefABCDEF", id[i]) == NULL) {
			return false;
		}
	return id[i] == '\0';
}

void
mf_report_put_subject(struct mf_buf *b, const struct mf_report_run *run)
{
	mf_buf_printf(b, "%s", run->command);
	if (run->model != NULL)
		mf_buf_printf(b, " %s", run->model);
	if (run->model != NULL && run->version != NULL)
		mf_buf_printf(b, "@%s", run->version);
}

void
mf_report_put_summary(struct mf_buf *b, const struct mf_report_run *run)
{
	char took[MF_UNIT_TEXT_BYTES];

	mf_report_put_subject(b, run);
	mf_buf_printf(b, " on %s %s after %s", run->host,
	    run->error == NULL ? "succeeded" : "failed",
	    mf_format_duration(run->duration_us, took));
	if (run->error != NULL)
		mf_buf_printf(b, ": %s (status %d)", mf_report_status_text(run->exit_status),
		    run->exit_status);
}
