#include "config.h"

#include "transfers/gcs_json.h"

#include <sodium.h>
#include <stdint.h>
#include <string.h>

json_t *
mf_gcs_json_read(const void *bytes, size_t n)
{
	json_t *object = json_loadb(bytes, n, JSON_REJECT_DUPLICATES, NULL);

	if (json_is_object(object))
		return object;
	mf_gcs_json_free(object);
	return NULL;
}

/* The depth is jansson's to bound. */
static void /* NOLINTNEXTLINE(misc-no-recursion) */
wipe(json_t *value)
{
	const char *name;
	json_t *part;
	size_t i;

	if (json_is_string(value)) {
		sodium_memzero(
		    (char *)(uintptr_t)json_string_value(value), json_string_length(value));
	} else if (json_is_array(value)) {
		for (i = 0; i < json_array_size(value); i++)
			wipe(json_array_get(value, i));
	} else if (json_is_object(value)) {
		json_object_foreach(value, name, part)
		{
			wipe(part);
		}
	}
}

void
mf_gcs_json_free(json_t *object)
{
	if (object != NULL)
		wipe(object);
	json_decref(object);
}

const char *
mf_gcs_json_text(const json_t *object, const char *name)
{
	const char *text = json_string_value(json_object_get(object, name));

	return text != NULL && text[0] != '\0' ? text : NULL;
}

struct mf_secret *
mf_gcs_json_secret(const char *text, struct mf_error *e)
{
	struct mf_secret *s = mf_secret_of(text, strlen(text) + 1, e);

	if (s != NULL)
		mf_secret_freeze(s);
	return s;
}
