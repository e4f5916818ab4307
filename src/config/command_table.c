#include "src/config/command.h"

const struct mf_command_row mf_command_table[MF_COMMANDS] = {
    [MF_CMD_INIT] = {"init", "", 0, 0, "", "create the repository at --repo",
	"Creates an empty repository at --repo and prints its id and what the store can do, tried "
	"for real. "
	"The first key slot is made of the keys given: the raw pair in the environment, "
	"--passphrase-file or --key-file. "
	"The id commits to the first root secret: note it, and give it to clients with --repo-id."},
    [MF_CMD_PUSH] = {"push", "DIR MODEL[@VERSION]", 2, 2, "d-",
	"store a directory as a new version",
	"Reads DIR, stores what the repository does not have yet, and publishes a new version of "
	"MODEL. "
	"Without @VERSION the version is named by the time in UTC and four random letters. "
	"Where nothing changed since the newest version, no version is made, the command says so and "
	"exits 0; --force makes one. "
	"A VERSION that is there already, of the same files, is not made again, with --force neither, "
	"and --ref is moved to it; of other files, the status is 7.\n\n"
	"A push that was killed leaves nothing that a reader can see; run again, it sends only what "
	"is missing. "
	"A file that changes while it is read is read again. "
	"A source that stays unreadable or keeps changing ends with status 12 and no version. "
	"Links that leave DIR to regular files are followed, inner ones are kept, and special files "
	"are refused by name."},
    [MF_CMD_COMMIT] = {"commit", "MODEL@VERSION", 1, 1, "-",
	"make a version of what its shards pushed",
	"Makes one version of what the runs of `push` --shard 1/N to N/N brought; --shards N must be "
	"given. "
	"Where shards are missing, or saw different files, it names them and the status is 7. "
	"Of several attempts of a shard any complete one will do.\n\n"
	"It may be killed, run again, or run twice at once: that gives one version, and the status is "
	"0 each time. "
	"Run again when the version is there, it only moves the ref; tags, metrics and signature are "
	"those of the run that made it. "
	"It reads and writes lists of files alone, and deletes what the shards left of them."},
    [MF_CMD_PULL] = {"pull", "MODEL[@VERSION|@REF] DIR", 2, 2, "-d",
	"bring a version to a directory",
	"Brings a version of MODEL to DIR. "
	"Without @ it takes `production`, else the only version, else the status is 3. "
	"Everything is checked before anybody can see it: files are staged in DIR and appear all at "
	"once.\n\n"
	"With --link everything lies inside DIR: the versions in `.modelferry/versions`, and a "
	"relative symbolic link that is replaced by rename. "
	"A reader should resolve the link once, when it loads; a Kubernetes subPath mount never sees "
	"a flip. "
	"Without --link, DIR must be absent or empty and no mount point, or on a file system that "
	"exchanges two directories atomically; otherwise the pull is refused before the first "
	"byte.\n\n"
	"What the versions that lie in DIR have already is not fetched: the repository's manifests of "
	"them say which chunks they hold, under whatever path, and what is found there is compared "
	"with the manifest of the version that is pulled before it is used. "
	"Where the file system can share blocks between files (reflink), it is not even copied. "
	"Of a version that was forgotten, files that kept their path are tried.\n\n"
	"A pull that was killed goes on from what it had staged; what others left is removed by the "
	"next one that ends well. "
	"A version that any link in DIR shows stays, whatever --keep-local says, and so does one that a "
	"run of `migrate` may have to go back to, whoever pulls; where the repository cannot say which "
	"these are, none is removed. "
	"One pull at a time may work on a DIR; a second ends with status 7.\n\n"
	"Times and the nine permission bits are restored, and the group may read everything besides: "
	"a Kubernetes volume is read by its group (fsGroup). "
	"Owners are not restored: all belongs to whoever pulls. "
	"Free space and inodes are checked before the first byte.\n\n"
	"What a pull has seen, here or on this machine, it does not go back from: an older ref, "
	"version or configuration, or another repository in its place, ends with status 5. "
	"DIR itself remembers, in `.modelferry/seen`, besides --state-dir."},
    [MF_CMD_FOLLOW] = {"follow", "MODEL[@REF] DIR", 2, 2, "-d", "keep a directory at a ref",
	"Keeps DIR at the version that the ref points at, `production` where none is given: a `pull` "
	"now, where DIR is not there yet, and one each time that the ref has moved. "
	"DIR is at the old version or at the new one, whole, and all that is said of `pull` holds, of "
	"--link, --trusted-keys, and of a pull that was killed. "
	"A line on standard output says what DIR shows, first and after each pull; with --json it is an "
	"object.\n\n"
	"Only the ref is read, one small object and its listing, every --interval. "
	"A repository that cannot be reached is looked at again after growing waits, at most 5 minutes "
	"or --interval, the longer one, for as long as it takes; a version that does not verify, or "
	"that cannot be pulled for another reason, is tried again after growing waits, of at most an "
	"hour, and at once when the ref moves. "
	"A ref that is gone, or older than one seen before, is refused, and looked at again. "
	"All the while DIR stays as it is. "
	"The log and --notify-url are told when a trouble begins, every 6 hours that it lasts, and when "
	"it is over. "
	"The repository is opened anew when its keys may have changed, and with it key files and "
	"--trusted-keys are read again.\n\n"
	"Until DIR was at the ref once, what waiting does not heal ends it: keys that do not open the "
	"repository, no repository at --repo, a DIR that is in the way. "
	"Then only a signal does: in a pull with status 11, as of `pull`; else with 0 where DIR is at "
	"the ref, and 11 where it could not be brought there. "
	"SIGHUP is as in other commands."},
    [MF_CMD_VERSIONS] = {"versions", "[MODEL]", 0, 1, "-", "list versions, newest first",
	"Lists the versions of MODEL, or of every model, newest first, with time, files, bytes, refs, "
	"tags and metrics. "
	"As text it also tells which versions were pushed in shards and not committed yet."},
    [MF_CMD_SHOW] = {"show", "MODEL[@VERSION|@REF]", 1, 1, "-", "show one version in full",
	"Shows everything that is recorded about one version: its parent, time, tool, tags, metrics, "
	"signature, refs that point at it, whether it was rejected and why, which sites have it by "
	"their receipts (--site), and which migrations keep it."},
    [MF_CMD_LS] = {"ls", "MODEL[@VERSION|@REF]", 1, 1, "-", "list the files of a version",
	"Lists the entries of a version: mode, size, time and path."},
    [MF_CMD_CAT] = {"cat", "MODEL[@VERSION|@REF] PATH", 2, 2, "--",
	"write one file of a version to standard output",
	"Writes one file of a version to standard output. "
	"Each chunk is checked before its bytes are written; "
	"where the last checks fail after bytes were written, the status is 4."},
    [MF_CMD_DIFF] = {"diff", "MODEL@A MODEL@B", 2, 2, "--", "compare two versions",
	"Prints the paths that are new (+), gone (-) or changed (M) from A to B. "
	"Times do not count. "
	"The status is 10 where they differ, 0 where they are equal."},
    [MF_CMD_REF] = {"ref", "MODEL NAME [VERSION]", 2, 3, "---", "show or move a ref",
	"Without VERSION prints the version that the ref points at, with its sequence number and "
	"time. "
	"With VERSION moves the ref there, under a sequence number one higher, by "
	"compare-and-swap: when somebody else was faster the status is 7 and nothing moved. "
	"A version that was rejected is warned of, and named all the same. "
	"Versions and refs of a model share one namespace; a clash is refused. "
	"`previous` is derived from the history of `production` and cannot be moved."},
    [MF_CMD_TAG] = {"tag", "MODEL@VERSION KEY=VALUE ...", 2, MF_ARGS_MAX, "--",
	"add tags to a version",
	"Adds tags to a version that exists. "
	"They are kept beside the version, sealed; the tags and metrics given to push are part of "
	"the version itself and signed with it. "
	"The newest value of a key counts, and an empty one removes it."},
    [MF_CMD_FORGET] = {"forget", "MODEL@VERSION", 1, 1, "-", "take a version off the list",
	"Takes a version off the list. "
	"A version that a ref points at, or is being moved to, is refused. "
	"Its data goes with the next `prune`. "
	"One that was cut off is finished by running it again; until then no ref can be moved to the "
	"version, and `prune` says so. "
	"One whose manifest is damaged cannot be pulled, nothing can put the manifest back, and until "
	"it is gone `prune` deletes no chunk: --damaged forgets it. "
	"So it does with a damaged condemned list, hold or vote, the notes that runs leave for each other: "
	"their names, `x/`, `h/` or `p/` and hexadecimal digits, are in the messages of those that they stop. "
	"Make sure first that no `prune`, `forget`, `ref` or `push` from before is still running: it "
	"relies on what it wrote there."},
    [MF_CMD_ROLLBACK] = {"rollback", "MODEL", 1, 1, "-", "move production back to a good version",
	"Moves `production` back to `previous`: the last version that was production and was not "
	"rejected; or to the version named by --to; or to the healthy version with the best "
	"metric (--best). "
	"It is a new, higher sequence of the ref, and the version that production leaves is recorded "
	"as rejected, with --reason. "
	"Two rollbacks in a row go two good versions back. "
	"Where there is no such version the status is 3. "
	"With --sign-key give --trusted-keys as well, so that nothing unsigned chooses what you "
	"sign."},
    [MF_CMD_VERIFY] = {"verify", "[MODEL[@VERSION|@REF]]", 0, 1, "-",
	"check that nothing is missing or damaged",
	"Checks that every object that the versions need is stored; with --read-data also that its "
	"bytes are what was pushed. "
	"Every damaged file is named by version and path, and the status is 4. "
	"With --local it compares a directory with a version instead."},
    [MF_CMD_PRUNE] = {"prune", "", 0, 0, "", "delete what no version needs",
	"Deletes chunks that no version needs, safely beside running pushes. "
	"With the --keep options it first forgets the versions that no "
	"rule keeps; without any of them it forgets none. "
	"The version of a ref is always kept. "
	"What was pushed in shards and not committed is kept for --grace, and then deleted. "
	"What a retention or a legal hold of the bucket keeps from being deleted is named, with when "
	"the retention ends, and counted; all else goes, the next prune tries again, and the status is "
	"5. Of a version whose manifest is kept so nothing goes. "
	"While one version's manifest cannot be read in full, no chunk is deleted: the status is 4, "
	"and the message names the version and the command that gives it up."},
    [MF_CMD_REPLICATE] = {"replicate", "MODEL[@VERSION|@REF]", 1, 1, "-",
	"reseal a version into another repository",
	"Copies a version into the repository at --to, sealed again under that repository's keys. "
	"Model, version name, time, tags and metrics stay; the signature is made anew with "
	"--sign-key, since a signature names its repository."},
    [MF_CMD_STATS] = {"stats", "", 0, 0, "", "sizes and savings of the repository",
	"Prints bytes, versions, chunks, and what deduplication and compression save."},
    [MF_CMD_SYNC] = {"sync", "SRC DST", 2, 2, "dd", "make DST the same as SRC, deleting",
	"Makes DST hold the files of SRC and no others: a plain mirror, that other software can read. "
	"SRC and DST are directories, S3 buckets (`s3://BUCKET/PATH`) or Google's "
	"(`gs://BUCKET/PATH`), in any direction; words and meaning of the options are rclone's. "
	"Between two places of one server that are asked by the same credentials the bytes do not pass "
	"through here; what S3 does not copy at once, above 5 GiB, goes in parts. "
	"DST may be at another S3 server, or another account's: --to-endpoint-url, --to-region, "
	"--to-s3-profile and --to-s3-credentials-file say so, and hold for --backup-dir as well. "
	"Files above 16 MiB go to a bucket in parts, several at once within --memory; those of 128 MiB "
	"and more come from one to a directory in ranges, four at once. "
	"Files count as the same where size and time are; where only the time differs and the content "
	"is the same by MD5, the time alone is set. "
	"Times are kept with objects as rclone keeps them, so that either tool finds nothing to do "
	"after the other.\n\n"
	"Every file appears whole or not at all; what comes from a bucket is compared with the MD5 "
	"that the bucket tells, where it tells one, and with its checksum of the whole object "
	"(CRC-32C; SHA-256 where there is no MD5). "
	"What was sent in parts to S3 has neither in most stores, but an ETag that is the MD5 of its "
	"parts' MD5s: the object's metadata `modelferry-part-bytes` say how large those are, and so it "
	"is compared as well. "
	"One that fails is counted and named in the log, the others go on, and the status is that of "
	"the worst failure; but then nothing is deleted. "
	"Deletions come last, and only after both sides were listed completely. "
	"A run that was cut off is finished by the next one. "
	"Of a file that goes to a bucket in parts, that one sends only what is missing, where the run "
	"before ended with status 6 or 11 or was killed, and --cache-dir is the same: the upload stays "
	"in the bucket, and `uploads.db` in the cache directory remembers it, as one of 1000 at most. "
	"Each part that the bucket has is compared with the file first, by MD5; where the bucket's "
	"ETags are none, as with KMS keys, by a checksum that was remembered. "
	"A file that changed begins anew, and the old upload is removed. "
	"To go on takes the permission to list an upload's parts (`s3:ListMultipartUploadParts`); "
	"without it the file begins anew.\n\n"
	"An unfinished upload lives until it is finished, until a run between the same two places finds "
	"its file gone or changed, or until seven days have passed since a run last went on with it and "
	"another run writes to the same place. "
	"Uploads that no cache directory remembers, of other machines too, and unfinished files in a "
	"directory, are removed by a `sync` when they are a day old: of uploads it cannot be told whose "
	"they are, so let nothing else upload below a prefix that `sync` writes to. "
	"Where only `copy` writes, and perhaps never again, let a lifecycle rule of the bucket "
	"(`AbortIncompleteMultipartUpload`) remove what nobody finishes.\n\n"
	"Special files in directories are skipped with a warning, and so are symbolic links without "
	"--links or --copy-links.\n\n"
	"The repository, its keys and --repo have no part in this: nothing is sealed."},
    [MF_CMD_COPY] = {"copy", "SRC DST", 2, 2, "dd", "copy what DST lacks from SRC",
	"Copies files from SRC to DST that are missing or differ there, as `sync` does, and deletes "
	"nothing."},
    [MF_CMD_CHECK] = {"check", "SRC DST", 2, 2, "dd", "compare two mirrors, changing nothing",
	"Compares the files of SRC and DST by size and MD5, not by time, and prints those that differ: "
	"`+` only SRC has it, `-` only DST has it, `*` they differ, `!` it could not be compared. "
	"Files of a directory are read for that. "
	"An object that `sync` or `copy` sent in parts is compared by the MD5s of those: of a file in a "
	"directory, or of another object in parts as large. "
	"Where two have no MD5s that compare the size decides, and the last line counts how many those "
	"were; --download reads them. "
	"The status is 10 where there are differences."},
    [MF_CMD_KEY_GENERATE] = {"key generate", "", 0, 0, "", "make a key file",
	"Writes a new key to --out, readable by its owner only: an identity for a key slot, or with "
	"--signing an Ed25519 key for --sign-key. "
	"The public half is printed: for an identity it goes to `key add` with --recipient, for "
	"a signing key into the file for --trusted-keys."},
    [MF_CMD_KEY_ADD] = {"key add", "", 0, 0, "", "add a key slot",
	"Adds a key slot, so that one more key opens the repository."},
    [MF_CMD_KEY_LIST] = {"key list", "", 0, 0, "", "list the key slots",
	"Lists the key slots, with id, kind, time and label, and the epoch."},
    [MF_CMD_KEY_REMOVE] = {"key remove", "SLOT", 1, 1, "-", "remove a key slot",
	"Removes a key slot by its id or label. "
	"The last one is refused, and so is, without --force, one whose removal would leave the keys "
	"given without a slot. "
	"Whoever held its key may have kept the repository's keys: `key rekey` is what shuts "
	"them out of data pushed from then on."},
    [MF_CMD_KEY_ROTATE] = {"key rotate", "[SLOT]", 0, 1, "-", "give a key slot a new key",
	"Wraps the repository's keys anew for a slot under a new key, given as for `key add`. "
	"This is cheap, and it does not revoke what a holder of the old key has read."},
    [MF_CMD_KEY_REKEY] = {"key rekey", "", 0, 0, "", "start a new key epoch",
	"Starts a new epoch: a new root secret and data key, for all slots at once. "
	"Manifests, refs and the configuration are sealed again at once; chunks keep their old "
	"epoch until `prune` --reseal moves them. "
	"Old chunks stay readable to whoever has the old keys and access to the store."},
    [MF_CMD_MIGRATE] = {"migrate", "PLAN|RUN", 1, 1, "f",
	"take a model to another site, data and traffic, or steer a run",
	"Runs PLAN, a Migration of modelferry-plan(5), once: brings the version to the destination, sees "
	"that its servers serve it, and moves the traffic there step by step while metrics and hooks "
	"allow it; or turns everything back. modelferry-migrate(1) has the order of things, recipes and "
	"what each end means.\n\n"
	"A Canary or Rollout that no Migration refers to is run, too: --router says who moves the traffic, "
	"and --model, --from and --to which data goes along.\n\n"
	"With --abort, --promote, --pause, --continue or --retry it steers the run RUN instead, from any "
	"machine with the repository: the run sees the record within five seconds and answers in its "
	"journal.\n\n"
	"The status is 0 where the migration succeeded or had been done already, 8 where it was rolled "
	"back and that was verified, 9 where a person is needed, 11 where it was told to end and can be "
	"resumed, and 7 where somebody else holds what it would move."},
    [MF_CMD_STATUS] = {"status", "[RUN]", 0, 1, "-",
	"show the runs that are under way",
	"Shows the runs of the repository that have not ended, or RUN alone, ended or not, from any "
	"machine with the repository and its keys: phase and step, wanted and real weights, each metric "
	"with value, range, age and samples, why it holds and until when, who holds it, how old its "
	"heartbeat is, and what a rollback would do now. modelferry-migrate(1) explains the words.\n\n"
	"The status is 0 where all is well, and 1 where a run needs attention: it holds, it went back, "
	"its heartbeat is older than two minutes, or a tick is overdue for so long."},
    [MF_CMD_HISTORY] = {"history", "", 0, 0, "",
	"show the runs that there were",
	"Shows the runs of the repository, the newest first: plan and its digest, actor, versions, "
	"result, reason and duration."},
    [MF_CMD_PLAN_CHECK] = {"plan check", "PLAN", 1, 1, "f",
	"read a plan and show what it is understood to say",
	"Reads PLAN, a file of YAML documents as modelferry-plan(5) describes them, and prints the "
	"internal plan: all that was said, and all that is taken where nothing was said. "
	"Nothing is asked and nothing is moved.\n\n"
	"What would hang or be ignored is refused: each refusal is a line with file, line and field, "
	"and the status is 2. "
	"Fields that nobody knows are refused in a Migration, and warnings elsewhere; warnings stand on "
	"standard error, with the refusals and without."},
    [MF_CMD_SIMULATE] = {"simulate", "PLAN TICKS", 2, 2, "ff",
	"print what a plan would do for given observations",
	"Prints, tick by tick, what the engine would do with PLAN if it saw what TICKS says, and how "
	"the run ends. "
	"Nothing is asked and nothing is moved.\n\n"
	"PLAN holds YAML or JSON documents: a Canary with its MetricTemplates, a Rollout or an "
	"AnalysisTemplate with those it names, or a Migration. "
	"TICKS is a JSON array with an object a tick. "
	"A Migration carries the `rev` of the first tick, or the plan's version, from then on, as "
	"`migrate` does once the data is in place; of a Canary or a Rollout revision A is served, and "
	"nothing happens until a tick has another `rev`: where none has, the last line says that nothing "
	"was rolled out (with --json, `began` is false and `note` says why), with a warning. "
	"For a Canary or a Migration a tick may have `rev` (the target's revision), `metrics`, "
	"`primaryMetrics` and `fallbackMetrics` (a value by name; null for an empty result, \"NaN\", \"+Inf\", \"error\", "
	"\"early\", or an object of `value` and `samples`), `hooks` (an HTTP status by name, or "
	"\"timeout\"; 200 where it is not named), `primaryReady` and `canaryReady` (\"ok\", \"wait\", \"few\" or "
	"\"dead\"), `setRoutes` (\"conflict\" or \"error\": the router refuses), `forceWeights` and "
	"`setFailedChecks` (somebody else wrote them), `patch` (fields of the plan's `spec` that "
	"change now), `wait` (seconds since the last tick, in place of the interval), `control` "
	"(\"abort\", \"promote\", \"promoteFull\", \"pause\", \"continue\", \"retry\"), `noStepsNow` (outside "
	"the plan's windows), `weightsUnknown` (the router cannot be read), `damaged` (the data at the "
	"destination is) and `acts` (\"fail\" or \"conflict\" by the name of an act)."},
    [MF_CMD_SERVE] = {"serve", "", 0, 0, "", "answer the gates that webhooks ask",
	"Serves the paths of the tester that ships with Flagger, so that a plan's webhooks can ask a "
	"person: `/gate/approve`, `/gate/halt`, `/gate/check`, `/gate/open`, `/gate/close`, "
	"`/rollback/check`, `/rollback/open`, `/rollback/close`, and `/healthz`. "
	"A gate is closed until it is opened, and is named by `name` and `namespace` of the JSON that is "
	"posted; modelferry-hooks(7) has recipes.\n\n"
	"Which gates are open is kept in --state-dir before it is answered, and is there again after a "
	"restart; one `serve` at a time may have a state directory. "
	"The first line on standard output says where it listens. "
	"SIGTERM and SIGINT end it with status 0."},
    [MF_CMD_DOCTOR] = {"doctor", "[PLAN]", 0, 1, "f", "try what the store and this machine can do",
	"Tries for real what the store at --repo can do, and says what it found: conditional writes, "
	"durable writes, clock, keys, free space. "
	"The status is 1 where something is wrong. "
	"Without a repository it speaks of this machine alone.\n"
	"With PLAN it is the preflight of `migrate` alone, which neither moves nor writes "
	"anything: what the plan has that would be refused, the version and the ref, the router and its "
	"weights, what each metric is now, whether the destination can be written, the most that is to be "
	"pushed and pulled, how long that takes at the rate of --bwlimit, the space that is free for it, "
	"and which version each server serves: the source's has to be the one that production names. "
	"Each metric is asked once, of both sides and of fallbacks: that there is no data yet is no "
	"trouble, a query or a path in JSON that can have no value is. "
	"All of it is looked at, also after something was found wrong; the status is that of the first of "
	"these, by cause, as a run's would be."},
    [MF_CMD_COMPLETION] = {"completion", "SHELL", 1, 1, "s", "print completion for a shell",
	"Prints completion code for `bash`, `zsh` or `fish`."},
    [MF_CMD_VERSION] = {"version", "", 0, 0, "", "print the version of modelferry",
	"Prints the version of modelferry and of the libraries it runs with."},
    [MF_CMD_HELP] = {"help", "[COMMAND]", 0, 2, "cc", "print help",
	"Prints an overview, or everything about COMMAND."},
};
