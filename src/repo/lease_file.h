/*
 * A lease in a local file (--lease file:PATH), for repositories in stores without conditional
 * put, or in addition to theirs. The file is locked by whoever holds it, with a lock of the open
 * file description that the kernel takes back when the process ends, however it ends; so a holder
 * that was stopped keeps it until it goes on or dies. One file is one lease, for all that a run
 * changes: runs that share the file exclude each other, and those that do not share it do not know
 * of each other.
 *
 * The file keeps who holds it and the highest token, in two slots of 2048 bytes that are written
 * in turn, each "MFLEASE1", u32 length, a record as in the repository (its id zero), u32 CRC-32C
 * of the record. A file with anything else in it is refused, and left as it is.
 *
 * Network file systems: only where locks work across machines.
 */
#ifndef MF_REPO_LEASE_FILE_H
#define MF_REPO_LEASE_FILE_H

#include "src/repo/lease.h"

/* As mf_lease_new; path is made with mode 0600 by the first mf_lease_take. The result behaves as
 * any other lease: the deadline is there for a renewal that finds the file replaced. */
int mf_lease_new_file(const char *path, const struct mf_lease_params *params, struct mf_lease **out,
    struct mf_error *e);
/* Who has it, or had it last, without taking part; held: a process has it now. 0; 1: there is no such
 * file; -1: MF_EDAMAGED, ... */
int mf_lease_file_look(
    const char *path, struct mf_lease_holder *out, bool *held, struct mf_error *e);

#endif
