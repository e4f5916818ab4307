#include "config.h"

#include "transfers/libs3_load.h"

#include <dlfcn.h>
#include <pthread.h>

/* What loading came to, for all who ask: it is tried once, and never undone. */
static struct {
	pthread_once_t once;
	const struct mf_libs3_module *module; /* NULL: error says why */
	struct mf_error error;
} loaded = {.once = PTHREAD_ONCE_INIT};

static int
take(const struct mf_libs3_module *m, struct mf_error *e)
{
	const char *why;

	if (m == NULL)
		return mf_error_set(
		    e, MF_EUNSUPPORTED, "%s is no module of modelferry", mf_libs3_module_path);
	if (m->version != MF_LIBS3_VERSION) {
		mf_error_set(e, MF_EUNSUPPORTED, "%s is of version %u, this program wants %u",
		    mf_libs3_module_path, (unsigned)m->version, (unsigned)MF_LIBS3_VERSION);
		return mf_error_hint(e, "install both from one build");
	}
	if ((why = m->begin()) != NULL)
		return mf_error_set(e, MF_EUNSUPPORTED, "s3+v2:// cannot be used: %s", why);
	loaded.module = m;
	return 0;
}

static void
load(void)
{
	struct mf_error *e = &loaded.error;
	void *library = dlopen(mf_libs3_module_path, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);

	if (library == NULL) {
		mf_error_set(e, MF_EUNSUPPORTED, "cannot load the module for s3+v2://: %s",
		    dlerror()); /* NOLINT(concurrency-mt-unsafe): glibc's is */
		mf_error_hint(e, "install it with `make install`, and libs3-2 of Debian; servers "
				 "that know Signature V4 need neither: use s3://");
		return;
	}
	(void)take(dlsym(library, MF_LIBS3_SYMBOL), e);
}

const struct mf_libs3_module *
mf_libs3_load(struct mf_error *e)
{
	(void)pthread_once(&loaded.once, load);
	if (loaded.module == NULL && e != NULL)
		*e = loaded.error;
	return loaded.module;
}
