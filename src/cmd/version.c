#include <sodium.h>
#include <sqlite3.h>
#include <zstd.h>

#include "config.h"
#include "src/cmd/cmd.h"
#include "src/cmd/output.h"

int
mf_cmd_version(struct mf_cmd *c, struct mf_error *e)
{
	if (c->json)
		return mf_output_json(c->out,
		    json_pack("{s:s, s:s, s:s, s:s, s:s, s:b}", "version", PACKAGE_VERSION, "libsodium",
			sodium_version_string(), "zstd", ZSTD_versionString(), "sqlite",
			sqlite3_libversion(), "jansson", jansson_version_str(),
			"failpoints", MF_FAILPOINTS), e);
	fprintf(c->out, "modelferry %s (libsodium %s, zstd %s, SQLite %s, jansson %s)\n",
	    PACKAGE_VERSION, sodium_version_string(), ZSTD_versionString(), sqlite3_libversion(),
	    jansson_version_str());
	return 0;
}
