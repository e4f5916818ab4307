/* What the files of the mlflow hook share: requests to the registry. */
#ifndef MF_TRAFFIC_MLFLOW_INT_H
#define MF_TRAFFIC_MLFLOW_INT_H

#include <jansson.h>

#include "src/traffic/mlflow.h"

#define MF_MLFLOW_NUMBER_BYTES 24u /* a version's number, as text */

/* One run of the hook. A request that fails fills why and status, and everything after it returns
 * -1 at once. */
struct mf_mlflow_run {
	struct mf_dialer *dialer;
	const struct mf_hook_call *call;
	struct mf_hook_answer *out;
	struct mf_dial_answer answer;
	const char *model;
	char number[MF_MLFLOW_NUMBER_BYTES]; /* of the version that was carried */
	json_t *registered;                  /* GET registered-models/get */
	json_t *version;                     /* GET model-versions/get */
};

const char *mf_mlflow_setting(const struct mf_hook *hook, const char *name); /* NULL: not given */

/* Say why it failed. Returns -1. */
int mf_mlflow_fail(struct mf_mlflow_run *run, const char *fmt, ...)
    __attribute__((format(printf, 2, 3)));

/* Read the model, find the version, and read it. 0 or -1. */
int mf_mlflow_look(struct mf_mlflow_run *run);

/* Views of what was read; NULL where it is not there. */
const char *mf_mlflow_alias_now(const struct mf_mlflow_run *run, const char *alias);
const char *mf_mlflow_in_stage_now(const struct mf_mlflow_run *run, const char *stage);
const char *mf_mlflow_tag_now(const struct mf_mlflow_run *run, const char *key);
const char *mf_mlflow_stage_now(const struct mf_mlflow_run *run); /* of the version; "None" */

int mf_mlflow_set_alias(struct mf_mlflow_run *run, const char *alias, const char *number);
int mf_mlflow_delete_alias(struct mf_mlflow_run *run, const char *alias);
int mf_mlflow_set_stage(
    struct mf_mlflow_run *run, const char *number, const char *stage, bool archive);
int mf_mlflow_set_tag(struct mf_mlflow_run *run, const char *key, const char *value);
int mf_mlflow_delete_tag(struct mf_mlflow_run *run, const char *key);

#endif
