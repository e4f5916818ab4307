dnl MF_CHECK_LIBS3: --with-libs3. The module for s3+v2:// alone is linked with it; the program is
dnl not. libs3 has no file for pkg-config.
AC_DEFUN([MF_CHECK_LIBS3], [
  AC_ARG_WITH([libs3],
    [AS_HELP_STRING([--with-libs3], [build the module for s3+v2:// (auto, yes, no; default: auto)])],
    [], [with_libs3=auto])
  AS_CASE([$with_libs3], [auto|yes|no], [],
    [AC_MSG_ERROR([--with-libs3 takes auto, yes or no])])
  mf_libs3=no
  LIBS3_LIBS=
  AS_IF([test "x$with_libs3" != xno], [
    AC_CHECK_HEADER([libs3.h],
      [AC_CHECK_LIB([s3], [S3_list_bucket], [mf_libs3=yes; LIBS3_LIBS=-ls3])])])
  AS_IF([test "x$with_libs3" = xyes && test "x$mf_libs3" = xno],
    [AC_MSG_ERROR([--with-libs3 is given and libs3 is not found (libs3-dev of Debian)])])
  AC_MSG_CHECKING([whether to build the module for s3+v2://])
  AC_MSG_RESULT([$mf_libs3])
  AC_SUBST([LIBS3_LIBS])
  AM_CONDITIONAL([WITH_LIBS3], [test "x$mf_libs3" = xyes])])
