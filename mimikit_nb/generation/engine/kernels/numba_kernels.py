# The functions of scalar.h, gemm.h and rows.h for numba. The text of this file opens every
# generated module; it is never imported from here.
import math

import numpy as np
from numba import njit

f32 = np.float32
i64 = np.int64
INF = np.float32(np.inf)
NAN = np.float32(np.nan)
I64_MIN = np.int64(-(2**63))
I64_MAX = np.int64(2**63 - 1)
# Sums may be reordered; infinities and NaN keep their meaning.
FAST = {"reassoc", "contract", "arcp", "nsz"}
inline = njit(fastmath=FAST, inline="always")


@inline
def exp_f32(x):
    return f32(math.exp(x))


@inline
def sigmoid_f32(x):
    return f32(1) / (f32(1) + f32(math.exp(-x)))


@inline
def tanh_f32(x):
    return f32(1) - f32(2) / (f32(1) + f32(math.exp(f32(2) * x)))


@inline
def relu_f32(x):
    return max(x, f32(0))


@inline
def relu_i64(x):
    return max(x, 0)


@inline
def silu_f32(x):
    return x / (f32(1) + f32(math.exp(-x)))


@inline
def erf_f32(x):
    return f32(math.erf(x))


@inline
def gelu_f32(x):
    return f32(0.5) * x * (f32(1) + f32(math.erf(x * f32(0.70710678))))


@inline
def gelu_tanh_f32(x):
    return f32(0.5) * x * (f32(1) + tanh_f32(f32(0.79788456) * (x + f32(0.044715) * x * x * x)))


@njit(fastmath=FAST)
def erfinv_f32(x):  # Giles, "Approximating the erfinv function", 2010
    w = -math.log((f32(1) - x) * (f32(1) + x))
    if w < f32(5):
        w -= f32(2.5)
        p = f32(2.81022636e-08)
        p = p * w + f32(3.43273939e-07)
        p = p * w - f32(3.5233877e-06)
        p = p * w - f32(4.39150654e-06)
        p = p * w + f32(0.00021858087)
        p = p * w - f32(0.00125372503)
        p = p * w - f32(0.00417768164)
        p = p * w + f32(0.246640727)
        p = p * w + f32(1.50140941)
    else:
        w = math.sqrt(w) - f32(3)
        p = f32(-0.000200214257)
        p = p * w + f32(0.000100950558)
        p = p * w + f32(0.00134934322)
        p = p * w - f32(0.00367342844)
        p = p * w + f32(0.00573950773)
        p = p * w - f32(0.0076224613)
        p = p * w + f32(0.00943887047)
        p = p * w + f32(1.00167406)
        p = p * w + f32(2.83297682)
    return f32(p * x)


@inline
def sqrt_f32(x):
    return f32(math.sqrt(x))


@inline
def rsqrt_f32(x):
    return f32(1) / f32(math.sqrt(x))


@inline
def reciprocal_f32(x):
    return f32(1) / x


@inline
def square_f32(x):
    return x * x


@inline
def log_f32(x):
    return f32(math.log(x))


@inline
def log1p_f32(x):
    return f32(math.log1p(x))


@inline
def expm1_f32(x):
    return f32(math.expm1(x))


@inline
def sin_f32(x):
    return f32(math.sin(x))


@inline
def cos_f32(x):
    return f32(math.cos(x))


@inline
def atan2_f32(y, x):
    return f32(math.atan2(y, x))


@inline
def pow_f32(x, y):
    return f32(math.pow(x, y))


@inline
def floor_f32(x):
    return f32(math.floor(x))


@inline
def ceil_f32(x):
    return f32(math.ceil(x))


@inline
def trunc_f32(x):
    return f32(math.trunc(x))


@inline
def round_f32(x):
    return f32(np.rint(x))


@inline
def abs_f32(x):
    return abs(x)


@inline
def abs_i64(x):
    return abs(x)


@inline
def sign_f32(x):
    return f32(1) if x > 0 else (f32(-1) if x < 0 else f32(0))


@inline
def sign_i64(x):
    return 1 if x > 0 else (-1 if x < 0 else 0)


@inline
def maximum_f32(a, b):
    return a if a > b else b


@inline
def minimum_f32(a, b):
    return a if a < b else b


@inline
def maximum_i64(a, b):
    return a if a > b else b


@inline
def minimum_i64(a, b):
    return a if a < b else b


@inline
def floor_div_f32(a, b):
    return f32(math.floor(a / b))


@inline
def floor_div_i64(a, b):
    return a // b


@inline
def trunc_div_f32(a, b):
    return f32(math.trunc(a / b))


@inline
def trunc_div_i64(a, b):
    q = abs(a) // abs(b)
    return q if (a < 0) == (b < 0) else -q


@inline
def remainder_f32(a, b):
    return f32(a % b)


@inline
def remainder_i64(a, b):
    return a % b


@inline
def fmod_f32(a, b):
    return f32(math.fmod(a, b))


@inline
def fmod_i64(a, b):
    r = abs(a) % abs(b)
    return r if a >= 0 else -r


@njit(fastmath=FAST, cache=True, nogil=True)
def gemm(x, x0, x_stride, w, w0, bias, bias0, y, y0, y_stride, rows, k, n):
    for j in range(n):
        for m in range(rows):
            s = f32(0)
            for i in range(k):
                s += w[w0 + j * k + i] * x[x0 + m * x_stride + i]
            y[y0 + m * y_stride + j] = s + bias[bias0 + j]


@njit(fastmath=FAST, cache=True, nogil=True)
def row_cumsum(x, x0, y, y0, n):
    s = f32(0)
    for i in range(n):
        s += x[x0 + i]
        y[y0 + i] = s


@njit(cache=True, nogil=True)
def row_sort(x, x0, values, values0, order, order0, space, space0, n, descending):
    keys = x[x0 : x0 + n].copy()
    if descending:
        keys = -keys
    order[order0 : order0 + n] = np.argsort(keys, kind="mergesort")
    for i in range(n):
        values[values0 + i] = x[x0 + order[order0 + i]]
