dnl MF_CHECK_FAILPOINTS: --enable-failpoints lets the program hear MODELFERRY_TEST_KILL_AT_OP and
dnl MODELFERRY_TEST_OPS_FILE (transfers/fault.h), and MODELFERRY_TEST_KILL_AT
dnl (src/base/failpoint.h). For tests only, never for a release.
AC_DEFUN([MF_CHECK_FAILPOINTS], [
  AC_ARG_ENABLE([failpoints],
    [AS_HELP_STRING([--enable-failpoints], [hear the failpoint variables (tests only)])])
  AS_IF([test "x$enable_failpoints" = xyes], [mf_failpoints=1], [mf_failpoints=0])
  AC_DEFINE_UNQUOTED([MF_FAILPOINTS], [$mf_failpoints],
    [1 if the program hears the variables MODELFERRY_TEST_...])
  AM_CONDITIONAL([ENABLE_FAILPOINTS], [test "x$enable_failpoints" = xyes])])
