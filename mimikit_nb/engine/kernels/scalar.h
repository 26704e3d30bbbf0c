/* Scalar functions that vectorise; GCC vector extensions, no intrinsics. */
#include <math.h>
#include <stdint.h>
#include <string.h>
typedef int64_t i64;
typedef float v16 __attribute__((vector_size(64), aligned(4), may_alias));
typedef uint32_t u16v __attribute__((vector_size(64), aligned(4), may_alias));
#define AI static inline __attribute__((always_inline))
#define NOINLINE __attribute__((noinline))
#define EXPORT __attribute__((visibility("default")))
#define UNROLL _Pragma("GCC unroll 32")

/* Cephes expf: relative error 1e-7. */
AI float exp_f32(float x) {
  x = x < -87.f ? -87.f : x; x = x > 88.f ? 88.f : x;
  float n = __builtin_rintf(x * 1.44269504f), r = x - n * 0.693359375f; r = r + n * 2.12194440e-4f;
  float p = 1.9875691500e-4f; p = p * r + 1.3981999507e-3f; p = p * r + 8.3334519073e-3f;
  p = p * r + 4.1665795894e-2f; p = p * r + 1.6666665459e-1f; p = p * r + 5.0000001201e-1f;
  p = p * r * r + r + 1.f;
  int32_t b = ((int32_t)n + 127) << 23; float s; memcpy(&s, &b, 4); return p * s;
}
AI float sigmoid_f32(float x) { return 1.f / (1.f + exp_f32(-x)); }
AI float tanh_f32(float x) { return 1.f - 2.f / (1.f + exp_f32(2.f * x)); }
AI float relu_f32(float x) { return x > 0.f ? x : 0.f; }
AI i64 relu_i64(i64 x) { return x > 0 ? x : 0; }
AI float silu_f32(float x) { return x / (1.f + exp_f32(-x)); }
/* Abramowitz and Stegun 7.1.26: absolute error 1.5e-7. */
AI float erf_f32(float x) {
  float a = x < 0 ? -x : x, t = 1.f / (1.f + .3275911f * a);
  float y = ((((1.061405429f * t - 1.453152027f) * t + 1.421413741f) * t - .284496736f) * t + .254829592f) * t;
  y = 1.f - y * exp_f32(-a * a);
  return x < 0 ? -y : y;
}
AI float gelu_f32(float x) { return .5f * x * (1.f + erf_f32(x * .70710678f)); }
AI float gelu_tanh_f32(float x) {
  return .5f * x * (1.f + tanh_f32(.79788456f * (x + .044715f * x * x * x)));
}
/* Giles, "Approximating the erfinv function", 2010: relative error 4e-7. */
AI float erfinv_f32(float x) {
  float w = -logf((1.f - x) * (1.f + x)), p;
  if (w < 5.f) {
    w -= 2.5f; p = 2.81022636e-08f;
    p = p * w + 3.43273939e-07f; p = p * w - 3.5233877e-06f; p = p * w - 4.39150654e-06f;
    p = p * w + .00021858087f; p = p * w - .00125372503f; p = p * w - .00417768164f;
    p = p * w + .246640727f; p = p * w + 1.50140941f;
  } else {
    w = sqrtf(w) - 3.f; p = -.000200214257f;
    p = p * w + .000100950558f; p = p * w + .00134934322f; p = p * w - .00367342844f;
    p = p * w + .00573950773f; p = p * w - .0076224613f; p = p * w + .00943887047f;
    p = p * w + 1.00167406f; p = p * w + 2.83297682f;
  }
  return p * x;
}
AI float sqrt_f32(float x) { return sqrtf(x); }
AI float rsqrt_f32(float x) { return 1.f / sqrtf(x); }
AI float reciprocal_f32(float x) { return 1.f / x; }
AI float square_f32(float x) { return x * x; }
AI float log_f32(float x) { return logf(x); }
AI float log1p_f32(float x) { return log1pf(x); }
AI float expm1_f32(float x) { return expm1f(x); }
AI float sin_f32(float x) { return sinf(x); }
AI float cos_f32(float x) { return cosf(x); }
AI float atan2_f32(float y, float x) { return atan2f(y, x); }
AI float pow_f32(float x, float y) { return powf(x, y); }
AI float floor_f32(float x) { return floorf(x); }
AI float ceil_f32(float x) { return ceilf(x); }
AI float trunc_f32(float x) { return truncf(x); }
AI float round_f32(float x) { return __builtin_rintf(x); }
AI float abs_f32(float x) { return fabsf(x); }
AI i64 abs_i64(i64 x) { return x < 0 ? -x : x; }
AI float sign_f32(float x) { return (float)((x > 0.f) - (x < 0.f)); }
AI i64 sign_i64(i64 x) { return (x > 0) - (x < 0); }
AI float maximum_f32(float a, float b) { return a > b ? a : b; }
AI float minimum_f32(float a, float b) { return a < b ? a : b; }
AI i64 maximum_i64(i64 a, i64 b) { return a > b ? a : b; }
AI i64 minimum_i64(i64 a, i64 b) { return a < b ? a : b; }
AI float floor_div_f32(float a, float b) { return floorf(a / b); }
AI float trunc_div_f32(float a, float b) { return truncf(a / b); }
AI float fmod_f32(float a, float b) { return fmodf(a, b); }
AI float remainder_f32(float a, float b) { float r = fmodf(a, b); return r != 0.f && (r < 0.f) != (b < 0.f) ? r + b : r; }
AI i64 trunc_div_i64(i64 a, i64 b) { return a / b; }
AI i64 fmod_i64(i64 a, i64 b) { return a % b; }
AI i64 floor_div_i64(i64 a, i64 b) { i64 q = a / b; return a % b != 0 && (a % b < 0) != (b < 0) ? q - 1 : q; }
AI i64 remainder_i64(i64 a, i64 b) { i64 r = a % b; return r != 0 && (r < 0) != (b < 0) ? r + b : r; }
