/* PhaseStream._add_frame of phase_stream.py for one row. Sizes are macros: N_FFT (a power of two),
   HOP, OPEN (open frames), ITER (iterations); so are the constants MOMENTUM, WIDTH and ONSET.
   Two frames make one complex transform, the first as its real and the second as its imaginary
   part; real and imaginary parts lie apart. */
#include <math.h>
#include <string.h>
#define AI static inline __attribute__((always_inline))
#define EXPORT __attribute__((visibility("default")))
#define SIMD _Pragma("omp simd")
enum { BINS = N_FFT / 2 + 1, PAIRS = (OPEN + 1) / 2, FINAL = (OPEN - 1) * HOP, LENGTH = FINAL + N_FFT };
#define TURN 6.283185307179586476925
#define EACH(i, n) SIMD for (int i = 0; i < n; i++)
typedef struct {
  float re[PAIRS][N_FFT], im[PAIRS][N_FFT], other[2 * N_FFT]; /* transforms */
  float projected[PAIRS][4][BINS];                            /* spectra of the iteration before */
  float logs[BINS + 2], guess[2 * BINS]; double lean[BINS]; int peak[BINS];
} Work;

/* -- Fourier transform: Stockham's, radix 4 ------------------------------------------------- */

AI void butterfly(int n, int p, int q, int s, const float *w, const float *xr, const float *xi,
                  float *yr, float *yi) {
  const int m = n / 4 * s, i = q + s * p, o = q + s * 4 * p;
  const float *wr = w + p, *wi = w + n / 4 + p; /* w^p, then w^2p and w^3p */
  float ar = xr[i] + xr[i + 2 * m], ai = xi[i] + xi[i + 2 * m];
  float br = xr[i] - xr[i + 2 * m], bi = xi[i] - xi[i + 2 * m];
  float cr = xr[i + m] + xr[i + 3 * m], ci = xi[i + m] + xi[i + 3 * m];
  float dr = xr[i + m] - xr[i + 3 * m], di = xi[i + m] - xi[i + 3 * m];
  yr[o] = ar + cr; yi[o] = ai + ci;
  float r = br + di, j = bi - dr, u = wr[0], v = wi[0];
  yr[o + s] = r * u - j * v; yi[o + s] = r * v + j * u;
  r = ar - cr; j = ai - ci; u = wr[n / 2]; v = wi[n / 2];
  yr[o + 2 * s] = r * u - j * v; yi[o + 2 * s] = r * v + j * u;
  r = br - di; j = bi + dr; u = wr[n]; v = wi[n];
  yr[o + 3 * s] = r * u - j * v; yi[o + 3 * s] = r * v + j * u;
}
AI void stage(int n, int s, const float *w, const float *restrict xr, const float *restrict xi,
              float *restrict yr, float *restrict yi) {
  if (s == 1) {
    SIMD for (int p = 0; p < n / 4; p++) butterfly(n, p, 0, 1, w, xr, xi, yr, yi);
  } else {
    for (int p = 0; p < n / 4; p++) { SIMD for (int q = 0; q < s; q++) butterfly(n, p, q, s, w, xr, xi, yr, yi); }
  }
}
/* Transform in place, unscaled; with re and im exchanged, the inverse. */
static void transform(const float *w, float *re, float *im, float *other) {
  float *xr = re, *xi = im, *yr = other, *yi = other + N_FFT, *swap;
  int n = N_FFT, s = 1;
#pragma GCC unroll 16
  for (; n >= 4; w += 6 * (n / 4), n /= 4, s *= 4) {
    stage(n, s, w, xr, xi, yr, yi);
    swap = xr; xr = yr; yr = swap; swap = xi; xi = yi; yi = swap;
  }
  if (n == 2) {
    SIMD for (int q = 0; q < s; q++) {
      float ar = xr[q], ai = xi[q], br = xr[q + s], bi = xi[q + s];
      yr[q] = ar + br; yi[q] = ai + bi; yr[q + s] = ar - br; yi[q + s] = ai - bi;
    }
    swap = xr; xr = yr; yr = swap; swap = xi; xi = yi; yi = swap;
  }
  if (xr != re) { memcpy(re, xr, sizeof(float) * N_FFT); memcpy(im, xi, sizeof(float) * N_FFT); }
}
/* Twiddle factors of all stages: real parts, imaginary parts of w^p; the same of w^2p, w^3p. */
EXPORT void fill_twiddles(float *w) {
  for (int n = N_FFT; n >= 4; w += 6 * (n / 4), n /= 4)
    for (int j = 1; j < 4; j++)
      for (int p = 0; p < n / 4; p++) {
        w[(j - 1) * (n / 2) + p] = cos(TURN * j * p / n);
        w[(j - 1) * (n / 2) + n / 4 + p] = -sin(TURN * j * p / n);
      }
}

