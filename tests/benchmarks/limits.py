"""What the machine can do at best: bytes read and products made in a second, by one thread."""

from __future__ import annotations

import ctypes
import statistics
import time
from collections.abc import Callable
from functools import lru_cache

import torch

from mimikit_nb.engine import build
from mimikit_nb.engine.amx import DOT_FLAG
from mimikit_nb.engine.cache import has_cpu_flag

SOURCE = """
#ifdef __AVX512BF16__
#include <immintrin.h>
#endif
#define EXPORT __attribute__((visibility("default")))
typedef float v16 __attribute__((vector_size(64), aligned(4)));
EXPORT float read_all(const float *x, long n) {
  v16 a[8] = {0};
  for (long i = 0; i + 128 <= n; i += 128)
    for (int j = 0; j < 8; j++) a[j] += *(const v16 *)(x + i + 16 * j);
  v16 s = a[0] + a[1] + a[2] + a[3] + a[4] + a[5] + a[6] + a[7];
  return s[0] + s[1];
}
EXPORT float multiply(float x, long n) {
  v16 a[16], w = (v16){0} + x, b = (v16){0} + 0.5f, s = {0};
  for (int j = 0; j < 16; j++) a[j] = (v16){0} + x * j;
  for (long i = 0; i < n; i++)
    _Pragma("GCC unroll 16") for (int j = 0; j < 16; j++) a[j] = a[j] * w + b;
  for (int j = 0; j < 16; j++) s += a[j];
  return s[0] + s[1];
}
EXPORT float multiply_pairs(float x, long n) {
#ifdef __AVX512BF16__
  __m512 a[16], s = _mm512_setzero_ps(); __m512bh w = (__m512bh)_mm512_set1_epi32((int)x);
  for (int j = 0; j < 16; j++) a[j] = _mm512_set1_ps(x * j);
  for (long i = 0; i < n; i++)
    _Pragma("GCC unroll 16") for (int j = 0; j < 16; j++) a[j] = _mm512_dpbf16_ps(a[j], w, w);
  for (int j = 0; j < 16; j++) s = _mm512_add_ps(s, a[j]);
  return s[0] + s[1];
#else
  return 0.f;
#endif
}
"""


def cpu_seconds(run: Callable[[], object], times: int = 5) -> float:
    """Median CPU time of this thread in calls of ``run``: other work counts as little as can be."""
    seconds = []
    for _ in range(times):
        start = time.thread_time()
        run()
        seconds.append(time.thread_time() - start)
    return statistics.median(seconds)


@lru_cache(maxsize=1)
def _library() -> ctypes.CDLL:
    library, _ = build.build_library(SOURCE)
    library.read_all.argtypes = [ctypes.c_void_p, ctypes.c_long]
    for name in ("read_all", "multiply", "multiply_pairs"):
        getattr(library, name).restype = ctypes.c_float
    for name in ("multiply", "multiply_pairs"):
        getattr(library, name).argtypes = [ctypes.c_float, ctypes.c_long]
    return library


def read_bandwidth(n_bytes: int) -> float:
    """Bytes a second that one thread reads from a working set of ``n_bytes``."""
    x = torch.ones(max(n_bytes // 4, 1024))
    turns = max(1, 200_000_000 // n_bytes)

    def read() -> None:
        for _ in range(turns):
            _library().read_all(x.data_ptr(), x.numel())

    read()
    return turns * n_bytes / cpu_seconds(read)


@lru_cache(maxsize=2)
def products_per_second(weights: str = "f32") -> float:
    """Multiplications and additions a second; of pairs of bfloat16 where that is faster."""
    if weights == "bf16" and has_cpu_flag(DOT_FLAG):
        return max(products_per_second("f32"), _products(_library().multiply_pairs, 32))
    return _products(_library().multiply, 16)


def _products(multiply: Callable[[float, int], float], n_lanes: int) -> float:
    n = 1_000_000
    multiply(0.5, 1000)
    return n * 16 * n_lanes / cpu_seconds(lambda: multiply(0.5, n))
