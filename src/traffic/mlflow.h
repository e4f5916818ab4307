/*
 * The hook type `mlflow`: what serves is also what MLflow's model registry says. After production
 * has moved (phase "Succeeded") the registry's alias or stage goes to the version that was carried,
 * and tags are set on it; when the run was rolled back (phase "Failed") all of that is undone
 * (https://mlflow.org/docs/latest/rest-api.html; MLflow 2.3 or later for aliases).
 *
 * The hook's url is the tracking server's. Its metadata:
 *   model       the registered model's name (needed)
 *   alias       the alias that moves, e.g. champion
 *   stage       the stage that moves, e.g. Production (registries without aliases)
 *   archive     "true": what was in the stage is archived; default "false"
 *   version     the registry's own number of the version; else the one is taken that has the tag
 *   versionTag  (modelferry.version) with the carried version's name
 *   tag.KEY     a tag to set; removed again by a rollback
 *
 * The way back is kept in the registry, not here: before alias or stage move, what they pointed at
 * is written as a tag of the new version (modelferry.previous.alias.NAME,
 * modelferry.previous.stage), so that a run that was killed, or one on another machine, can turn
 * back. What somebody else has moved since is left alone. Every call may be repeated.
 *
 * It changes no traffic: a failure is told, and blocks nothing.
 *
 * Threads: any.
 */
#ifndef MF_TRAFFIC_MLFLOW_H
#define MF_TRAFFIC_MLFLOW_H

#include "src/rollout/hook.h"
#include "src/traffic/dial.h"

#define MF_MLFLOW_PREVIOUS_ALIAS "modelferry.previous.alias."
#define MF_MLFLOW_PREVIOUS_STAGE "modelferry.previous.stage"
#define MF_MLFLOW_VERSION_TAG "modelferry.version"

/* MF_EUSAGE where the metadata are not as above. */
int mf_mlflow_check(const struct mf_hook *hook, struct mf_error *e);

/* Do it; call->version is the carried version's name. *out as of any hook: status 200 where all
 * is as it should be, else the status of the request that failed. Blocking. */
void mf_mlflow_call(
    struct mf_dialer *dialer, const struct mf_hook_call *call, struct mf_hook_answer *out);

#endif