/* -- the first guess of a frame: guess_spectrum ---------------------------------------------- */

AI float clamp(float x, float low, float high) { return x < low ? low : x > high ? high : x; }
/* For each bin, the nearest local maximum of L. */
static void nearest_peaks(const float *L, int *peak) {
  int before = -2 * BINS, after = 2 * BINS;
  for (int k = 0; k < BINS; k++) {
    if (L[k] > L[k - 1] && L[k] >= L[k + 1]) before = k;
    peak[k] = before;
  }
  for (int k = BINS - 1; k >= 0; k--) {
    if (L[k] > L[k - 1] && L[k] >= L[k + 1]) after = k;
    int nearest = k - peak[k] <= after - k ? peak[k] : after;
    peak[k] = nearest < 0 ? 0 : nearest > BINS - 1 ? BINS - 1 : nearest;
  }
}
static void guess_spectrum(const float *S, const float *S_before, const float *D_before, Work *work) {
  float *L = work->logs + 1; double sum = 0.;
  L[-1] = L[BINS] = -30.f;
  for (int k = 0; k < BINS; k++) L[k] = logf(S[k] + 1e-6f);
  nearest_peaks(L, work->peak);
  for (int k = 0; k < BINS; k++) {
    float growth = L[k] - logf(S_before[k] + 1e-6f), delay = 0.f;
    if (fabsf(growth) > (float)ONSET)
      delay = clamp(growth * (float)((WIDTH) / HOP) - HOP / 2.f, -N_FFT / 2.f, N_FFT / 2.f);
    float slope = (float)(-TURN / 2) - (float)(TURN / N_FFT) * delay;
    sum += slope; work->lean[k] = sum - 0.5 * slope;
  }
  for (int k = 0; k < BINS; k++) {
    const int p = work->peak[k];
    float curvature = L[p - 1] - 2.f * L[p] + L[p + 1];
    curvature = curvature > -1e-9f ? -1e-9f : curvature;
    float frequency = p + clamp(0.5f * (L[p - 1] - L[p + 1]) / curvature, -0.5f, 0.5f);
    double turned = work->lean[k] + ((float)(TURN * HOP / N_FFT) * frequency - work->lean[p]);
    float angle = (float)(turned - TURN * floor(turned / TURN));
    float re = D_before[2 * p] + 1e-12f, im = D_before[2 * p + 1];
    float square = re * re + im * im, factor = S[k] / sqrtf(square < 1e-30f ? 1e-30f : square);
    float c = cosf(angle) * factor, s = sinf(angle) * factor;
    work->guess[2 * k] = re * c - im * s; work->guess[2 * k + 1] = re * s + im * c;
  }
}

/* -- the frames that are open ---------------------------------------------------------------- */

