dnl MF_FEATURES: --enable-asan, --enable-tsan, --enable-fuzz, --enable-coverage.
AC_DEFUN([MF_FEATURES], [
  MF_SAN=
  AC_ARG_ENABLE([asan], [AS_HELP_STRING([--enable-asan], [build with ASan and UBSan])])
  AC_ARG_ENABLE([tsan], [AS_HELP_STRING([--enable-tsan], [build with TSan])])
  AC_ARG_ENABLE([fuzz], [AS_HELP_STRING([--enable-fuzz], [build libFuzzer targets (clang)])])
  AC_ARG_ENABLE([coverage], [AS_HELP_STRING([--enable-coverage], [build for gcov])])
  AS_IF([test "x$enable_asan" = xyes && test "x$enable_tsan" = xyes],
    [AC_MSG_ERROR([--enable-asan and --enable-tsan exclude each other])])
  AS_IF([test "x$enable_asan" = xyes],
    [MF_SAN="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"])
  AS_IF([test "x$enable_tsan" = xyes], [MF_SAN="-fsanitize=thread -fno-omit-frame-pointer"])
  AS_IF([test "x$enable_fuzz" = xyes], [
    MF_SAN="$MF_SAN -fsanitize=fuzzer-no-link"
    FUZZ_LDFLAGS="-fsanitize=fuzzer"])
  AS_IF([test "x$enable_coverage" = xyes], [MF_SAN="$MF_SAN --coverage"])
  AS_IF([test "x$MF_SAN" = x && test "x$enable_hardening" != xno],
    [MF_CPPFLAGS="-U_FORTIFY_SOURCE -D_FORTIFY_SOURCE=2"], [MF_CPPFLAGS=])
  AM_CONDITIONAL([ENABLE_FUZZ], [test "x$enable_fuzz" = xyes])
  AM_CONDITIONAL([ENABLE_SANITIZER], [test "x$MF_SAN" != x])
  AC_SUBST([MF_SAN])
  AC_SUBST([MF_CPPFLAGS])
  AC_SUBST([FUZZ_LDFLAGS])])

dnl MF_CHECK_ZSTD_LITERALS: does ZSTD_compressSequences with explicit block delimiters and
dnl forced literal compression round-trip through this libzstd? Experimental API: prove it.
AC_DEFUN([MF_CHECK_ZSTD_LITERALS], [
  AC_CACHE_CHECK([for literals-only zstd frames], [mf_cv_zstd_literals], [
    mf_save_LIBS=$LIBS; mf_save_CFLAGS=$CFLAGS
    LIBS="$LIBS $ZSTD_LIBS"; CFLAGS="$CFLAGS $ZSTD_CFLAGS"
    AC_RUN_IFELSE([AC_LANG_SOURCE([[
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <string.h>
static unsigned char in[300000], out[400000], back[300000];
int main(void) {
	ZSTD_CCtx *c = ZSTD_createCCtx();
	ZSTD_Sequence s[3];
	size_t i, n, left = sizeof in;
	unsigned x = 1;
	for (i = 0; i < sizeof in; i++) { x = x * 1664525u + 1013904223u; in[i] = (x >> 24) & (x >> 16) & 31; }
	memset(s, 0, sizeof s);
	for (i = 0; i < 3; i++) { s[i].litLength = left > 131072 ? 131072 : left; left -= s[i].litLength; }
	if (ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_blockDelimiters, ZSTD_sf_explicitBlockDelimiters)) ||
	    ZSTD_isError(ZSTD_CCtx_setParameter(c, ZSTD_c_literalCompressionMode, ZSTD_ps_enable)))
		return 1;
	n = ZSTD_compressSequences(c, out, sizeof out, s, 3, in, sizeof in);
	if (ZSTD_isError(n) || n > sizeof in * 3 / 4)
		return 1;
	n = ZSTD_decompress(back, sizeof back, out, n);
	return !(n == sizeof in && memcmp(in, back, n) == 0);
}]])], [mf_cv_zstd_literals=yes], [mf_cv_zstd_literals=no], [mf_cv_zstd_literals=no])
    LIBS=$mf_save_LIBS; CFLAGS=$mf_save_CFLAGS])
  AM_CONDITIONAL([HAVE_ZSTD_LITERALS], [test "x$mf_cv_zstd_literals" = xyes])])
