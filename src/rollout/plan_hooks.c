/* Webhooks of a plan. */
#include <stddef.h>
#include <string.h>

#include "src/rollout/plan_stanza.h"

#define TIMEOUT_US ((uint64_t)10 * 1000000)

/* In the order of enum mf_hook_type; the empty word is Flagger's for rollout. */
static const char *const flagger_types[] = {"rollout", "confirm-rollout", "pre-rollout",
    "confirm-traffic-increase", "confirm-promotion", "rollback", "post-rollout", "event", "", NULL};

#define HOOK_EMPTY 8u

#define AT(field) offsetof(struct mf_hook, field)
static const struct mf_field canary_hook[] = {
    {.key = "name", .type = MF_FIELD_STRING, .need = true, .at = AT(name)},
    {.key = "type",
	.type = MF_FIELD_ENUM,
	.at = AT(type),
	.more = MF_FIELD_NOWHERE,
	.words = flagger_types},
    {.key = "url", .type = MF_FIELD_STRING, .at = AT(url)},
    {.key = "timeout", .type = MF_FIELD_KNOWN},
    {.key = "retries", .type = MF_FIELD_UNSIGNED, .at = AT(retries), .max = 100},
    {.key = "muteAlert", .type = MF_FIELD_BOOL, .at = AT(mute_alert), .more = MF_FIELD_NOWHERE},
    {.key = "disableTLS", .type = MF_FIELD_BOOL, .at = AT(disable_tls), .more = MF_FIELD_NOWHERE},
    {.key = "metadata", .type = MF_FIELD_PAIRS, .at = AT(metadata), .more = AT(n_metadata)},
};
#undef AT

const struct mf_form mf_form_canary_hook = {.name = "CanaryWebhook",
    .bytes = sizeof(struct mf_hook),
    .fields = canary_hook,
    .n_fields = sizeof canary_hook / sizeof canary_hook[0]};

/* The types of the words of mf_form_gate and mf_form_hook. */
static const enum mf_hook_type gate_types[] = {
    MF_HOOK_CONFIRM_ROLLOUT, MF_HOOK_CONFIRM_TRAFFIC_INCREASE, MF_HOOK_CONFIRM_PROMOTION};
static const enum mf_hook_type hook_types[] = {MF_HOOK_ROLLOUT, MF_HOOK_PRE_ROLLOUT,
    MF_HOOK_ROLLBACK, MF_HOOK_POST_ROLLOUT, MF_HOOK_EVENT, MF_HOOK_PURGE, MF_HOOK_MLFLOW};

static void
check_url(struct mf_plan_reading *rd, const struct mf_node *item, const struct mf_hook *hook)
{
	const struct mf_node *url = mf_node_get(item, "url");

	if (hook->url != NULL && hook->url_file != NULL)
		mf_plan_refuse(rd, item, "only one of url and urlFile may be there");
	else if (hook->url == NULL && hook->url_file == NULL && url == NULL)
		mf_plan_refuse_key(rd, item, "url", "is missing");
	else if (hook->url != NULL && url != NULL && hook->url[0] != '\0')
		mf_plan_is_url(rd, url, hook->url);
}

/* Flagger tells hooks apart by name in its events, and so do simulate and the journal. */
static void
check_name(
    struct mf_plan_reading *rd, const struct mf_node *item, const struct mf_hook *hooks, size_t n)
{
	size_t i;

	if (hooks[n].name == NULL)
		return;
	for (i = 0; i < n; i++)
		if (hooks[i].name != NULL && hooks[i].type == hooks[n].type &&
		    strcmp(hooks[i].name, hooks[n].name) == 0)
			mf_plan_warn(rd, item, "another hook of this type is called %.64s, too",
			    hooks[n].name);
}

static void
read_hook(struct mf_plan_reading *rd, const struct mf_node *item, const struct mf_form *form,
    struct mf_hook *hook)
{
	hook->timeout_us = TIMEOUT_US;
	mf_form_read(rd, form, item, hook);
	if (form == &mf_form_canary_hook) {
		mf_stanza_interval(rd, item, "timeout", &hook->timeout_us);
		if ((unsigned)hook->type == HOOK_EMPTY)
			hook->type = MF_HOOK_ROLLOUT;
	} else if (form == &mf_form_gate) {
		hook->type = gate_types[hook->type];
	} else if (form == &mf_form_hook) {
		hook->type = hook_types[hook->type];
	}
	if (hook->timeout_us == 0)
		mf_plan_refuse(
		    rd, mf_node_get(item, "timeout"), "a timeout of 0 would always fail");
	check_url(rd, item, hook);
}

void
mf_stanza_hooks(struct mf_plan_reading *rd, const struct mf_node *list, const struct mf_form *form,
    struct mf_canary_plan *plan)
{
	struct mf_hook *hooks;
	const struct mf_node *item;
	size_t i, n = plan->n_hooks;

	if (list == NULL)
		return;
	hooks = mf_plan_alloc(rd, n + list->n_items, sizeof *hooks);
	if (hooks == NULL)
		return;
	if (n > 0)
		memcpy(hooks, plan->hooks, n * sizeof *hooks);
	for (i = 0; i < list->n_items; i++) {
		item = list->items[i];
		if (!mf_plan_is_map(rd, item))
			continue;
		read_hook(rd, item, form, &hooks[n]);
		check_name(rd, item, hooks, n);
		n++;
	}
	plan->hooks = hooks;
	plan->n_hooks = n;
}
