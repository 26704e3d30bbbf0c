/* Products with 8-bit weights and one scale per output. */
#ifdef __AVX512F__
#include <immintrin.h>
AI v16 load_int8(const int8_t *p) {
  return (v16)_mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(_mm_loadu_si128((const void *)p)));
}
#else
AI v16 load_int8(const int8_t *p) { v16 r; UNROLL for (int i = 0; i < 16; i++) r[i] = p[i]; return r; }
#endif
AI void tile_int8(TILE_ARGS) {
  const int8_t *w = (const int8_t *)weights; v16 a[16][8];
  EACH_M EACH_N a[m][j] = (v16){0};
  for (int k = 0; k < K; k++, w += NB * 16) {
    v16 wv[8]; EACH_N wv[j] = load_int8(w + j * 16);
    EACH_M { float b = x[m * ldx + k]; EACH_N a[m][j] += wv[j] * b; }
  }
  EACH_M EACH_N *(v16 *)(y + m * ldy + j * 16) =
      a[m][j] * *(const v16 *)(scale + j * 16) + *(const v16 *)(bias + j * 16);
}
#define BYTES_int8(K) ((i64)(K))
