dnl MF_WARNINGS: warning and hardening flags that this compiler and linker know, in
dnl MF_CFLAGS and MF_LDFLAGS. CFLAGS and LDFLAGS stay the builder's.
AC_DEFUN([MF_TRY_CFLAG], [
  AC_MSG_CHECKING([whether $CC takes $1])
  mf_save_CFLAGS=$CFLAGS
  CFLAGS="$CFLAGS -Werror $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); MF_CFLAGS="$MF_CFLAGS $1"], [AC_MSG_RESULT([no])])
  CFLAGS=$mf_save_CFLAGS])
AC_DEFUN([MF_TRY_LDFLAG], [
  AC_MSG_CHECKING([whether the linker takes $1])
  mf_save_LDFLAGS=$LDFLAGS
  LDFLAGS="$LDFLAGS $1"
  AC_LINK_IFELSE([AC_LANG_PROGRAM([], [])],
    [AC_MSG_RESULT([yes]); MF_LDFLAGS="$MF_LDFLAGS $1"], [AC_MSG_RESULT([no])])
  LDFLAGS=$mf_save_LDFLAGS])
dnl Rows of tables leave their last members out, which are zero then: no warning for those.
AC_DEFUN([MF_WARNINGS], [
  MF_CFLAGS="-pthread"
  MF_LDFLAGS="-pthread"
  m4_foreach_w([flag], [-Wall -Wextra -Wshadow -Wpointer-arith -Wcast-qual -Wstrict-prototypes
    -Wmissing-prototypes -Wold-style-definition -Wvla -Wformat=2 -Wundef -Wwrite-strings
    -Wnull-dereference -Wno-format-nonliteral -Wno-missing-field-initializers], [MF_TRY_CFLAG(flag)])
  AC_ARG_ENABLE([werror], [AS_HELP_STRING([--enable-werror], [make warnings errors (CI)])])
  AC_ARG_ENABLE([hardening], [AS_HELP_STRING([--disable-hardening], [leave hardening flags out])])
  AS_IF([test "x$enable_werror" = xyes], [MF_CFLAGS="$MF_CFLAGS -Werror"])
  AS_IF([test "x$enable_hardening" != xno], [
    m4_foreach_w([flag], [-fstack-protector-strong -fstack-clash-protection -fcf-protection -fPIE],
      [MF_TRY_CFLAG(flag)])
    dnl one by one: a list would be split at the commas
    MF_TRY_LDFLAG([-pie])
    MF_TRY_LDFLAG([-Wl,-z,relro])
    MF_TRY_LDFLAG([-Wl,-z,now])
    MF_TRY_LDFLAG([-Wl,-z,noexecstack])])
  dnl a program loads the libraries that it calls, not all that any program needs
  MF_TRY_LDFLAG([-Wl,--as-needed])
  AC_SUBST([MF_CFLAGS])
  AC_SUBST([MF_LDFLAGS])])
