#include "config.h"

#include "crypto/id.h"

#include <sodium.h>
#include <string.h>

#include "src/base/hex.h"

const char *
mf_object_type_name(unsigned type)
{
	static const char *const names[MF_OBJECT_TYPES_END] = {
	    [MF_OBJECT_CHUNK] = "chunk",
	    [MF_OBJECT_SEGMENT] = "manifest segment",
	    [MF_OBJECT_ROOT] = "manifest",
	    [MF_OBJECT_REF] = "ref",
	    [MF_OBJECT_ANNOTATION] = "annotation",
	    [MF_OBJECT_CONDEMNED] = "condemned list",
	    [MF_OBJECT_CONTROL] = "control record",
	    [MF_OBJECT_RECEIPT] = "receipt",
	    [MF_OBJECT_LEASE] = "lease",
	    [MF_OBJECT_RUN] = "run record",
	};

	if (type >= MF_OBJECT_TYPES_END || names[type] == NULL)
		return "object of unknown type";
	return names[type];
}

void
mf_id_to_hex(const struct mf_id *id, char out[MF_ID_HEX_BYTES])
{
	mf_hex_encode(out, id->bytes, MF_ID_BYTES);
}

int
mf_id_from_hex(struct mf_id *id, const char *s)
{
	return mf_hex_decode(id->bytes, MF_ID_BYTES, s);
}

int
mf_id_compare(const struct mf_id *a, const struct mf_id *b)
{
	return memcmp(a->bytes, b->bytes, MF_ID_BYTES);
}

void
mf_object_name_id(const char *name, struct mf_id *id)
{
	crypto_generichash(id->bytes, MF_ID_BYTES, (const uint8_t *)name, strlen(name), NULL, 0);
}
