/*
 * The option table: one row an option. The parser, the environment twins, the configuration
 * file, --help, completion and the manual pages all come from these rows and from the rows of
 * commands in command.h; nothing else in the tree lists options.
 *
 * A row stands for something that works: there is no option that is accepted and ignored.
 * The tables are constant; any thread may read them.
 */
#ifndef MF_CONFIG_OPTION_H
#define MF_CONFIG_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mf_option {
	/* global: before or after the command */
	MF_OPT_REPO,
	MF_OPT_CONFIG,
	MF_OPT_JSON,
	MF_OPT_LOG_LEVEL,
	MF_OPT_LOG_FORMAT,
	MF_OPT_LOG_FILE,
	MF_OPT_QUIET,
	MF_OPT_VERBOSE,
	MF_OPT_PROGRESS,
	MF_OPT_STATS,
	MF_OPT_TRANSFERS,
	MF_OPT_CHECKERS,
	MF_OPT_THREADS,
	MF_OPT_MEMORY,
	MF_OPT_BWLIMIT,
	MF_OPT_TPSLIMIT,
	MF_OPT_TPSLIMIT_BURST,
	MF_OPT_RETRIES,
	MF_OPT_ENDPOINT_URL,
	MF_OPT_REGION,
	MF_OPT_ADDRESSING,
	MF_OPT_CA_FILE,
	MF_OPT_ALLOW_HTTP,
	MF_OPT_NET_THREADS,
	MF_OPT_HTTP2,
	MF_OPT_CONNECT_TIMEOUT,
	MF_OPT_ANSWER_TIMEOUT,
	MF_OPT_STALL_TIME,
	MF_OPT_STALL_BYTES,
	MF_OPT_PATIENCE,
	MF_OPT_S3_PROFILE,
	MF_OPT_S3_CREDENTIALS_FILE,
	MF_OPT_S3_ACCESS_KEY_FILE,
	MF_OPT_S3_SECRET_KEY_FILE,
	MF_OPT_S3_SESSION_TOKEN_FILE,
	MF_OPT_S3_UNSIGNED_PAYLOAD,
	MF_OPT_S3_STORAGE_CLASS,
	MF_OPT_S3_ENCRYPTION,
	MF_OPT_S3_KMS_KEY_ID,
	MF_OPT_GCS_ENDPOINT_URL,
	MF_OPT_GCS_CREDENTIALS_FILE,
	MF_OPT_GCS_ACCESS_KEY_FILE,
	MF_OPT_GCS_SECRET_KEY_FILE,
	MF_OPT_GCS_USER_PROJECT,
	MF_OPT_GCS_STORAGE_CLASS,
	MF_OPT_GCS_KMS_KEY,
	MF_OPT_KEY_FILE,
	MF_OPT_PASSPHRASE_FILE,
	MF_OPT_REPO_ID,
	MF_OPT_STATE_DIR,
	MF_OPT_CACHE_DIR,
	MF_OPT_RUN_ID,
	MF_OPT_NOTIFY_URL,
	MF_OPT_NOTIFY_URL_FILE,
	MF_OPT_NOTIFY_ON,
	MF_OPT_PING_URL,
	MF_OPT_PING_URL_FILE,
	MF_OPT_METRICS_FILE,
	MF_OPT_PUSHGATEWAY,
	MF_OPT_METRICS_INSTANCE,
	MF_OPT_REPORT_CA_FILE,
	MF_OPT_REPORT_TIMEOUT,
	MF_OPT_HELP,
	MF_OPT_VERSION,
	/* of some commands */
	MF_OPT_CIPHER,
	MF_OPT_PAD,
	MF_OPT_SLOT_KIND,
	MF_OPT_LABEL,
	MF_OPT_RECIPIENT,
	MF_OPT_NEW_KEY_FILE,
	MF_OPT_NEW_PASSPHRASE_FILE,
	MF_OPT_NEW_ENCRYPTION_KEY_FILE,
	MF_OPT_NEW_HMAC_KEY_FILE,
	MF_OPT_SIGNING,
	MF_OPT_OUT,
	MF_OPT_TAG,
	MF_OPT_METRIC,
	MF_OPT_METRICS_FROM,
	MF_OPT_INCLUDE,
	MF_OPT_EXCLUDE,
	MF_OPT_FILTER_FROM,
	MF_OPT_FILES_FROM,
	MF_OPT_ONE_FILE_SYSTEM,
	MF_OPT_SETTLE,
	MF_OPT_READY_FILE,
	MF_OPT_REF,
	MF_OPT_SIGN_KEY,
	MF_OPT_ALLOW_PARTIAL,
	MF_OPT_MAX_DURATION,
	MF_OPT_DRY_RUN,
	MF_OPT_FORCE,
	MF_OPT_FORCE_REMOVE,
	MF_OPT_IGNORE_INODE,
	MF_OPT_IGNORE_CTIME,
	MF_OPT_NO_CHECK,
	MF_OPT_SHARD,
	MF_OPT_SHARDS,
	MF_OPT_LINK,
	MF_OPT_TRUSTED_KEYS,
	MF_OPT_KEEP_LOCAL,
	MF_OPT_LOCAL_GRACE,
	MF_OPT_HARD_LINK,
	MF_OPT_CHMOD,
	MF_OPT_NO_PERMS,
	MF_OPT_NO_DIRECT_IO,
	MF_OPT_MIN_SEQUENCE,
	MF_OPT_MAX_REF_AGE,
	MF_OPT_SITE,
	MF_OPT_INSTANCE,
	MF_OPT_INTERVAL,
	MF_OPT_ONCE,
	MF_OPT_NOTIFY_CMD,
	MF_OPT_NOTIFY_CMD_TIMEOUT,
	MF_OPT_RESUME,
	MF_OPT_ON_RESUME,
	MF_OPT_LEASE,
	MF_OPT_SECRETS_DIR,
	MF_OPT_MODEL,
	MF_OPT_FROM,
	MF_OPT_MIGRATE_TO,
	MF_OPT_ROUTER,
	MF_OPT_VERIFY_FOR,
	MF_OPT_PRIMARY_ARG,
	MF_OPT_ABORT,
	MF_OPT_PROMOTE,
	MF_OPT_FULL,
	MF_OPT_PAUSE,
	MF_OPT_CONTINUE,
	MF_OPT_RETRY,
	MF_OPT_START,
	MF_OPT_FINISH,
	MF_OPT_PROFILE,
	MF_OPT_EXPECT,
	MF_OPT_ROLLBACK_TO,
	MF_OPT_BEST,
	MF_OPT_ALLOW_REJECTED,
	MF_OPT_NEW_VERSION,
	MF_OPT_REASON,
	MF_OPT_DAMAGED,
	MF_OPT_READ_DATA,
	MF_OPT_SAMPLE,
	MF_OPT_LOCAL,
	MF_OPT_REPAIR_FROM,
	MF_OPT_KEEP_LAST,
	MF_OPT_KEEP_WITHIN,
	MF_OPT_KEEP_TAG,
	MF_OPT_GRACE,
	MF_OPT_RESEAL,
	MF_OPT_REPLICATE_TO,
	MF_OPT_CHECKSUM,
	MF_OPT_SIZE_ONLY,
	MF_OPT_UPDATE,
	MF_OPT_IGNORE_EXISTING,
	MF_OPT_IGNORE_CHECKSUM,
	MF_OPT_IMMUTABLE,
	MF_OPT_MODIFY_WINDOW,
	MF_OPT_MAX_DELETE,
	MF_OPT_DELETE_AFTER,
	MF_OPT_DELETE_EXCLUDED,
	MF_OPT_BACKUP_DIR,
	MF_OPT_SUFFIX,
	MF_OPT_CREATE_EMPTY_SRC_DIRS,
	MF_OPT_LINKS,
	MF_OPT_COPY_LINKS,
	MF_OPT_STATS_FILE_NAME_LENGTH,
	MF_OPT_ONE_WAY,
	MF_OPT_DOWNLOAD,
	MF_OPT_LISTEN,
	MF_OPT_TOKEN_FILE,
	MF_OPT_TLS_CERT,
	MF_OPT_TLS_KEY,
	MF_OPT_TO_KEY_FILE,
	MF_OPT_TO_PASSPHRASE_FILE,
	MF_OPT_TO_ENDPOINT_URL,
	MF_OPT_TO_REGION,
	MF_OPT_TO_S3_PROFILE,
	MF_OPT_TO_S3_CREDENTIALS_FILE,
	MF_OPTIONS
};

