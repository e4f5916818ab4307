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
	"exits 0; --force makes one.\n\n"
	"A push that was killed leaves nothing that a reader can see; run again, it sends only what "
	"is missing. "
	"A file that changes while it is read is read again. "
	"A source that stays unreadable or keeps changing ends with status 12 and no version. "
	"Links that leave DIR to regular files are followed, inner ones are kept, and special files "
	"are refused by name."},
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
	"A pull that was killed goes on from what it had staged. "
	"One pull at a time may work on a DIR; a second ends with status 7."},
    [MF_CMD_VERSIONS] = {"versions", "[MODEL]", 0, 1, "-", "list versions, newest first",
	"Lists the versions of MODEL, or of every model, newest first, with time, files, bytes, refs, "
	"tags and metrics."},
    [MF_CMD_SHOW] = {"show", "MODEL[@VERSION|@REF]", 1, 1, "-", "show one version in full",
	"Shows everything that is recorded about one version: its parent, time, tool, tags, metrics, "
	"signature, refs that point at it, and whether it was rejected and why."},
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
	"A version that a ref points at is refused. "
	"Its data goes with the next `prune`."},
    [MF_CMD_ROLLBACK] = {"rollback", "MODEL", 1, 1, "-", "move production back to a good version",
	"Moves `production` back to `previous`: the last version that was production and was not "
	"rejected; or to the version named by --to; or to the healthy version with the best "
	"metric (--best). "
	"It is a new, higher sequence of the ref, and the version that production leaves is recorded "
	"as rejected, with --reason. "
	"Two rollbacks in a row go two good versions back. "
	"Where there is no such version the status is 3."},
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
	"The version of a ref is always kept."},
    [MF_CMD_REPLICATE] = {"replicate", "MODEL[@VERSION|@REF]", 1, 1, "-",
	"reseal a version into another repository",
	"Copies a version into the repository at --to, sealed again under that repository's keys. "
	"Model, version name, time, tags and metrics stay; the signature is made anew with "
	"--sign-key, since a signature names its repository."},
    [MF_CMD_STATS] = {"stats", "", 0, 0, "", "sizes and savings of the repository",
	"Prints bytes, versions, chunks, and what deduplication and compression save."},
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
    [MF_CMD_DOCTOR] = {"doctor", "", 0, 0, "", "try what the store and this machine can do",
	"Tries for real what the store at --repo can do, and says what it found: conditional writes, "
	"durable writes, clock, keys, free space. "
	"The status is 1 where something is wrong. "
	"Without a repository it speaks of this machine alone."},
    [MF_CMD_COMPLETION] = {"completion", "SHELL", 1, 1, "s", "print completion for a shell",
	"Prints completion code for `bash`, `zsh` or `fish`."},
    [MF_CMD_VERSION] = {"version", "", 0, 0, "", "print the version of modelferry",
	"Prints the version of modelferry and of the libraries it runs with."},
    [MF_CMD_HELP] = {"help", "[COMMAND]", 0, 2, "cc", "print help",
	"Prints an overview, or everything about COMMAND."},
};
