#include "src/config/option.h"

#include "src/config/command.h"

#define READS_SOURCE MF_FOR(PUSH)
#define MIRRORS (MF_FOR(SYNC) | MF_FOR(COPY))
#define COMPARES (MIRRORS | MF_FOR(CHECK))
#define HAS_TARGET (MF_FOR(REPLICATE) | COMPARES) /* a second store, of its own options */
#define PULLS (MF_FOR(PULL) | MF_FOR(FOLLOW))
#define FILTERS (MF_FOR(PUSH) | PULLS | COMPARES)
#define MAKES_VERSION (MF_FOR(PUSH) | MF_FOR(COMMIT))
#define SIGNS (MF_FOR(MIGRATE) | MF_FOR(PUSH) | MF_FOR(COMMIT) | MF_FOR(REF) | MF_FOR(ROLLBACK) | MF_FOR(REPLICATE))
#define RUNS_PLAN (MF_FOR(MIGRATE) | MF_FOR(DOCTOR))
#define SECOND_US 1000000
#define NEW_KEY (MF_FOR(KEY_ADD) | MF_FOR(KEY_ROTATE))

const struct mf_option_row mf_option_table[MF_OPTIONS] = {
    [MF_OPT_REPO] = {"repo", 'r', MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0, MF_COMPLETE_DIR,
	"where the repository is: file:///path, a path, s3:// or gs://bucket/path",
	"Where the repository is: `file:///path`, a path, `s3://bucket/path`, `s3+v2://bucket/path` or "
	"`gs://bucket/path`."},
    [MF_OPT_CONFIG] = {"config", 0, MF_KIND_PATH, MF_OPTION_NOT_IN_FILE, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "read this configuration file and no other",
	"Read this configuration file, and neither the system's nor the user's."},
    [MF_OPT_JSON] = {"json", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, 0, MF_COMPLETE_NONE,
	"write results as JSON", "Write results to standard output as JSON."},
    [MF_OPT_LOG_LEVEL] = {"log-level", 0, MF_KIND_CHOICE, 0, "LEVEL", "warning",
	"error warning info debug notice", 0, 0, MF_COMPLETE_CHOICES, "how much to log",
	"How much to log: `error`, `warning`, `info` or `debug`, in any case; `notice` is rclone's "
	"word for `warning`. "
	"With `debug` a command says `begun: NAME` when it has opened the repository, and `done: NAME` "
	"or `failed: NAME` at its end."},
    [MF_OPT_LOG_FORMAT] = {"log-format", 0, MF_KIND_CHOICE, 0, "FORMAT", "text", "text json", 0, 0,
	MF_COMPLETE_CHOICES, "log lines as text or as JSON objects",
	"Write log lines as `text` or as `json`, one object a line, which also says which run, command, "
	"model, version and store it is about."},
    [MF_OPT_LOG_FILE] = {"log-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "append the log to a file instead of standard error",
	"Append the log to FILE instead of writing it to standard error. "
	"The error that ends a command is written to both."},
    [MF_OPT_QUIET] = {"quiet", 'q', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, 0, MF_COMPLETE_NONE,
	"log errors only, draw no progress",
	"Log errors only and draw no progress; results are still written."},
    [MF_OPT_VERBOSE] = {"verbose", 'v', MF_KIND_COUNT, 0, NULL, NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "log more; twice for debugging",
	"Raise the log level to `info`, given twice to `debug`. "
	"Also says at the end where the time went."},
    [MF_OPT_PROGRESS] = {"progress", 'P', MF_KIND_CHOICE, 0, "[WHEN]", "auto", "auto on off", 0, 0,
	MF_COMPLETE_CHOICES, "draw a live progress block on standard error",
	"Draw one live progress block on standard error: `auto` on a terminal and lines every --stats "
	"elsewhere, `on` lines even in short runs, `off` nothing. "
	"Without a word behind it, as in rclone, it means `on`.",
	.bare = "on"},
    [MF_OPT_STATS] = {"stats", 0, MF_KIND_DURATION, 0, "DURATION", "1m", NULL, 0, 0,
	MF_COMPLETE_NONE, "time between progress lines off a terminal; 0 for none",
	"Time between progress lines where standard error is no terminal; 0 writes none."},
    [MF_OPT_TRANSFERS] = {"transfers", 0, MF_KIND_NUMBER, 0, "N", "4", NULL, 1, 0,
	MF_COMPLETE_NONE, "objects read from or written to the store at once",
	"How many objects are read from or written to the store at once, at most. Chunks on "
	"their way count in --memory, whose default leaves room for about twenty of 8 MiB in a "
	"push and a dozen in a pull."},
    [MF_OPT_CHECKERS] = {"checkers", 0, MF_KIND_NUMBER, 0, "N", "8", NULL, 1, 0, MF_COMPLETE_NONE,
	"store look-ups and listings at once",
	"How many listings, look-ups and deletions run on the store at once, at most. A long listing "
	"of a bucket is read in as many places at once."},
    [MF_OPT_THREADS] = {"threads", 0, MF_KIND_NUMBER, 0, "N", "0", NULL, 0, 0, MF_COMPLETE_NONE,
	"threads that hash, compress and seal; 0 for one a processor",
	"How many threads hash, compress and seal; 0 is one for each processor that the process may "
	"use."},
    [MF_OPT_MEMORY] = {"memory", 0, MF_KIND_SIZE, 0, "SIZE", "256M", NULL, 0, 0, MF_COMPLETE_NONE,
	"memory budget, whatever the model's size",
	"Memory budget for everything that grows with the work, whatever the size of the model."},
    [MF_OPT_BWLIMIT] = {"bwlimit", 0, MF_KIND_STRING, 0, "RATE|TIMETABLE", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "limit the bytes a second to and from the store",
	"Limit the bytes a second to and from the store: a rate such as `20M`, two for sending and "
	"receiving as in `10M:100M`, or a timetable in local time such as `08:00,2M 19:00,off`, where a "
	"day may stand before the time as in `Mon-08:00,2M`. "
	"A number without a unit is KiB a second, and `off` is no limit, as in rclone. "
	"It is kept evenly, with a bucket on the wire, with a directory as objects are written and "
	"read. "
	"Of a mirror between two directories what is written counts as sent, and what is read to be "
	"compared as received; with a bucket, what is done in the directory does not count. "
	"SIGHUP lets it be read again; see SIGNALS."},
    [MF_OPT_TPSLIMIT] = {"tpslimit", 0, MF_KIND_DECIMAL, 0, "N", "0", NULL, 0, 0, MF_COMPLETE_NONE,
	"limit the requests a second to the store; 0 for no limit",
	"Limit the requests a second to a bucket, also those that are sent again and the pages of "
	"listings, and the operations a second on a directory; 0 is no limit, and up to three decimals "
	"count: `0.5` is one in two seconds. "
	"All stores of a command share it, as they share --bwlimit. "
	"Of a mirror, requests to buckets count, and what is done in directories does not."},
    [MF_OPT_TPSLIMIT_BURST] = {"tpslimit-burst", 0, MF_KIND_NUMBER, 0, "N", "1", NULL, 1, 0,
	MF_COMPLETE_NONE, "requests that may go at once under --tpslimit",
	"How many requests may go at once after a pause, under --tpslimit."},
    [MF_OPT_RETRIES] = {"retries", 0, MF_KIND_NUMBER, 0, "N", "10", NULL, 0, 0, MF_COMPLETE_NONE,
	"times a failed store operation is tried again",
	"How many times a store operation that failed for a passing reason is tried again, each time "
	"after a longer wait."},
    [MF_OPT_ENDPOINT_URL] = {"endpoint-url", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "the S3 server of s3:// stores, where it is not Amazon's",
	"The S3 server of `s3://` and `s3+v2://` stores, such as `https://s3.example:9000`. "
	"Default: AWS_ENDPOINT_URL_S3, else AWS_ENDPOINT_URL, else, but for `s3+v2://`, Amazon S3 in "
	"the region."},
    [MF_OPT_REGION] = {"region", 0, MF_KIND_STRING, 0, "REGION", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "region of s3:// stores",
	"The region of the bucket. "
	"Default: AWS_REGION, else AWS_DEFAULT_REGION, else the profile's, else `us-east-1`; where a "
	"server names another one, that is taken."},
    [MF_OPT_ADDRESSING] = {"addressing", 0, MF_KIND_CHOICE, 0, "STYLE", "auto",
	"auto path virtual", 0, 0, MF_COMPLETE_CHOICES, "where requests name the bucket",
	"Where requests name the bucket: in the `path`, or as a `virtual` host before the endpoint's "
	"name. "
	"`auto` is virtual at Amazon, unless there is a dot in the bucket's name, and path elsewhere."},
    [MF_OPT_CA_FILE] = {"ca-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "trust these certificate authorities instead of the system's",
	"Trust the certificate authorities in this PEM file instead of the system's. "
	"Default for `s3://` stores: AWS_CA_BUNDLE."},
    [MF_OPT_ALLOW_HTTP] = {"allow-http", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "talk to other machines without TLS, too",
	"Talk to endpoints on other machines also by plain http, where everybody on the way can read "
	"names and sizes, and change what is sent; this machine is talked to so in any case."},
    [MF_OPT_NET_THREADS] = {"net-threads", 0, MF_KIND_NUMBER, 0, "N", "1", NULL, 1, 0,
	MF_COMPLETE_NONE, "threads that move bytes to and from the network",
	"How many threads move bytes to and from the network, at most 64. "
	"One fills a link of several Gbit/s. Requests of at most 64 KiB, whose answers are short, are "
	"carried by the threads that make them, while no rate is limited."},
    [MF_OPT_HTTP2] = {"http2", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, 0, MF_COMPLETE_NONE,
	"offer HTTP/2 to servers with TLS",
	"Offer HTTP/2 to servers with TLS. "
	"Without it HTTP/1.1 is spoken, where no second flow control slows large uploads down."},
    [MF_OPT_CONNECT_TIMEOUT] = {"connect-timeout", 0, MF_KIND_DURATION, 0, "DURATION", "30s", NULL,
	SECOND_US / 10, 0, MF_COMPLETE_NONE, "longest wait for a connection to a server",
	"How long to wait for a connection to a server: its address, the connection and TLS."},
    [MF_OPT_ANSWER_TIMEOUT] = {"answer-timeout", 0, MF_KIND_DURATION, 0, "DURATION", "2m", NULL,
	SECOND_US / 10, 0, MF_COMPLETE_NONE, "longest wait for the first byte of an answer",
	"How long to wait for the first byte of an answer once a request has been sent."},
    [MF_OPT_STALL_TIME] = {"stall-time", 0, MF_KIND_DURATION, 0, "DURATION", "1m", NULL, SECOND_US,
	0, MF_COMPLETE_NONE, "cut a transfer that was too slow for this long",
	"Cut a transfer that moved less than --stall-bytes a second over this time, and try it again; "
	"time in which --bwlimit holds it back does not count."},
    [MF_OPT_STALL_BYTES] = {"stall-bytes", 0, MF_KIND_SIZE, 0, "SIZE", "1K", NULL, 1, 0,
	MF_COMPLETE_NONE, "bytes a second below which a transfer is too slow",
	"The bytes a second below which a transfer is too slow; see --stall-time."},
    [MF_OPT_PATIENCE] = {"patience", 0, MF_KIND_DURATION, 0, "DURATION", "5m", NULL, SECOND_US, 0,
	MF_COMPLETE_NONE, "how long to put up with a server that is busy or away",
	"How long to put up with a server that asks for less, or does not answer. "
	"Requests wait and are sent again meanwhile, and none waits longer for a connection, an "
	"answer or a transfer that stalls; see BUCKETS."},
    [MF_OPT_S3_PROFILE] = {"s3-profile", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "profile of the AWS configuration to take credentials from",
	"Take credentials and region from this profile of the AWS configuration, and not from the "
	"environment. "
	"Default: AWS_PROFILE."},
    [MF_OPT_S3_CREDENTIALS_FILE] = {"s3-credentials-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL,
	0, 0, MF_COMPLETE_FILE, "file with credentials, as of the AWS tools",
	"Take credentials from this file, written as `~/.aws/credentials` is."},
    [MF_OPT_S3_ACCESS_KEY_FILE] = {"s3-access-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	0, MF_COMPLETE_FILE, "file with the access key id",
	"Take the access key id from this file, such as one of a mounted Kubernetes Secret; together "
	"with --s3-secret-key-file. "
	"Such files are read again when the store no longer accepts what they held."},
    [MF_OPT_S3_SECRET_KEY_FILE] = {"s3-secret-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	0, MF_COMPLETE_FILE, "file with the secret access key",
	"Take the secret access key from this file."},
    [MF_OPT_S3_SESSION_TOKEN_FILE] = {"s3-session-token-file", 0, MF_KIND_PATH, 0, "FILE", NULL,
	NULL, 0, 0, MF_COMPLETE_FILE, "file with the session token",
	"Take the session token that belongs to the other two from this file."},
    [MF_OPT_S3_UNSIGNED_PAYLOAD] = {"s3-unsigned-payload", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	0, MF_COMPLETE_NONE, "leave the hash of what is sent out of signatures, over TLS",
	"Do not hash what is sent to an s3:// bucket, which takes a good part of an upload's processor "
	"time: TLS guards it on its way, and an endpoint without TLS is refused. "
	"Its CRC-32C goes along instead, which costs nothing, and the store checks it, if it knows "
	"`x-amz-checksum-crc32c`; one that refuses such headers is sent none."},
    [MF_OPT_S3_STORAGE_CLASS] = {"s3-storage-class", 0, MF_KIND_STRING, 0, "CLASS", NULL, NULL, 0,
	0, MF_COMPLETE_NONE, "storage class of new objects",
	"Store new objects in this storage class, such as `STANDARD_IA`; without it the bucket "
	"decides. "
	"Classes whose objects must be restored before they can be read are refused."},
    [MF_OPT_S3_ENCRYPTION] = {"s3-server-side-encryption", 0, MF_KIND_CHOICE, 0, "HOW", NULL,
	"AES256 aws:kms aws:kms:dsse", 0, 0, MF_COMPLETE_CHOICES,
	"let the store encrypt new objects once more",
	"Let the store encrypt new objects once more: `AES256` with a key of its own, `aws:kms` or "
	"`aws:kms:dsse` with one of its key service; without it the bucket decides. "
	"What modelferry stores is sealed in any case."},
    [MF_OPT_S3_KMS_KEY_ID] = {"s3-sse-kms-key-id", 0, MF_KIND_STRING, 0, "KEY", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "key for --s3-server-side-encryption aws:kms",
	"The key that --s3-server-side-encryption `aws:kms` uses, by id or ARN; without it the "
	"bucket's or the account's."},
    [MF_OPT_GCS_ENDPOINT_URL] = {"gcs-endpoint-url", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "the server of gs:// stores, where it is not Google's",
	"The server of `gs://` stores, which must speak the XML API of Google Cloud Storage. "
	"Default: `https://storage.googleapis.com`."},
    [MF_OPT_GCS_CREDENTIALS_FILE] = {"gcs-credentials-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL,
	0, 0, MF_COMPLETE_FILE, "credential file of Google Cloud for gs:// stores",
	"Take the credentials of `gs://` stores from this JSON file, of the type `service_account`, "
	"`external_account` or `authorized_user`. "
	"It is read again when a token runs out. "
	"Default: GOOGLE_APPLICATION_CREDENTIALS."},
    [MF_OPT_GCS_ACCESS_KEY_FILE] = {"gcs-access-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL,
	0, 0, MF_COMPLETE_FILE, "file with the access id of an HMAC key",
	"Take the access id of an HMAC key for `gs://` stores from this file, together with "
	"--gcs-secret-key-file."},
    [MF_OPT_GCS_SECRET_KEY_FILE] = {"gcs-secret-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL,
	0, 0, MF_COMPLETE_FILE, "file with the secret of an HMAC key",
	"Take the secret of that HMAC key from this file."},
    [MF_OPT_GCS_USER_PROJECT] = {"gcs-user-project", 0, MF_KIND_STRING, 0, "PROJECT", NULL, NULL, 0,
	0, MF_COMPLETE_NONE, "project that pays for requests to gs:// stores",
	"The Google Cloud project that pays for requests, as buckets with requester pays want one."},
    [MF_OPT_GCS_STORAGE_CLASS] = {"gcs-storage-class", 0, MF_KIND_STRING, 0, "CLASS", NULL, NULL, 0,
	0, MF_COMPLETE_NONE, "storage class of new objects in gs:// stores",
	"Store new objects of `gs://` stores in this storage class, such as `NEARLINE`; without it "
	"the bucket decides."},
    [MF_OPT_GCS_KMS_KEY] = {"gcs-kms-key", 0, MF_KIND_STRING, 0, "KEY", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "key of Cloud KMS for new objects in gs:// stores",
	"Let Google encrypt new objects with this key, named as "
	"`projects/P/locations/L/keyRings/R/cryptoKeys/K`; without it the bucket decides. "
	"What modelferry stores is sealed in any case."},
    [MF_OPT_KEY_FILE] = {"key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "identity file that opens the repository",
	"Open the repository with this identity, a file made by `key generate`."},
    [MF_OPT_PASSPHRASE_FILE] = {"passphrase-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "file with the passphrase that opens the repository",
	"Open the repository with the passphrase in this file; one newline at its end is ignored."},
    [MF_OPT_REPO_ID] = {"repo-id", 0, MF_KIND_STRING, 0, "ID", NULL, NULL, 0, 0, MF_COMPLETE_NONE,
	"refuse any repository but this one",
	"Refuse the repository unless its id is this one, 64 hexadecimal digits as printed by `init`."},
    [MF_OPT_STATE_DIR] = {"state-dir", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0, 0,
	MF_COMPLETE_DIR, "where pinned ids and seen sequences are kept",
	"Where pinned repository ids and the highest sequences seen are kept. "
	"It must never be thrown away. "
	"Default: `$XDG_STATE_HOME/modelferry`, else `~/.local/state/modelferry`."},
    [MF_OPT_CACHE_DIR] = {"cache-dir", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0, 0,
	MF_COMPLETE_DIR, "where the file cache is kept; it may be lost",
	"Where the file cache is kept; it may be lost at any time. "
	"A `push` of very many files keeps their list there while it runs, in a file without a name, "
	"or where this is no disk in `$TMPDIR`, `/var/tmp` or `/tmp`. "
	"Default: `$XDG_CACHE_HOME/modelferry`, else `~/.cache/modelferry`."},
    [MF_OPT_RUN_ID] = {"run-id", 0, MF_KIND_STRING, MF_OPTION_NOT_IN_FILE, "ID", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "name of this run in logs and reports",
	"What this run is called in JSON logs and reports: 1 to 64 letters, digits, `.`, `_` and `-`, "
	"such as the uid of a Kubernetes pod. "
	"Without it, a random UUID."},
    [MF_OPT_NOTIFY_URL] = {"notify-url", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "post a notice to this webhook of Slack or Mattermost",
	"Post a notice to this incoming webhook of Slack or Mattermost when the run fails. "
	"Whoever knows the URL can post there, and an argument is visible in the list of processes: "
	"better give --notify-url-file, or the variable."},
    [MF_OPT_NOTIFY_URL_FILE] = {"notify-url-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "file with the URL for --notify-url",
	"Take the URL of the webhook from this file, such as one of a mounted Kubernetes Secret."},
    [MF_OPT_NOTIFY_ON] = {"notify-on", 0, MF_KIND_CHOICE, 0, "WHEN", "failure", "failure always",
	0, 0, MF_COMPLETE_CHOICES, "notify of failures, or of every run",
	"Notify on `failure`, or `always`: of success, too."},
    [MF_OPT_PING_URL] = {"ping-url", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "ping this check of Healthchecks when the run begins and ends",
	"Ping this check of Healthchecks, or of a service with its API: URL/start when the run begins, "
	"URL when it succeeded, URL/STATUS when it did not. "
	"The URL is a secret as that of --notify-url is."},
    [MF_OPT_PING_URL_FILE] = {"ping-url-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "file with the URL for --ping-url",
	"Take the URL of the check from this file."},
    [MF_OPT_METRICS_FILE] = {"metrics-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "write metrics for the node exporter's textfile collector",
	"Write metrics of the run to FILE in the text format of Prometheus, for the textfile collector "
	"of the node exporter, which reads names that end in `.prom`. "
	"What other jobs have written there stays."},
    [MF_OPT_PUSHGATEWAY] = {"pushgateway", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "push metrics to this Pushgateway of Prometheus",
	"Push the same metrics to this Pushgateway of Prometheus, such as `https://push.example:9091`."},
    [MF_OPT_METRICS_INSTANCE] = {"metrics-instance", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0,
	0, MF_COMPLETE_NONE, "label instance for --pushgateway",
	"The label `instance` of what is pushed with --pushgateway. "
	"Default: the host's name, which in Kubernetes is the pod's, another in every run: give the "
	"name of the job there."},
    [MF_OPT_REPORT_CA_FILE] = {"report-ca-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, 0,
	MF_COMPLETE_FILE, "certificate authorities of the servers that are told",
	"Trust the certificate authorities in this PEM file instead of the system's for --notify-url, "
	"--ping-url and --pushgateway; --ca-file is for stores."},
    [MF_OPT_REPORT_TIMEOUT] = {"report-timeout", 0, MF_KIND_DURATION, 0, "DURATION", "20s", NULL,
	0, 0, MF_COMPLETE_NONE, "longest that telling others may take at the end",
	"How long telling others may take at the end of a run, all of them together, and a quarter of "
	"that at its beginning."},
    [MF_OPT_HELP] = {"help", 'h', MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "print help", "Print help, on the command where there is one."},
    [MF_OPT_VERSION] = {"version", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0, 0,
	MF_COMPLETE_NONE, "print the version", "Print the version of modelferry."},

    [MF_OPT_CIPHER] = {"cipher", 0, MF_KIND_CHOICE, 0, "NAME", "xchacha20-poly1305",
	"xchacha20-poly1305 aes-256-gcm", 0, MF_FOR(INIT), MF_COMPLETE_CHOICES,
	"cipher of the repository, for ever",
	"The cipher of the repository, for ever: `xchacha20-poly1305` or `aes-256-gcm`."},
    [MF_OPT_PAD] = {"pad", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(INIT),
	MF_COMPLETE_NONE, "pad objects, so that sizes tell less",
	"Pad every object by the PADME rule, at most 12 %, so that sizes tell less. "
	"It does not prevent a known model from being recognised by its sequence of sizes."},
    [MF_OPT_SLOT_KIND] = {"slot-kind", 0, MF_KIND_CHOICE, 0, "KIND", NULL,
	"raw passphrase identity", 0, MF_FOR(INIT), MF_COMPLETE_CHOICES,
	"what opens the first key slot",
	"What opens the first key slot: `raw`, `passphrase` or `identity`. "
	"Needed only where more than one of them is given."},
    [MF_OPT_LABEL] = {"label", 0, MF_KIND_STRING, 0, "TEXT", NULL, NULL, 0,
	MF_FOR(INIT) | MF_FOR(KEY_ADD), MF_COMPLETE_NONE, "name of the new key slot",
	"What the new key slot is called in `key list`."},
    [MF_OPT_RECIPIENT] = {"recipient", 0, MF_KIND_STRING, 0, "PUBLIC", NULL, NULL, 0, NEW_KEY,
	MF_COMPLETE_NONE, "public half of the identity for the slot",
	"Make the slot for this public half, as printed by `key generate`; the other half never "
	"leaves its owner."},
    [MF_OPT_NEW_KEY_FILE] = {"new-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, NEW_KEY,
	MF_COMPLETE_FILE, "identity file for the slot",
	"Make the slot for the identity in this file."},
    [MF_OPT_NEW_PASSPHRASE_FILE] = {"new-passphrase-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL,
	0, NEW_KEY, MF_COMPLETE_FILE, "file with the passphrase for the slot",
	"Make the slot for the passphrase in this file."},
    [MF_OPT_NEW_ENCRYPTION_KEY_FILE] = {"new-encryption-key-file", 0, MF_KIND_PATH, 0, "FILE",
	NULL, NULL, 0, NEW_KEY, MF_COMPLETE_FILE, "first half of the raw pair for the slot",
	"Make the slot for a raw pair: this file and --new-hmac-key-file, each base64 or exactly 32 "
	"bytes."},
    [MF_OPT_NEW_HMAC_KEY_FILE] = {"new-hmac-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	NEW_KEY, MF_COMPLETE_FILE, "second half of the raw pair for the slot",
	"The other half of the pair of --new-encryption-key-file."},
    [MF_OPT_SIGNING] = {"signing", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(KEY_GENERATE),
	MF_COMPLETE_NONE, "make a signing key instead of an identity",
	"Make an Ed25519 signing key instead of an identity."},
    [MF_OPT_OUT] = {"out", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, MF_FOR(KEY_GENERATE),
	MF_COMPLETE_FILE, "file to write; it must not exist",
	"The file to write; one that exists is refused."},
    [MF_OPT_TAG] = {"tag", 0, MF_KIND_PAIR, MF_OPTION_REPEATS, "KEY=VALUE", NULL, NULL, 0,
	MAKES_VERSION, MF_COMPLETE_NONE, "tag of the new version; repeatable",
	"Tag the version; signed with it. May be given more than once."},
    [MF_OPT_METRIC] = {"metric", 0, MF_KIND_PAIR, MF_OPTION_REPEATS, "KEY=NUMBER", NULL, NULL, 0,
	MAKES_VERSION, MF_COMPLETE_NONE, "metric of the new version; repeatable",
	"Record a number with the version, such as `accuracy=0.93`; signed with it. "
	"May be given more than once."},
    [MF_OPT_METRICS_FROM] = {"metrics-from", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	MAKES_VERSION, MF_COMPLETE_FILE, "JSON object of metrics for the new version",
	"Record the numbers of a JSON object in FILE as metrics; --metric wins over it."},
    [MF_OPT_INCLUDE] = {"include", 0, MF_KIND_GLOB, MF_OPTION_REPEATS, "GLOB", NULL, NULL, 0,
	FILTERS, MF_COMPLETE_NONE, "take only paths that match; repeatable",
	"Take paths that match; see PATTERNS. "
	"Where there is an --include, a path that no rule matches is left out."},
    [MF_OPT_EXCLUDE] = {"exclude", 0, MF_KIND_GLOB, MF_OPTION_REPEATS, "GLOB", NULL, NULL, 0,
	FILTERS, MF_COMPLETE_NONE, "leave out paths that match; repeatable",
	"Leave out paths that match; see PATTERNS."},
    [MF_OPT_FILTER_FROM] = {"filter-from", 0, MF_KIND_PATH, MF_OPTION_REPEATS, "FILE", NULL, NULL,
	0, FILTERS, MF_COMPLETE_FILE, "read rules (+ GLOB, - GLOB) from a file; repeatable",
	"Read rules from FILE, one a line: `+ GLOB` takes, `- GLOB` leaves out, `!` forgets all rules "
	"before it; blank lines and those that begin with `#` or `;` are comments, and blanks at the ends "
	"of a line do not count."},
    [MF_OPT_FILES_FROM] = {"files-from", 0, MF_KIND_PATH, MF_OPTION_REPEATS, "FILE", NULL, NULL, 0,
	READS_SOURCE | COMPARES, MF_COMPLETE_FILE,
	"take exactly the paths listed in a file; repeatable",
	"Take exactly the paths in FILE, one a line, relative to DIR or SRC, whether or not they begin "
	"with `/`. Blank lines, comments and blanks are as in `--filter-from`: a name that begins with "
	"`#` is written as `/#name`. "
	"`push` fails where one is missing; a mirror goes by what there is, as in rclone. "
	"Cannot be combined with the other filters."},
    [MF_OPT_ONE_FILE_SYSTEM] = {"one-file-system", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	READS_SOURCE, MF_COMPLETE_NONE, "do not enter other file systems",
	"Do not enter directories on another file system."},
    [MF_OPT_SETTLE] = {"settle", 0, MF_KIND_DURATION, 0, "DURATION", "0", NULL, 0, READS_SOURCE,
	MF_COMPLETE_NONE, "wait until the source was quiet for this long",
	"Wait until nothing in the source has changed for this long."},
    [MF_OPT_READY_FILE] = {"ready-file", 0, MF_KIND_GLOB, 0, "GLOB", NULL, NULL, 0, READS_SOURCE,
	MF_COMPLETE_NONE, "push only when such a file exists in DIR",
	"Push only when a file that matches exists directly in DIR; otherwise say so and exit 0 with "
	"no version."},
    [MF_OPT_REF] = {"ref", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0, MAKES_VERSION,
	MF_COMPLETE_NONE, "point this ref at the new version",
	"Point this ref at the version when the push, or the commit, is done."},
    [MF_OPT_SIGN_KEY] = {"sign-key", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, SIGNS | PULLS,
	MF_COMPLETE_FILE, "sign the version and the ref with this key",
	"Sign the version and the ref with this key, made by `key generate` --signing. "
	"A `push` --shard signs what its shard has, for a `commit` --trusted-keys. "
	"`pull` and `follow` sign the receipt of --site."},
    [MF_OPT_ALLOW_PARTIAL] = {"allow-partial", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	READS_SOURCE, MF_COMPLETE_NONE, "make a version although files could not be read",
	"Make a version although some files could not be read; it is flagged as partial, and no ref "
	"is moved to it."},
    [MF_OPT_MAX_DURATION] = {"max-duration", 0, MF_KIND_DURATION, 0, "DURATION", NULL, NULL, 0,
	READS_SOURCE, MF_COMPLETE_NONE, "stop after this long, to be resumed",
	"Stop after this long with status 11, whatever is under way; what was sent counts when the "
	"push is run again."},
    [MF_OPT_DRY_RUN] = {"dry-run", 'n', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MF_FOR(PUSH) | MF_FOR(PULL) | MF_FOR(PRUNE) | MF_FOR(MIGRATE) | MIRRORS,
	MF_COMPLETE_NONE,
	"say what would be done, change nothing",
	"Say what would be done and change nothing."},
    [MF_OPT_FORCE] = {"force", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(PUSH),
	MF_COMPLETE_NONE, "make a version although nothing changed",
	"Make a version although nothing changed."},
    [MF_OPT_FORCE_REMOVE] = {"force", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(KEY_REMOVE),
	MF_COMPLETE_NONE, "remove the slot that the given keys open",
	"Remove the slot although the keys given open no other."},
    [MF_OPT_IGNORE_INODE] = {"ignore-inode", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	READS_SOURCE, MF_COMPLETE_NONE, "a new inode number alone is no change",
	"A file whose inode number alone differs counts as unchanged, for NFS and CSI volumes. "
	"With --shard, where each shard has a copy of its own."},
    [MF_OPT_IGNORE_CTIME] = {"ignore-ctime", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	READS_SOURCE, MF_COMPLETE_NONE, "a new change time alone is no change",
	"A file whose change time alone differs counts as unchanged, for NFS and CSI volumes. "
	"With --shard, where each shard has a copy of its own."},
    [MF_OPT_NO_CHECK] = {"no-check", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, READS_SOURCE,
	MF_COMPLETE_NONE, "do not decode each chunk again before it is stored",
	"Do not decode each compressed chunk again before it is stored."},
    [MF_OPT_SHARD] = {"shard", 0, MF_KIND_STRING, 0, "I/N", NULL, NULL, 0, MF_FOR(PUSH),
	MF_COMPLETE_NONE, "push only part I of N of the version",
	"Push only part I of N, counted from 1, of DIR as it stands; when all N are there, `commit` "
	"makes the version of them. "
	"@VERSION must be given, and DIR, the filters, --ignore-inode and --ignore-ctime must be the "
	"same for all shards. "
	"The parts are equal in bytes, and every shard finds them without asking the others. "
	"Of a file that is divided, the shard with its last byte reads all, for its checksum, and one "
	"that is cut by content is read from its start by each shard that has a part of it. "
	"--bwlimit and --tpslimit are for all N together: each shard takes the Nth part. "
	"--transfers, --checkers, --threads and --memory are each shard's own, since they are about "
	"its machine; a bucket that N shards are too many for asks for less, and each of them then "
	"sends fewer at once. "
	"A shard that was killed is pushed again, and sends what is missing. "
	"--ref, --tag, --metric and --metrics-from belong to the commit and are refused here, and so "
	"are --allow-partial, --force and --ready-file."},
    [MF_OPT_SHARDS] = {"shards", 0, MF_KIND_NUMBER, 0, "N", NULL, NULL, 1,
	MAKES_VERSION, MF_COMPLETE_NONE, "how many shards the version has",
	"How many shards the version has, at most 256. "
	"For `push` the same as --shard I/N, where I is one more than JOB_COMPLETION_INDEX, which "
	"Kubernetes sets in the pods of an Indexed Job."},
    [MF_OPT_LINK] = {"link", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "flip the symbolic link DIR/NAME to the version",
	"Keep versions inside DIR and flip the symbolic link DIR/NAME to the one pulled."},
    [MF_OPT_TRUSTED_KEYS] = {"trusted-keys", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	MF_FOR(COMMIT) | PULLS | MF_FOR(CAT) | MF_FOR(ROLLBACK) | MF_FOR(MIGRATE) |
	    MF_FOR(DOCTOR),
	MF_COMPLETE_FILE,
	"demand signatures by one of these public keys",
	"Demand that the version and the ref are signed by one of the public keys in FILE, and "
	"compute every chunk id again. "
	"Then `previous` and --best follow from signatures alone; where a note or a removal that "
	"nobody signed could change the answer, it is refused with status 5. "
	"For `commit`, what a shard brought counts only if one of these keys signed it."},
    [MF_OPT_KEEP_LOCAL] = {"keep-local", 0, MF_KIND_NUMBER, 0, "N", "2", NULL, 1, PULLS,
	MF_COMPLETE_NONE, "local versions to keep with --link",
	"How many versions stay in DIR with --link, the new one among them; those beside that a run of "
	"`migrate` keeps, while it is under way and as long after that as its plan says, stay too."},
    [MF_OPT_LOCAL_GRACE] = {"local-grace", 0, MF_KIND_DURATION, 0, "DURATION", "1h", NULL, 0,
	PULLS, MF_COMPLETE_NONE, "least age at which a local version is removed",
	"How long a version stays in DIR after the link left it, whatever --keep-local says."},
    [MF_OPT_HARD_LINK] = {"hard-link", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "share equal files of local versions by hard links",
	"Link files whose content and time are those of a file in a local version, under whatever "
	"path, instead of copying them. "
	"For that all files are made read-only (0444), whatever --chmod says, and only such files are "
	"linked. "
	"A file is read and compared with the manifest before; with --trusted-keys by its chunk ids, "
	"so that small files, which share chunks, are copied."},
    [MF_OPT_CHMOD] = {"chmod", 0, MF_KIND_STRING, 0, "MODE", NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "octal mode of all files",
	"Give all files this octal mode, such as `0640`; directories get an execute bit wherever "
	"there is a read bit, and keep all bits of their owner, who will have to remove them."},
    [MF_OPT_NO_PERMS] = {"no-perms", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "do not restore modes",
	"Do not restore modes: files get 0640, directories 0750."},
    [MF_OPT_NO_DIRECT_IO] = {"no-direct-io", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	PULLS | MIRRORS | MF_FOR(MIGRATE), MF_COMPLETE_NONE,
	"write large files through the page cache",
	"Write all files through the page cache, so that who reads a large one next finds it in "
	"memory if there is enough. "
	"Otherwise files of 4 MiB and more that are pulled, or come from a bucket, go past it "
	"(O_DIRECT) where the file system of a local disk says what it takes (Linux 6.1): that costs "
	"less processor time, and leaves the page cache to whoever serves from this machine. "
	"A disk that has to seek may do better with this, too: several writes to different places "
	"are under way at once."},
    [MF_OPT_MIN_SEQUENCE] = {"min-sequence", 0, MF_KIND_NUMBER, MF_OPTION_WIDE, "N", NULL, NULL, 0,
	PULLS, MF_COMPLETE_NONE, "refuse a ref with a lower sequence",
	"Refuse a ref whose sequence number is lower, for a client that has seen none yet."},
    [MF_OPT_MAX_REF_AGE] = {"max-ref-age", 0, MF_KIND_DURATION, 0, "DURATION", NULL, NULL, 0,
	PULLS, MF_COMPLETE_NONE, "refuse a ref that was written longer ago",
	"Refuse a ref that was written longer ago."},
    [MF_OPT_SITE] = {"site", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "write a receipt: this site has the version",
	"Write a receipt into the repository when DIR shows the version and all of it was verified: "
	"site, instance, version, size, time, and whether it is served. "
	"A migration waits for receipts before it moves traffic. "
	"The store must allow this client to write. "
	"`follow` writes it anew each minute while nothing changes, and says that the version is not "
	"served where --notify-cmd failed. "
	"Not together with filters."},
    [MF_OPT_INSTANCE] = {"instance", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0, PULLS,
	MF_COMPLETE_NONE, "which of the site's machines this is",
	"Which of the machines of --site this is; each has a receipt of its own. "
	"Without it, the name of the host."},
    [MF_OPT_INTERVAL] = {"interval", 0, MF_KIND_DURATION, 0, "DURATION", "1m", NULL,
	SECOND_US / 10, MF_FOR(FOLLOW), MF_COMPLETE_NONE, "time between two looks at the ref",
	"Look at the ref about this often: each wait is by chance between 3/4 and 5/4 of it."},
    [MF_OPT_ONCE] = {"once", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(FOLLOW),
	MF_COMPLETE_NONE, "look once, pull where that is needed, and end",
	"Look once, pull where DIR is not at the ref, and end with the statuses of `pull`."},
    [MF_OPT_NOTIFY_CMD] = {"notify-cmd", 0, MF_KIND_PATH, 0, "PROGRAM", NULL, NULL, 0,
	MF_FOR(FOLLOW), MF_COMPLETE_FILE, "run this program when DIR shows another version",
	"Run this program when DIR shows another version. "
	"It is the path of one file, which is run without a shell, a search in PATH or arguments; "
	"standard input is empty, and its output goes to standard error. "
	"Its environment has FOLLOW_MODEL, FOLLOW_REF, FOLLOW_VERSION, FOLLOW_SEQUENCE (of the ref), "
	"FOLLOW_DIR (DIR), FOLLOW_PATH (where the version lies) and FOLLOW_RUN_ID besides ours, from "
	"which MODEL_ENCRYPTION_KEY, MODEL_HMAC_KEY, MODELFERRY_NOTIFY_URL and MODELFERRY_PING_URL are "
	"taken out. "
	"That it fails is logged and told, and changes nothing else; what must be tried again it tries "
	"itself. "
	"DIR remembers in `.modelferry/notified` for which version it came to its end: where that was "
	"cut off, or something else brought the version, it is run when `follow` starts."},
    [MF_OPT_NOTIFY_CMD_TIMEOUT] = {"notify-cmd-timeout", 0, MF_KIND_DURATION, 0, "DURATION", "1m",
	NULL, SECOND_US / 10, MF_FOR(FOLLOW), MF_COMPLETE_NONE, "longest that --notify-cmd may run",
	"End the program of --notify-cmd, and what it started, after this long, or 5 seconds after a "
	"signal that ends us: by SIGTERM, and SIGKILL 5 seconds later."},
    [MF_OPT_RESUME] = {"resume", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(MIGRATE),
	MF_COMPLETE_NONE, "go on with the run of this plan that has not ended",
	"Go on with the run of PLAN that was killed or told to end. "
	"Its journal is taken from --state-dir, or from the repository where that knows of none."},
    [MF_OPT_ON_RESUME] = {"on-resume", 0, MF_KIND_CHOICE, 0, "WHAT", "continue",
	"continue rollback", 0, MF_FOR(MIGRATE), MF_COMPLETE_CHOICES,
	"what a run that is resumed does",
	"With --resume: `continue` goes on from where the run was, after one full look where it was away "
	"for more than three intervals; `rollback` takes all traffic back."},
    [MF_OPT_LEASE] = {"lease", 0, MF_KIND_STRING, 0, "file:PATH", NULL, NULL, 0, MF_FOR(MIGRATE),
	MF_COMPLETE_NONE, "keep a lease in a local file",
	"Keep a lease of the run in this file, which all runs that could meet must share; needed where "
	"the repository's store has no conditional writes, and without a repository. Where it has them, "
	"the leases that lie there are held as well."},
    [MF_OPT_SECRETS_DIR] = {"secrets-dir", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0,
	RUNS_PLAN, MF_COMPLETE_DIR, "where the Secrets lie that a plan names",
	"Take a Secret that the plan names from DIR/NAME/KEY, as Kubernetes mounts them."},
    [MF_OPT_MODEL] = {"model", 0, MF_KIND_STRING, 0, "MODEL@VERSION", NULL, NULL, 0,
	RUNS_PLAN, MF_COMPLETE_NONE, "of a bare Canary or Rollout: what is carried",
	"Of a Canary or Rollout that no Migration refers to: carry this version along, from --from to "
	"--to. Without these three traffic alone moves."},
    [MF_OPT_FROM] = {"from", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0, RUNS_PLAN,
	MF_COMPLETE_DIR, "with --model: the source's directory",
	"With --model: the directory that the version is made of, where the repository has none."},
    [MF_OPT_MIGRATE_TO] = {"to", 0, MF_KIND_STRING, 0, "DIR[,link=NAME]", NULL, NULL, 0,
	RUNS_PLAN, MF_COMPLETE_DIR, "with --model: the destination's directory",
	"With --model: the directory that the version is pulled to, and the link in it that is flipped."},
    [MF_OPT_ROUTER] = {"router", 0, MF_KIND_STRING, 0, "ROUTER", NULL, NULL, 0, RUNS_PLAN,
	MF_COMPLETE_FILE, "of a bare Canary or Rollout: who moves the traffic",
	"Of a Canary or Rollout that no Migration refers to: who moves the traffic. "
	"Either a file that holds what a Migration has under `router`, or "
	"`haproxy:SOCKET,primary=BACKEND/SERVER,canary=BACKEND/SERVER`, "
	"`file:template=FILE,output=FILE,reload=PROGRAM` or `exec:PROGRAM`, with the words of that "
	"stanza between commas; a word that takes a list may stand more than once."},
    [MF_OPT_VERIFY_FOR] = {"verify-for", 0, MF_KIND_DURATION, 0, "DURATION", NULL, NULL, 0,
	RUNS_PLAN, MF_COMPLETE_NONE, "of a bare Canary or Rollout: how long a way back is watched",
	"Of a Canary or Rollout that no Migration refers to: how long the primary's metrics are watched "
	"when traffic went back, as `rollback.verifyFor` of a Migration says. 0 is one look, and none is "
	"missed where nothing measures the primary; 5m where it is not given."},
    [MF_OPT_PRIMARY_ARG] = {"primary-arg", 0, MF_KIND_PAIR, MF_OPTION_REPEATS, "NAME=VALUE", NULL,
	NULL, 0, RUNS_PLAN, MF_COMPLETE_NONE,
	"of a bare Rollout: what an argument is on the primary's side; repeatable",
	"Of a Rollout that no Migration refers to: the value that an argument of its analyses has where "
	"the primary is measured, as `analysis.primaryArgs` of a Migration says. May be given more than "
	"once."},
    [MF_OPT_ABORT] = {"abort", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "take all traffic of RUN back", "Take all traffic of RUN back."},
    [MF_OPT_PROMOTE] = {"promote", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "let RUN pass the gate that it waits at",
	"Let RUN pass the gate or the pause that it waits at; with --full everything that is left of its "
	"steps."},
    [MF_OPT_FULL] = {"full", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "with --promote: past all steps",
	"With --promote: past all steps that are left."},
    [MF_OPT_PAUSE] = {"pause", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "let RUN take no step",
	"Let RUN take no step further; it still looks, turns back where it must, and waits no longer than "
	"the plan's `maxHold`."},
    [MF_OPT_CONTINUE] = {"continue", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "let RUN go on",
	"Let RUN go on from a pause, or from a weight that somebody lowered."},
    [MF_OPT_RETRY] = {"retry", 0, MF_KIND_FLAG, MF_OPTION_ARGS_ONLY, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE), MF_COMPLETE_NONE, "let RUN of a Rollout begin again",
	"Let RUN of a Rollout, which is on its way back, begin again."},
    [MF_OPT_START] = {"start", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, MF_FOR(SIMULATE),
	MF_COMPLETE_FILE, "where the simulation begins",
	"Begin where this file says, a JSON object: `phase`, `applied` and `promoted` (revisions), "
	"`weights` (of primary and canary), `statusWeight`, `failedChecks`, `iterations`, `mirrored`. "
	"Without it the last run succeeded, revision `A` is applied and promoted, and the weights are "
	"100 and 0."},
    [MF_OPT_FINISH] = {"finish", 0, MF_KIND_CHOICE, 0, "HOW", NULL, "stay copy-back", 0,
	MF_FOR(MIGRATE) | MF_FOR(PLAN_CHECK) | MF_FOR(SIMULATE), MF_COMPLETE_CHOICES,
	"where the traffic is at the end",
	"How the run ends: with `stay` the canary's side keeps all the traffic, with `copy-back` the "
	"primary takes over what the canary runs and traffic returns to it, as in Flagger. "
	"Without it the plan decides; a plan without a word about it ends with `stay` in the profile "
	"`migration` and with `copy-back` in the others."},
    [MF_OPT_PROFILE] = {"profile", 0, MF_KIND_CHOICE, 0, "NAME", NULL, "flagger argo migration", 0,
	MF_FOR(PLAN_CHECK) | MF_FOR(SIMULATE), MF_COMPLETE_CHOICES, "whose rules count",
	"Follow the rules of Flagger, of Argo Rollouts, or those of a migration, which differ on "
	"purpose where a model moves between sites. "
	"Without it `plan check` has those of a migration, and `simulate` those of each kind of plan: of "
	"a Canary Flagger's, of a Rollout or AnalysisTemplate Argo's. "
	"Of a Migration they are always those of a migration."},
    [MF_OPT_EXPECT] = {"expect", 0, MF_KIND_STRING, 0, "VERSION", NULL, NULL, 0,
	MF_FOR(REF), MF_COMPLETE_NONE,
	"move the ref only if it points here now",
	"Move the ref only if it points at VERSION now; otherwise the status is 7. "
	"An empty VERSION expects that there is no such ref."},
    [MF_OPT_ROLLBACK_TO] = {"to", 0, MF_KIND_STRING, 0, "VERSION", NULL, NULL, 0, MF_FOR(ROLLBACK),
	MF_COMPLETE_NONE, "go to this version", "Go back to this version."},
    [MF_OPT_BEST] = {"best", 0, MF_KIND_STRING, 0, "METRIC", NULL, NULL, 0, MF_FOR(ROLLBACK),
	MF_COMPLETE_NONE, "go to the version with the highest METRIC",
	"Go to the version, other than the one production leaves, with the highest value of METRIC."},
    [MF_OPT_ALLOW_REJECTED] = {"allow-rejected", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MF_FOR(ROLLBACK) | MF_FOR(MIGRATE) | MF_FOR(DOCTOR), MF_COMPLETE_NONE,
	"take a version although it was rejected",
	"Also consider versions that were rejected. "
	"A run that carries one to its end takes the mark off it."},
    [MF_OPT_NEW_VERSION] = {"new-version", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MF_FOR(MIGRATE) | MF_FOR(DOCTOR), MF_COMPLETE_NONE,
	"make the version of whatever lies at the source",
	"Make a version that is not in the repository of the source's directory also where that "
	"directory does not have the version's name."},
    [MF_OPT_REASON] = {"reason", 0, MF_KIND_STRING, 0, "TEXT", NULL, NULL, 0,
	MF_FOR(ROLLBACK) | MF_FOR(MIGRATE),
	MF_COMPLETE_NONE, "why; for the record",
	"Why; recorded with the version that is rejected, or with what steers a run."},
    [MF_OPT_DAMAGED] = {"damaged", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(FORGET),
	MF_COMPLETE_NONE, "forget a version whose manifest cannot be read",
	"Forget the version although its manifest cannot be read. "
	"Its list of files, its tags and its metrics are lost. "
	"Where nothing else in the repository tells its name, the name of the manifest's object may "
	"be given instead, as `verify` and `prune` print it: `m/` and hexadecimal digits. "
	"A damaged condemned list, hold or vote is removed by its name."},
    [MF_OPT_READ_DATA] = {"read-data", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(VERIFY),
	MF_COMPLETE_NONE, "read and check all stored bytes",
	"Read every stored byte, open and decode it, and compute its id again."},
    [MF_OPT_SAMPLE] = {"sample", 0, MF_KIND_STRING, 0, "I/N", NULL, NULL, 0, MF_FOR(VERIFY),
	MF_COMPLETE_NONE, "read only part I of N",
	"Read only part I of N, so that the parts 1/N to N/N together read everything. "
	"Implies --read-data."},
    [MF_OPT_LOCAL] = {"local", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0, MF_FOR(VERIFY),
	MF_COMPLETE_DIR, "compare this directory with the version",
	"Compare the files of DIR with the version instead of the store."},
    [MF_OPT_REPAIR_FROM] = {"repair-from", 0, MF_KIND_PATH, 0, "DIR", NULL, NULL, 0,
	MF_FOR(VERIFY), MF_COMPLETE_DIR, "store again what is damaged, from this directory",
	"Store again the chunks found missing, and with --read-data those found damaged, that a "
	"healthy copy of the version in DIR still has. "
	"Damaged segments of a manifest (lists of files) are made again too, where DIR is the very "
	"directory that was pushed, on the same machine, and was not changed since: they hold the times "
	"and inode numbers of its files. "
	"Nothing is stored before its id has come out right."},
    [MF_OPT_KEEP_LAST] = {"keep-last", 0, MF_KIND_NUMBER, 0, "N", NULL, NULL, 1, MF_FOR(PRUNE),
	MF_COMPLETE_NONE, "keep the newest N versions of each model",
	"Keep the newest N versions of each model."},
    [MF_OPT_KEEP_WITHIN] = {"keep-within", 0, MF_KIND_DURATION, 0, "DURATION", NULL, NULL, 0,
	MF_FOR(PRUNE), MF_COMPLETE_NONE, "keep versions younger than this",
	"Keep versions younger than this."},
    [MF_OPT_KEEP_TAG] = {"keep-tag", 0, MF_KIND_STRING, MF_OPTION_REPEATS, "TAG", NULL, NULL, 0,
	MF_FOR(PRUNE), MF_COMPLETE_NONE, "keep versions with this tag; repeatable",
	"Keep versions that have this tag, given as KEY or KEY=VALUE. May be given more than once."},
    [MF_OPT_GRACE] = {"grace", 0, MF_KIND_DURATION, 0, "DURATION", "24h", NULL, 0, MF_FOR(PRUNE),
	MF_COMPLETE_NONE, "leave objects alone that are younger than this",
	"Leave objects alone that are younger than this by the store's clock, so that running pushes "
	"need not send them again. "
	"Safety does not depend on it."},
    [MF_OPT_RESEAL] = {"reseal", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(PRUNE),
	MF_COMPLETE_NONE, "move chunks of older key epochs to the current one",
	"Seal chunks of older key epochs again under the current one."},
    [MF_OPT_REPLICATE_TO] = {"to", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, MF_FOR(REPLICATE),
	MF_COMPLETE_DIR, "the repository to copy into", "The repository to copy into."},
    [MF_OPT_LISTEN] = {"listen", 0, MF_KIND_STRING, 0, "ADDRESS:PORT", "127.0.0.1:8090", NULL, 0,
	MF_FOR(SERVE), MF_COMPLETE_NONE, "where to listen",
	"Listen there: an IPv4 address, or an IPv6 one in brackets, and a port, of which 0 means any "
	"that is free. "
	"Who can reach an address other than this machine's own may ask; see --token-file."},
    [MF_OPT_TOKEN_FILE] = {"token-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, MF_FOR(SERVE),
	MF_COMPLETE_FILE, "file with the token that opens and closes gates",
	"Take what opens or closes a gate only with the header `Authorization: Bearer` and the token in "
	"this file, a line of at least 16 characters. "
	"A check needs none, since Flagger sends none."},
    [MF_OPT_TLS_CERT] = {"tls-cert", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, MF_FOR(SERVE),
	MF_COMPLETE_FILE, "certificate to serve over TLS with",
	"Serve over TLS, 1.2 or later, with the certificate in this PEM file and those that vouch for "
	"it behind it. "
	"It is read at start."},
    [MF_OPT_TLS_KEY] = {"tls-key", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0, MF_FOR(SERVE),
	MF_COMPLETE_FILE, "key of the certificate", "The key of --tls-cert, in a PEM file."},
    [MF_OPT_TO_KEY_FILE] = {"to-key-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	MF_FOR(REPLICATE), MF_COMPLETE_FILE, "identity file that opens the other repository",
	"Open the repository at --to with this identity; without it and --to-passphrase-file, with "
	"the same keys as the first."},
    [MF_OPT_TO_PASSPHRASE_FILE] = {"to-passphrase-file", 0, MF_KIND_PATH, 0, "FILE", NULL, NULL, 0,
	MF_FOR(REPLICATE), MF_COMPLETE_FILE, "file with the passphrase of the other repository",
	"Open the repository at --to with the passphrase in this file."},
    [MF_OPT_TO_ENDPOINT_URL] = {"to-endpoint-url", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0,
	HAS_TARGET, MF_COMPLETE_NONE, "the S3 server of the second place, where it is another one",
	"The S3 server of the second place, which is --to of `replicate` and DST of `sync`, `copy` and "
	"`check`, where that is an `s3://` bucket: such as `https://s3.eu-west-1.amazonaws.com`; "
	"without it that of the first. "
	"Given on the command line where the second place is none, this and the three options below "
	"are refused."},
    [MF_OPT_TO_REGION] = {"to-region", 0, MF_KIND_STRING, 0, "REGION", NULL, NULL, 0,
	HAS_TARGET, MF_COMPLETE_NONE, "region of the second bucket",
	"The region of the second bucket; without it and --to-endpoint-url and --to-s3-profile, that "
	"of the first."},
    [MF_OPT_TO_S3_PROFILE] = {"to-s3-profile", 0, MF_KIND_STRING, 0, "NAME", NULL, NULL, 0,
	HAS_TARGET, MF_COMPLETE_NONE, "profile to take the second bucket's credentials from",
	"Take credentials and region for the second bucket from this profile of the AWS "
	"configuration; without it and --to-s3-credentials-file, the first bucket's credentials are "
	"used."},
    [MF_OPT_TO_S3_CREDENTIALS_FILE] = {"to-s3-credentials-file", 0, MF_KIND_PATH, 0, "FILE", NULL,
	NULL, 0, HAS_TARGET, MF_COMPLETE_FILE, "file with the second bucket's credentials",
	"Take the credentials for the second bucket from this file, written as `~/.aws/credentials` "
	"is."},
    [MF_OPT_CHECKSUM] = {"checksum", 'c', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MIRRORS,
	MF_COMPLETE_NONE, "compare by size and MD5, not by time",
	"Compare files by size and MD5 instead of by size and time. "
	"What `sync` or `copy` sent in parts is compared by the MD5s of those. "
	"Where the two have no MD5s that compare (an object that was sent in parts by something that "
	"kept none, two in parts of two sizes) the size decides, and a warning says so once."},
    [MF_OPT_SIZE_ONLY] = {"size-only", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, COMPARES,
	MF_COMPLETE_NONE, "compare by size alone", "Compare files by size alone."},
    [MF_OPT_UPDATE] = {"update", 'u', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MIRRORS,
	MF_COMPLETE_NONE, "leave files alone that are newer at the destination",
	"Leave a file alone that is newer at the destination. "
	"One of the same time is sent where its size differs, or with --checksum its content."},
    [MF_OPT_IGNORE_EXISTING] = {"ignore-existing", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MIRRORS, MF_COMPLETE_NONE, "leave files alone that the destination has",
	"Leave every file alone that the destination has, whatever is in it."},
    [MF_OPT_IGNORE_CHECKSUM] = {"ignore-checksum", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MIRRORS, MF_COMPLETE_NONE, "do not compute checksums of what is downloaded",
	"Do not compare what comes from a bucket with its MD5, ETag or checksum, which takes a third of "
	"a download's processor time, and most of it where one file comes at a time: then it is TCP and "
	"TLS that vouch for the bytes. "
	"Which files are sent is not decided by this; see `--checksum`."},
    [MF_OPT_IMMUTABLE] = {"immutable", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MIRRORS,
	MF_COMPLETE_NONE, "fail where a file would have to change",
	"A file at the destination that would have to change is an error, and stays; the status is 7. "
	"New files are sent, and `sync` deletes."},
    [MF_OPT_MODIFY_WINDOW] = {"modify-window", 0, MF_KIND_DURATION, 0, "DURATION", "0", NULL, 0,
	MIRRORS, MF_COMPLETE_NONE, "times this far apart count as the same",
	"Times that are less than this apart count as the same, for file systems that do not keep "
	"them exactly; with 0 they must be the same to the nanosecond."},
    [MF_OPT_MAX_DELETE] = {"max-delete", 0, MF_KIND_NUMBER, 0, "N", NULL, NULL, 0, MF_FOR(SYNC),
	MF_COMPLETE_NONE, "delete nothing where more than N files would go",
	"Where more than N files would be deleted, delete none and fail with status 1. "
	"What was to be copied has been copied by then."},
    [MF_OPT_DELETE_AFTER] = {"delete-after", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MF_FOR(SYNC), MF_COMPLETE_NONE, "delete last; it is never done otherwise",
	"Delete only when everything was copied. "
	"This is what `sync` always does, and the option is there for scripts that say so; "
	"`--delete-after=false` is refused."},
    [MF_OPT_DELETE_EXCLUDED] = {"delete-excluded", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0,
	MF_FOR(SYNC), MF_COMPLETE_NONE, "delete what the filters leave out, too",
	"Also delete files at the destination that the filters leave out."},
    [MF_OPT_BACKUP_DIR] = {"backup-dir", 0, MF_KIND_STRING, 0, "URL", NULL, NULL, 0, MIRRORS,
	MF_COMPLETE_DIR, "keep here what is replaced or deleted",
	"Keep what is replaced or deleted in this directory or bucket, under its path. "
	"A file that is kept already under that path is replaced. "
	"It must lie outside of SRC and DST."},
    [MF_OPT_SUFFIX] = {"suffix", 0, MF_KIND_STRING, 0, "TEXT", NULL, NULL, 0, MIRRORS,
	MF_COMPLETE_NONE, "add this to the names of what is kept",
	"Add this to the names of what is replaced or deleted and kept: in --backup-dir, or without "
	"that in DST itself, where an --exclude such as `*TEXT` keeps the next `sync` from taking it "
	"for something to delete."},
    [MF_OPT_CREATE_EMPTY_SRC_DIRS] = {"create-empty-src-dirs", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL,
	0, MIRRORS, MF_COMPLETE_NONE, "make empty directories of SRC at DST, too",
	"Make empty directories of SRC in DST, too; a bucket has none."},
    [MF_OPT_LINKS] = {"links", 'l', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, COMPARES,
	MF_COMPLETE_NONE, "take symbolic links for files NAME.rclonelink",
	"Take a symbolic link in a directory for a file with `.rclonelink` behind its name whose "
	"content is the path that it leads to, and write such a file as a link. "
	"Links are made as they are told, wherever they lead; nothing is ever written through one. "
	"A file that has such a name is skipped with a warning."},
    [MF_OPT_COPY_LINKS] = {"copy-links", 'L', MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, COMPARES,
	MF_COMPLETE_NONE, "follow symbolic links",
	"Follow symbolic links in SRC, and for `check` in DST too, and take what they lead to, also "
	"where that lies outside. "
	"A link that leads nowhere, or to a directory that it lies in, is named and a failure, so "
	"that nothing is deleted. "
	"Links in the directory that is written to are not followed."},
    [MF_OPT_STATS_FILE_NAME_LENGTH] = {"stats-file-name-length", 0, MF_KIND_NUMBER, 0, "N", "45",
	NULL, 0, COMPARES, MF_COMPLETE_NONE, "characters of a file's name in progress; 0 for all",
	"How many characters of each file's path are shown in progress; longer ones are cut in their "
	"middle, and with 0 none is."},
    [MF_OPT_ONE_WAY] = {"one-way", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(CHECK),
	MF_COMPLETE_NONE, "what only DST has is no difference",
	"What only DST has is no difference, as after `copy`."},
    [MF_OPT_DOWNLOAD] = {"download", 0, MF_KIND_FLAG, 0, NULL, NULL, NULL, 0, MF_FOR(CHECK),
	MF_COMPLETE_NONE, "read both sides instead of trusting their MD5s",
	"Read every file of both sides and compare what came, whatever MD5s they tell."},
};
