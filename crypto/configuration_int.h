/* Inside of the configuration, for this room only. */
#ifndef MF_CRYPTO_CONFIGURATION_INT_H
#define MF_CRYPTO_CONFIGURATION_INT_H

#include "crypto/configuration.h"
#include "crypto/slot_int.h"

#define MF_CONFIG_FORMAT 1
#define MF_CONFIG_ID_BLAKE2B 1 /* keyed BLAKE2b-256: the one id algorithm so far */
#define MF_CONFIG_MAC_BYTES 32
#define MF_CONFIG_FEATURE_MAX 64
#define MF_CONFIG_MAC_LABEL "modelferry configuration"

struct mf_config {
	uint64_t sequence; /* 0: created, not decoded */
	uint8_t repo_id[MF_REPO_ID_BYTES];
	enum mf_cipher cipher;
	enum mf_padding padding;
	int64_t created_us;
	uint32_t epoch, floor;
	size_t n_features;
	char *features[MF_CONFIG_MAX_FEATURES]; /* owned; ascending, no two alike */
	size_t n_slots;
	struct mf_slot slots[MF_CONFIG_MAX_SLOTS];
	uint8_t *encoded; /* owned: as decoded, MAC included; NULL for a created one */
	size_t encoded_len;
};

/* A feature's name: 1 to 64 of a-z, 0-9 and '-'. */
bool mf_config_feature_is_fine(const char *name, size_t n);
/* The MAC under the root secret. */
void mf_config_mac(const uint8_t root[MF_KEY_BYTES], const uint8_t *bytes, size_t n,
    uint8_t mac[MF_CONFIG_MAC_BYTES]);
/* Refuse, by name, a required feature that this tool does not know. */
int mf_config_check_features(const struct mf_config *c, struct mf_error *e);

#endif