/* Spectra A and B of a pair's frames at bin k, into the pair's transform at k and at -k. */
AI void join(float *re, float *im, int k, int mirror, float ar, float ai, float br, float bi) {
  re[k] = ar - bi; im[k] = ai + br; re[mirror] = ar + bi; im[mirror] = br - ai;
}
static void join_all(Work *work, const float *D) {
  for (int f = 0; f < OPEN; f += 2) {
    float *re = work->re[f / 2], *im = work->im[f / 2];
    const float *A = D + (long)f * 2 * BINS, *B = A + 2 * BINS, b = f + 1 < OPEN;
    if (f + 1 == OPEN) B = A;
    SIMD for (int k = 1; k < BINS - 1; k++)
      join(re, im, k, N_FFT - k, A[2 * k], A[2 * k + 1], b * B[2 * k], b * B[2 * k + 1]);
    for (int k = 0; k < BINS; k += BINS - 1) { re[k] = A[2 * k]; im[k] = b * B[2 * k]; }
  }
}
static void split_all(const Work *work, float *D) {
  for (int f = 0; f < OPEN; f++) {
    const float *re = work->re[f / 2], *im = work->im[f / 2]; float *out = D + (long)f * 2 * BINS;
    for (int k = 0; k < BINS; k++) {
      const int mirror = k ? N_FFT - k : 0;
      float ar = .5f * (re[k] + re[mirror]), ai = .5f * (im[k] - im[mirror]);
      float br = .5f * (im[k] + im[mirror]), bi = .5f * (re[mirror] - re[k]);
      out[2 * k] = f % 2 ? br : ar; out[2 * k + 1] = f % 2 ? bi : ai;
    }
  }
}
/* Spectrum at a bin, ahead of the one before by the momentum, as long as S says. */
AI void follow(float *re, float *im, float *before_re, float *before_im, float S, float momentum) {
  float r = *re + momentum * (*re - *before_re), i = *im + momentum * (*im - *before_im);
  float square = r * r + i * i, factor = S / sqrtf(square < 1e-30f ? 1e-30f : square);
  *before_re = *re; *before_im = *im; *re = r * factor; *im = i * factor;
}
AI void project_bin(float *re, float *im, float (*before)[BINS], const float *SA, const float *SB,
                    float momentum, int k, int mirror) {
  float ar = .5f * (re[k] + re[mirror]), ai = .5f * (im[k] - im[mirror]);
  float br = .5f * (im[k] + im[mirror]), bi = .5f * (re[mirror] - re[k]);
  follow(&ar, &ai, &before[0][k], &before[1][k], SA[k], momentum);
  follow(&br, &bi, &before[2][k], &before[3][k], SB[k], momentum);
  join(re, im, k, mirror, ar, ai, br, bi);
}
/* Spectra of the frames in y, with magnitudes S. */
static void project(Work *work, const float *w, const float *window, const float *y, const float *S,
                    float momentum) {
  for (int f = 0; f < OPEN; f += 2) {
    float *re = work->re[f / 2], *im = work->im[f / 2], (*before)[BINS] = work->projected[f / 2];
    const float *a = y + f * HOP, *SA = S + (long)f * BINS, *SB = f + 1 < OPEN ? SA + BINS : SA;
    EACH(i, N_FFT) re[i] = a[i] * window[i];
    if (f + 1 < OPEN) { EACH(i, N_FFT) im[i] = a[HOP + i] * window[i]; }
    else memset(im, 0, sizeof(float) * N_FFT);
    transform(w, re, im, work->other);
    SIMD for (int k = 1; k < BINS - 1; k++) project_bin(re, im, before, SA, SB, momentum, k, N_FFT - k);
    for (int k = 0; k < BINS; k += BINS - 1) project_bin(re, im, before, SA, SB, momentum, k, k);
  }
}
/* Sound of all spectra, laid over each other behind the final samples. */
static void overlap_add(Work *work, const float *w, const float *window, const float *scale, float *y) {
  memset(y + FINAL, 0, sizeof(float) * N_FFT);
  for (int f = 0; f < OPEN; f++) {
    if (f % 2 == 0) transform(w, work->im[f / 2], work->re[f / 2], work->other);
    const int skip = (OPEN - 1 - f) * HOP;
    const float *frame = (f % 2 ? work->im : work->re)[f / 2] + skip, *seen = window + skip;
    EACH(i, N_FFT - skip) y[FINAL + i] += frame[i] * seen[i];
  }
  EACH(i, N_FFT) y[FINAL + i] *= scale[i];
}
static void add_frame(float *y, float *S, float *D, const float *S_new, const float *window,
                      const float *scale, const float *w, Work *work) {
  float *S_last = S + (OPEN - 1) * BINS, *D_last = D + (OPEN - 1) * 2 * BINS;
  guess_spectrum(S_new, S_last, D_last, work);
  memmove(S, S + BINS, sizeof(float) * (OPEN - 1) * BINS);
  memmove(D, D + 2 * BINS, sizeof(float) * (OPEN - 1) * 2 * BINS);
  memcpy(S_last, S_new, sizeof(float) * BINS); memcpy(D_last, work->guess, sizeof(float) * 2 * BINS);
  memset(work->projected, 0, sizeof work->projected);
  join_all(work, D);
  overlap_add(work, w, window, scale, y);
  for (int i = 0; i < ITER; i++) {
    project(work, w, window, y, S, i ? MOMENTUM : 0.f);
    if (i + 1 == ITER) split_all(work, D);
    overlap_add(work, w, window, scale, y);
  }
}
EXPORT long work_bytes(void) { return sizeof(Work); }
/* For rows of y [LENGTH], S [OPEN, BINS] and D [OPEN, BINS] (complex): n frames of magnitudes
   S_new [n, BINS] become final samples out [n, HOP]. */
EXPORT void add_frames(float *y, float *S, float *D, const float *S_new, float *out, long rows, long n,
                       const float *window, const float *scale, const float *w, Work *work) {
  for (long row = 0; row < rows; row++, y += LENGTH, S += OPEN * BINS, D += 2 * OPEN * BINS)
    for (long i = 0; i < n; i++, S_new += BINS, out += HOP) {
      add_frame(y, S, D, S_new, window, scale, w, work);
      memcpy(out, y + FINAL, sizeof(float) * HOP);
      memmove(y, y + HOP, sizeof(float) * (LENGTH - HOP));
      memset(y + LENGTH - HOP, 0, sizeof(float) * HOP);
    }
}
