/*
 * The options of one call: what the command line, the environment and the configuration
 * files say, each value checked against its row of the option table, with where it came from.
 *
 * A value on the command line wins over the environment, that over the user's file, that over
 * the system's file, that over the default. Of an option that repeats, all values of the
 * winning source count. Options stand before or after the command; `--` ends them.
 *
 * Immutable after mf_options_parse; then any thread may read. Texts returned are views that
 * live as long as the options.
 */
#ifndef MF_CONFIG_OPTIONS_H
#define MF_CONFIG_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "src/base/error.h"
#include "src/config/command.h"
#include "src/config/option.h"

#define MF_CONF_SYSTEM_FILE "/etc/modelferry/modelferry.conf"

enum mf_source { MF_SOURCE_DEFAULT, MF_SOURCE_SYSTEM_FILE, MF_SOURCE_USER_FILE, MF_SOURCE_ENV,
	MF_SOURCE_ARGS };

struct mf_options;

struct mf_options_params {
	int argc; /* without the program's name */
	char *const *argv;
	/* The environment: getenv(3) in the program, a table in tests. */
	const char *(*getenv)(const char *name, void *arg);
	void *getenv_arg;
	/* The system's file; NULL: MF_CONF_SYSTEM_FILE. Where it does not exist nothing is said. */
	const char *system_file;
};

/* 0 and *out (mf_options_free), or -1: MF_EUSAGE that names the option and where it came
 * from, MF_ENOMEM. With --help or --version nothing but the command is looked at. */
int mf_options_parse(const struct mf_options_params *params, struct mf_options **out,
    struct mf_error *e);
void mf_options_free(struct mf_options *o);

/* The command; MF_COMMANDS where there is none (only with --help or --version, or when no
 * argument at all was given). */
enum mf_command mf_options_command(const struct mf_options *o);
/* The word of a group ("key") given without a second word, with --help; else NULL. */
const char *mf_options_group(const struct mf_options *o);
size_t mf_options_n_args(const struct mf_options *o);
/* The i-th positional; NULL past the last. */
const char *mf_options_arg(const struct mf_options *o, size_t i);

/* Where the winning value came from. */
enum mf_source mf_options_source(const struct mf_options *o, enum mf_option id);
/* Was the option given anywhere (other than by default)? */
bool mf_options_given(const struct mf_options *o, enum mf_option id);
bool mf_options_flag(const struct mf_options *o, enum mf_option id);
/* Text of the winning value (the last where it repeats), or the default's; NULL: none. */
const char *mf_options_text(const struct mf_options *o, enum mf_option id);
/* MF_KIND_NUMBER, DECIMAL (thousandths), SIZE (bytes), DURATION (us), COUNT; CHOICE: the index of the word. 0 where
 * there is neither value nor default. */
uint64_t mf_options_number(const struct mf_options *o, enum mf_option id);
/* The values of an option that repeats, in order: the n-th from 0, NULL past the last. */
const char *mf_options_nth(const struct mf_options *o, enum mf_option id, size_t n);
/* "--memory (from MODELFERRY_MEMORY)", "--memory (from /etc/x.conf:3)", "--memory" into out. */
#define MF_PROVENANCE_BYTES 320
const char *mf_options_provenance(const struct mf_options *o, enum mf_option id,
    char out[MF_PROVENANCE_BYTES]);

/* Values in the order given, over all options: for rules whose order counts across options.
 * The n-th winning value from 0; false past the last. */
bool mf_options_each(const struct mf_options *o, size_t n, enum mf_option *id, const char **text);

#endif
