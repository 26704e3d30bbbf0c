/* Kernels on one row. */

/* Cumulative sums: eight segments at once, since each sum waits for the one before. */
static NOINLINE void row_cumsum(const float *restrict x, float *restrict y, i64 n) {
  const i64 m = n / 8; float s[8] = {0};
  for (i64 k = 0; k < m; k++)
    UNROLL for (int j = 0; j < 8; j++) { s[j] += x[j * m + k]; y[j * m + k] = s[j]; }
  float before = 0.f;
  for (int j = 0; j < 8; j++) {
    for (i64 k = 0; k < m; k++) y[j * m + k] += before;
    before += s[j];
  }
  for (i64 k = 8 * m; k < n; k++) y[k] = before += x[k];
}

/* Stable radix sort: order-preserving 32-bit keys above 32-bit indices. */
static NOINLINE void row_sort(const float *x, float *values, i64 *order, i64 *space, i64 n, i64 descending) {
  uint64_t *from = (uint64_t *)space, *to = from + n;
  for (i64 i = 0; i < n; i++) {
    uint32_t b; memcpy(&b, x + i, 4);
    b ^= b >> 31 ? 0xFFFFFFFFu : 0x80000000u;
    from[i] = (uint64_t)(descending ? ~b : b) << 32 | (uint64_t)i;
  }
  for (int shift = 32; shift < 64; shift += 8) {
    i64 start[257] = {0};
    for (i64 i = 0; i < n; i++) start[(from[i] >> shift & 255) + 1]++;
    for (int d = 0; d < 256; d++) start[d + 1] += start[d];
    for (i64 i = 0; i < n; i++) to[start[from[i] >> shift & 255]++] = from[i];
    uint64_t *swap = from; from = to; to = swap;
  }
  for (i64 i = 0; i < n; i++) { order[i] = (i64)(from[i] & 0xFFFFFFFFu); values[i] = x[order[i]]; }
}
