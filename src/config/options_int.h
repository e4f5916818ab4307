/* Inside src/config: the values of one call while they are gathered. */
#ifndef MF_CONFIG_OPTIONS_INT_H
#define MF_CONFIG_OPTIONS_INT_H

#include "src/config/options.h"

struct mf_value {
	enum mf_option id;
	enum mf_source source;
	char *text;  /* owned; NULL for a flag or count without argument */
	char *where; /* owned; NULL, the twin's name or FILE:LINE */
	uint64_t number;
};

struct mf_options {
	struct mf_value *values;
	size_t n_values, values_capacity;
	enum mf_source best[MF_OPTIONS]; /* winning source */
	char **args;			 /* the array is owned, the words are argv's */
	size_t n_args;
	enum mf_command command;
	const char *group;
};

/* Add a copy. -1 with MF_ENOMEM. */
int mf_options_add(struct mf_options *o, enum mf_option id, enum mf_source source,
    const char *text, const char *where, struct mf_error *e);
/* Check text against the row; *number as mf_options_number. name is how an error calls it. */
int mf_option_check(enum mf_option id, const char *text, const char *name, uint64_t *number,
    struct mf_error *e);
/* The option of this name for the command; with MF_COMMANDS of any command. MF_OPTIONS: none. */
enum mf_option mf_option_find(const char *name, size_t n, enum mf_command command);
enum mf_option mf_option_find_short(char c, enum mf_command command);
/* Say that name is no option (of the command), with the closest one as a hint. Returns -1. */
int mf_option_unknown(const char *name, enum mf_command command, struct mf_error *e);

/* Read command and options from the words. *only_help: --help or --version was there. */
int mf_options_read_args(struct mf_options *o, int argc, char *const *argv, bool *only_help,
    struct mf_error *e);
int mf_options_read_env(struct mf_options *o, const struct mf_options_params *p,
    struct mf_error *e);
/* Read the n bytes of the file path; keys of other commands are checked and dropped. */
int mf_options_read_text(struct mf_options *o, const char *path, const uint8_t *text, size_t n,
    enum mf_source source, struct mf_error *e);
/* The same, with the reading. 0; 1: it does not exist. */
int mf_options_read_file(struct mf_options *o, const char *path, enum mf_source source,
    struct mf_error *e);

#endif
