/*
 * Everything that is printed from the two tables: help, completion, and the generated parts
 * of the manual pages. Pure: text goes into a buffer; b->failed tells of lacking memory.
 */
#ifndef MF_CONFIG_HELP_H
#define MF_CONFIG_HELP_H

#include "src/base/buf.h"
#include "src/config/command.h"

void mf_help_overview(struct mf_buf *b);
void mf_help_command(struct mf_buf *b, enum mf_command command);
/* All commands whose first word this is ("key"). */
void mf_help_group(struct mf_buf *b, const char *word);

/* Completion code for "bash", "zsh" or "fish". -1: another shell. */
int mf_completion_write(struct mf_buf *b, const char *shell);

/* A generated part of a manual page, in mdoc: "commands", "global-options", "options",
 * "environment" of modelferry(1), "keys" of modelferry.conf(5). -1: no such part. */
int mf_manual_write(struct mf_buf *b, const char *part);

#endif
