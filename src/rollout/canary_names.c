/* The words that the states of a canary have in status, reports and JSON. */
#include "src/rollout/canary.h"

#include <string.h>

static const char *const phases[MF_PHASES] = {
    [MF_PHASE_NEW] = "",
    [MF_PHASE_INITIALIZING] = "Initializing",
    [MF_PHASE_INITIALIZED] = "Initialized",
    [MF_PHASE_WAITING] = "Waiting",
    [MF_PHASE_PROGRESSING] = "Progressing",
    [MF_PHASE_WAITING_PROMOTION] = "WaitingPromotion",
    [MF_PHASE_PROMOTING] = "Promoting",
    [MF_PHASE_FINALISING] = "Finalising",
    [MF_PHASE_BAKING] = "Baking",
    [MF_PHASE_ROLLING_BACK] = "RollingBack",
    [MF_PHASE_SUCCEEDED] = "Succeeded",
    [MF_PHASE_FAILED] = "Failed",
};

static const char *const holds[MF_HOLDS] = {
    [MF_HOLD_NONE] = "",
    [MF_HOLD_PAUSED] = "paused",
    [MF_HOLD_GATE] = "gate",
    [MF_HOLD_NO_DATA] = "noData",
    [MF_HOLD_SETTLING] = "settling",
    [MF_HOLD_LOWERED] = "lowered",
    [MF_HOLD_SHARED_FAULT] = "sharedFault",
    [MF_HOLD_PRIMARY_DOWN] = "primaryDown",
    [MF_HOLD_NOT_READY] = "notReady",
    [MF_HOLD_CONFLICT] = "conflict",
    [MF_HOLD_ROUTER] = "router",
    [MF_HOLD_JOURNAL] = "journal",
    [MF_HOLD_REPOSITORY] = "repository",
};

static const char *const reasons[MF_REASONS] = {
    [MF_REASON_NONE] = "",
    [MF_REASON_THRESHOLD] = "threshold",
    [MF_REASON_HOOK] = "hook",
    [MF_REASON_ABORT_METRIC] = "abortMetric",
    [MF_REASON_CANARY_DEAD] = "canaryDead",
    [MF_REASON_PRIMARY_DEAD] = "primaryDead",
    [MF_REASON_BY_HAND] = "byHand",
    [MF_REASON_HOLD_TOO_LONG] = "holdTooLong",
    [MF_REASON_REVERTED] = "reverted",
    [MF_REASON_BAKE] = "bake",
    [MF_REASON_INTERRUPTED] = "interrupted",
    [MF_REASON_DAMAGED] = "dataDamaged",
};

static const char *const results[MF_RESULTS] = {
    [MF_RESULT_NONE] = "",
    [MF_RESULT_SUCCEEDED] = "succeeded",
    [MF_RESULT_ROLLED_BACK] = "rolledBack",
    [MF_RESULT_PERSON_NEEDED] = "personNeeded",
    [MF_RESULT_CONFLICT] = "conflict",
};

static const char *const checks[MF_CHECKS] = {
    [MF_CHECK_PASS] = "pass",
    [MF_CHECK_OUT] = "out",
    [MF_CHECK_NO_VALUE] = "novalue",
    [MF_CHECK_NAN] = "nan",
    [MF_CHECK_ERROR] = "error",
    [MF_CHECK_NO_QUERY] = "nobound",
    [MF_CHECK_EARLY] = "early",
    [MF_CHECK_ABORT] = "abort",
};

const char *
mf_phase_name(enum mf_phase phase)
{
	return (unsigned)phase < MF_PHASES ? phases[phase] : "?";
}

enum mf_phase
mf_phase_find(const char *name)
{
	unsigned i;

	for (i = 0; i < MF_PHASES && strcmp(phases[i], name) != 0; i++)
		;
	return (enum mf_phase)i;
}

const char *
mf_hold_name(enum mf_hold hold)
{
	return (unsigned)hold < MF_HOLDS ? holds[hold] : "?";
}

const char *
mf_reason_name(enum mf_reason reason)
{
	return (unsigned)reason < MF_REASONS ? reasons[reason] : "?";
}

enum mf_reason
mf_reason_find(const char *name)
{
	unsigned i;

	for (i = 0; i < MF_REASONS && strcmp(reasons[i], name) != 0; i++)
		;
	return (enum mf_reason)i;
}

const char *
mf_result_name(enum mf_result result)
{
	return (unsigned)result < MF_RESULTS ? results[result] : "?";
}

const char *
mf_check_name(enum mf_check check)
{
	return (unsigned)check < MF_CHECKS ? checks[check] : "?";
}