enum mf_option_kind {
	MF_KIND_FLAG,	  /* no argument; --x=false says no */
	MF_KIND_COUNT,	  /* no argument; each one counts */
	MF_KIND_STRING,
	MF_KIND_PATH,
	MF_KIND_CHOICE,	  /* one word of row->choices, in any case */
	MF_KIND_NUMBER,	  /* whole number, at least row->min */
	MF_KIND_DECIMAL,  /* thousandths, see mf_parse_thousandths */
	MF_KIND_SIZE,	  /* bytes, see mf_parse_size */
	MF_KIND_DURATION, /* microseconds, see mf_parse_duration */
	MF_KIND_GLOB,	  /* one pattern of filter.h */
	MF_KIND_PAIR	  /* key=value */
};

enum mf_complete { MF_COMPLETE_NONE, MF_COMPLETE_FILE, MF_COMPLETE_DIR, MF_COMPLETE_CHOICES };

#define MF_OPTION_REPEATS 1u   /* may be given more than once; all values count */
#define MF_OPTION_ARGS_ONLY 2u /* no environment twin and no key in the file */
#define MF_OPTION_NOT_IN_FILE 4u
#define MF_OPTION_WIDE 8u /* a number past MF_OPTION_NUMBER_MAX makes sense */

#define MF_OPTION_NUMBER_MAX 1000000u
#define MF_OPTION_DURATION_MAX_US ((uint64_t)INT64_MAX / 4) /* sums with a clock stay within */

