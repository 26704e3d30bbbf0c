/* The tile instructions of AMX as plain C, so that the kernels can be tested anywhere. */
#undef _tile_loadconfig
#undef _tile_release
#undef _tile_loadd
#undef _tile_stored
#undef _tile_dpbf16ps
#define _tile_loadconfig emulated_loadconfig
#define _tile_release() ((void)0)
#define _tile_loadd emulated_loadd
#define _tile_stored emulated_stored
#define _tile_dpbf16ps emulated_dpbf16ps
static uint8_t tile_memory[8][16 * 64], tile_rows[8];
static uint16_t tile_bytes[8];

static void emulated_loadconfig(const void *config) {
  memcpy(tile_bytes, (const char *)config + 16, sizeof tile_bytes);
  memcpy(tile_rows, (const char *)config + 48, sizeof tile_rows);
}
static void emulated_loadd(int tile, const void *from, i64 stride) {
  for (int r = 0; r < tile_rows[tile]; r++)
    memcpy(tile_memory[tile] + r * 64, (const char *)from + r * stride, tile_bytes[tile]);
}
static void emulated_stored(int tile, void *to, i64 stride) {
  for (int r = 0; r < tile_rows[tile]; r++)
    memcpy((char *)to + r * stride, tile_memory[tile] + r * 64, tile_bytes[tile]);
}
static float half(const uint8_t *tile, int row, int item) {
  uint16_t h; memcpy(&h, tile + row * 64 + item * 2, 2);
  uint32_t u = (uint32_t)h << 16; float f; memcpy(&f, &u, 4); return f;
}
static void emulated_dpbf16ps(int d, int a, int b) {
  for (int m = 0; m < tile_rows[d]; m++)
    for (int n = 0; n < tile_bytes[d] / 4; n++) {
      float sum; memcpy(&sum, tile_memory[d] + m * 64 + n * 4, 4);
      for (int k = 0; k < tile_bytes[a] / 4; k++)
        for (int i = 0; i < 2; i++)
          sum += half(tile_memory[a], m, 2 * k + i) * half(tile_memory[b], k, 2 * n + i);
      memcpy(tile_memory[d] + m * 64 + n * 4, &sum, 4);
    }
}
