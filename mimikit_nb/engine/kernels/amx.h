/* bfloat16 products on AMX tiles of 16 rows: x is rounded, weights are packed with k padded to 32,
   y has its rows padded to 16. */
#ifdef AMX_EMULATION /* for tests on machines without it */
#include AMX_EMULATION
#endif
AI void amx_begin(void) {
  struct { uint8_t palette, start, reserved[14]; uint16_t columns[16]; uint8_t rows[16]; } c;
  memset(&c, 0, sizeof c);
  c.palette = 1;
  for (int i = 0; i < 8; i++) { c.columns[i] = 64; c.rows[i] = 16; }
  _tile_loadconfig(&c);
}
AI void amx_end(void) { _tile_release(); }

/* R2: two blocks of 16 rows at once; NB: one or two panels of 16 outputs. */
AI void amx_tile(int R2, int NB, const uint16_t *x, i64 Kp, const char *w, float *y, i64 ldy) {
  _tile_loadd(0, y, ldy * 4);
  if (NB > 1) _tile_loadd(1, y + 16, ldy * 4);
  if (R2) { _tile_loadd(2, y + 16 * ldy, ldy * 4); if (NB > 1) _tile_loadd(3, y + 16 * ldy + 16, ldy * 4); }
  for (i64 k = 0; k < Kp; k += 32, w += 16 * NB * 64) {
    _tile_loadd(6, w, NB * 64); _tile_loadd(4, x + k, Kp * 2); _tile_dpbf16ps(0, 4, 6);
    if (NB > 1) { _tile_loadd(7, w + 64, NB * 64); _tile_dpbf16ps(1, 4, 7); }
    if (R2) {
      _tile_loadd(5, x + 16 * Kp + k, Kp * 2); _tile_dpbf16ps(2, 5, 6);
      if (NB > 1) _tile_dpbf16ps(3, 5, 7);
    }
  }
  _tile_stored(0, y, ldy * 4);
  if (NB > 1) _tile_stored(1, y + 16, ldy * 4);
  if (R2) { _tile_stored(2, y + 16 * ldy, ldy * 4); if (NB > 1) _tile_stored(3, y + 16 * ldy + 16, ldy * 4); }
}
#define GEMM_AMX(NAME, ROWS) \
  static NOINLINE void NAME(const float *x, i64 ldx, const char *w, const float *b, const float *s, \
                            float *y, i64 ldy, int K, int N) { \
    enum { M = ROWS, MP = (ROWS + 15) / 16 * 16 }; const i64 Kp = (K + 31) & ~31; \
    uint16_t *xb = __builtin_alloca_with_align(MP * Kp * 2, 512); \
    for (int m = 0; m < M; m++) round_bf16(x + m * ldx, xb + m * Kp, K, Kp); \
    memset(xb + M * Kp, 0, (MP - M) * Kp * 2); \
    for (int m = 0; m < MP; m++) \
      for (int n = 0; n < N; n += 16) *(v16 *)(y + m * ldy + n) = *(const v16 *)(b + n); \
    for (int n = 0; n < N;) { \
      const int nb = n + 32 <= N ? 2 : 1; int m = 0; \
      for (; m + 32 <= MP; m += 32) { \
        if (nb == 2) amx_tile(1, 2, xb + m * Kp, Kp, w, y + m * ldy + n, ldy); \
        else amx_tile(1, 1, xb + m * Kp, Kp, w, y + m * ldy + n, ldy); \
      } \
      for (; m < MP; m += 16) { \
        if (nb == 2) amx_tile(0, 2, xb + m * Kp, Kp, w, y + m * ldy + n, ldy); \
        else amx_tile(0, 1, xb + m * Kp, Kp, w, y + m * ldy + n, ldy); \
      } \
      n += nb * 16; w += (i64)nb * 64 * (Kp / 2); \
    } \
  }