struct mf_option_row {
	const char *name; /* long name without dashes; also the key in the file */
	char short_name;  /* or 0 */
	enum mf_option_kind kind;
	unsigned flags;
	const char *value;	  /* what the argument is called; NULL without one */
	const char *default_text; /* as one would write it; NULL: none */
	const char *choices;	  /* MF_KIND_CHOICE: words parted by one space */
	uint64_t min;		  /* MF_KIND_NUMBER, SIZE (bytes), DURATION (us) */
	uint64_t commands;	  /* MF_FOR bits; 0: global */
	enum mf_complete complete;
	const char *help; /* one line, lower case, no full stop */
	const char *man;  /* sentences; `x` is set in bold, and so is --name */
	const char *bare; /* the value where the next word is none that it takes; NULL: needs one */
};

/* Indexed by enum mf_option. Two rows may share a name where their commands are disjoint. */
extern const struct mf_option_row mf_option_table[MF_OPTIONS];

bool mf_option_takes_value(const struct mf_option_row *row);
/* Is the option one of this command (bit number of enum mf_command), or global? */
bool mf_option_applies(const struct mf_option_row *row, unsigned command);
/* The environment twin's name into out, e.g. MODELFERRY_KEY_FILE. */
#define MF_OPTION_TWIN_BYTES 64
void mf_option_twin(const struct mf_option_row *row, char out[MF_OPTION_TWIN_BYTES]);
/* The i-th word of row->choices and its length; NULL past the last. */
const char *mf_option_choice(const struct mf_option_row *row, unsigned i, size_t *len);

#endif
