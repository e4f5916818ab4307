dnl MF_CHECK_X86_SIMD: does this compiler build SSE2 code, AVX2 and AVX-512 functions by
dnl attribute, and a run-time test of the processor? src/base, src/codec and crypto have variant
dnl files that do without.
AC_DEFUN([MF_CHECK_X86_SIMD], [
  AC_CACHE_CHECK([for SSE2, and AVX2 and AVX-512 by function attribute], [mf_cv_x86_simd], [
    AC_LINK_IFELSE([AC_LANG_SOURCE([[
#include <immintrin.h>
__attribute__((target("avx2"))) static int f(const int *p) {
	__m256i v = _mm256_packus_epi16(_mm256_set1_epi16(p[0]), _mm256_set1_epi16(p[1]));
	return _mm256_extract_epi16(v, 3);
}
__attribute__((target("avx2,avx512f,avx512vl"))) static int g(const int *p) {
	__m256i v = _mm256_rol_epi32(_mm256_set1_epi32(p[0]), 7);
	__m512i w = _mm512_rol_epi32(_mm512_set1_epi32(p[1]), 7);
	v = _mm256_ternarylogic_epi32(v, _mm512_castsi512_si256(w), v, 0x96);
	return _mm256_extract_epi16(v, 3);
}
int main(int argc, char **argv) {
	int p[2] = { argc, argv != 0 };
	__m128i v = _mm_set1_epi16((short)argc);
	if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl"))
		return g(p);
	return __builtin_cpu_supports("avx2") ? f(p) : _mm_extract_epi16(v, 0);
}]])], [mf_cv_x86_simd=yes], [mf_cv_x86_simd=no])])
  AM_CONDITIONAL([HAVE_X86_SIMD], [test "x$mf_cv_x86_simd" = xyes])])
