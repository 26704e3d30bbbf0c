/* y[m, n] = x[m, k] w[n, k] + b[n], weights packed in panels of NB * 16 outputs (see constants.py).
   Accumulators have a fixed size: with the parameters as sizes they would be variable-length
   arrays, which gcc keeps in memory. */
#define TILE_ARGS int MB, int NB, const float *x, i64 ldx, const char *weights, const float *bias, \
    const float *scale, float *y, i64 ldy, int K
#define EACH_M UNROLL for (int m = 0; m < MB; m++)
#define EACH_N UNROLL for (int j = 0; j < NB; j++)
/* The next panel is on its way from L3 while rows of this one are multiplied. */
#define FETCH(SIZE) if (MB > 8) EACH_N __builtin_prefetch(w + SIZE + j * 16)

AI void tile_f32(TILE_ARGS) {
  const float *w = (const float *)weights; v16 a[16][8];
  EACH_M EACH_N a[m][j] = *(const v16 *)(bias + j * 16);
  for (int k = 0; k < K; k++, w += NB * 16) {
    FETCH((i64)K * NB * 16);
    v16 wv[8]; EACH_N wv[j] = *(const v16 *)(w + j * 16);
    EACH_M { float b = x[m * ldx + k]; EACH_N a[m][j] += wv[j] * b; }
  }
  EACH_M EACH_N *(v16 *)(y + m * ldy + j * 16) = a[m][j];
}
AI void tile_bf16(TILE_ARGS) {
  const uint32_t *w = (const uint32_t *)weights; v16 a[16][8];
  EACH_M EACH_N a[m][j] = *(const v16 *)(bias + j * 16);
  for (int k = 0; k < K; k += 2, w += NB * 16) {
    FETCH((i64)K / 2 * NB * 16);
    v16 high[8], low[8];
    EACH_N { u16v u = *(const u16v *)(w + j * 16); low[j] = (v16)(u << 16); high[j] = (v16)u; }
    EACH_M {
      float b0 = x[m * ldx + k], b1 = x[m * ldx + k + (k + 1 < K)];
      EACH_N { a[m][j] += low[j] * b0; a[m][j] += high[j] * b1; }
    }
  }
  EACH_M EACH_N *(v16 *)(y + m * ldy + j * 16) = a[m][j];
}
#define BYTES_f32(K) ((i64)(K) * 4)
#define BYTES_bf16(K) ((i64)(((K) + 1) / 2) * 4)
/* Panels NB wide while they last; in each, rows MB at a time. */
#define PANELS(T, MB, NB) \
  for (; n + NB * 16 <= N; n += NB * 16, w += NB * 16 * BYTES_##T(K)) { \
    int m = 0; \
    for (; m + MB <= M; m += MB) tile_##T(MB, NB, x + m * ldx, ldx, w, b + n, s + n, y + m * ldy + n, ldy, K); \
    for (; m < M; m++) tile_##T(1, NB, x + m * ldx, ldx, w, b + n, s + n, y + m * ldy + n, ldy, K); \
  }
#define GEMM(NAME, T, ROWS, MB, NB) \
  static NOINLINE void NAME(const float *x, i64 ldx, const char *w, const float *b, const float *s, \
                            float *y, i64 ldy, int K, int N) { \
    enum { M = ROWS }; int n = 0; \
    PANELS(T, MB, NB) \
    if (NB > 4) { PANELS(T, MB, 4) } \
    if (NB > 2) { PANELS(T, MB, 2) } \
    if (NB > 1) { PANELS(T, MB, 1) } \
  }
