/* bfloat16 products, two at a time into each float32 sum: x is rounded, weights are packed in pairs
   with k padded to 32 (see constants.py). */
#ifdef __x86_64__
#include <immintrin.h>
#endif
#ifdef __AVX512BF16__
AI void round_bf16(const float *x, uint16_t *out, int K, i64 Kp) {
  for (int k = 0; k < Kp; k += 16) {
    __mmask16 inside = k + 16 <= K ? 0xFFFF : k >= K ? 0 : (1 << (K - k)) - 1;
    __m256bh h = _mm512_cvtneps_pbh(_mm512_maskz_loadu_ps(inside, x + k));
    memcpy(out + k, &h, 32);
  }
}
#else
AI void round_bf16(const float *x, uint16_t *out, int K, i64 Kp) {
  for (int k = 0; k < Kp; k++) {
    float v = k < K ? x[k] : 0.f; uint32_t u; memcpy(&u, &v, 4);
    out[k] = (u + 0x7FFF + (u >> 16 & 1)) >> 16;
  }
}
#endif
#ifdef __AVX512BF16__
AI v16 dot_pairs(v16 a, u16v w, uint32_t x) {
  return (v16)_mm512_dpbf16_ps((__m512)a, (__m512bh)w, (__m512bh)_mm512_set1_epi32((int)x));
}
#else
AI v16 dot_pairs(v16 a, u16v w, uint32_t x) {
  float low, high; uint32_t l = x << 16, h = x & 0xFFFF0000u;
  memcpy(&low, &l, 4); memcpy(&high, &h, 4);
  return a + ((v16)(w & 0xFFFF0000u) * high + (v16)(w << 16) * low);
}
#endif
AI void tile_dot(int MB, int NB, const uint16_t *x, i64 Kp, const char *weights, const float *bias,
                 float *y, i64 ldy) {
  const uint32_t *w = (const uint32_t *)weights; v16 a[16][8];
  EACH_M EACH_N a[m][j] = *(const v16 *)(bias + j * 16);
  for (i64 k = 0; k < Kp; k += 2, w += NB * 16) {
    u16v wv[8]; EACH_N wv[j] = *(const u16v *)(w + j * 16);
    EACH_M { uint32_t b; memcpy(&b, x + m * Kp + k, 4); EACH_N a[m][j] = dot_pairs(a[m][j], wv[j], b); }
  }
  EACH_M EACH_N *(v16 *)(y + m * ldy + j * 16) = a[m][j];
}
#define DOT_PANELS(MB, NB) \
  for (; n + NB * 16 <= N; n += NB * 16, w += NB * 16 * Kp * 2) { \
    int m = 0; \
    for (; m + MB <= M; m += MB) tile_dot(MB, NB, xb + m * Kp, Kp, w, b + n, y + m * ldy + n, ldy); \
    for (; m < M; m++) tile_dot(1, NB, xb + m * Kp, Kp, w, b + n, y + m * ldy + n, ldy); \
  }
#define GEMM_DOT(NAME, ROWS, MB, NB) \
  static NOINLINE void NAME(const float *x, i64 ldx, const char *w, const float *b, const float *s, \
                            float *y, i64 ldy, int K, int N) { \
    enum { M = ROWS }; int n = 0; const i64 Kp = (K + 31) & ~31; \
    uint16_t *xb = __builtin_alloca_with_align(M * Kp * 2, 512); \
    for (int m = 0; m < M; m++) round_bf16(x + m * ldx, xb + m * Kp, K, Kp); \
    DOT_PANELS(MB, NB) \
    if (NB > 2) { DOT_PANELS(MB, 2) } \
    if (NB > 1) { DOT_PANELS(MB, 1) } \
  }
