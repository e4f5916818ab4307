/*
 * The log between the power-cut recorder and its replayer: records one after the other, in
 * the order in which they took effect, in the byte order of the machine. A record is a struct
 * power_record, then path, path2 (no NULs) and data. Paths are relative to the recorded
 * directory; "" is itself. Files are known by their inode number, since a file can be written
 * before it has a name.
 */
#ifndef MF_TESTS_POWER_LOG_H
#define MF_TESTS_POWER_LOG_H

#include <stdint.h>

#define POWER_MAGIC 0x5057524cu

enum power_type {
	POWER_DIR = 1, /* mkdir: inode, path */
	POWER_FILE,    /* a new, empty file, not named yet: inode */
	POWER_LINK,    /* path is now a name of inode */
	POWER_UNLINK,  /* path is gone (also rmdir) */
	POWER_RENAME,  /* path to path2; offset 1: the two were exchanged */
	POWER_SYMLINK, /* path is a link to path2 */
	POWER_WRITE,   /* data at offset of inode */
	POWER_TRUNC,   /* inode is offset bytes long */
	POWER_SYNC,    /* fsync, fdatasync of a file or directory: inode */
	POWER_SYNCALL, /* syncfs, sync */
	POWER_START,   /* what came before was there, and durable, before the recording */
	POWER_EXIT,    /* a recorded process ended: path its tag, offset its status */
	POWER_TYPES
};

struct power_record {
	uint32_t magic, type;
	uint64_t inode, offset;
	uint32_t path_len, path2_len;
	uint64_t data_len;
};

#endif
