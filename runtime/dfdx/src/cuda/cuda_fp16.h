// Half precision as far as dfdx's sources have to compile. None of its kernels for half precision is asked for, so numbers are floats.
#pragma once
struct __half {
    float v;
    __half() = default;
    __device__ __half(float x) : v(x) {}
    __device__ __half(double x) : v((float)x) {}
    __device__ __half(int x) : v((float)x) {}
    __device__ __half(unsigned int x) : v((float)x) {}
    __device__ __half(unsigned long x) : v((float)x) {}
    __device__ __half(bool x) : v((float)x) {}
    __device__ operator float() const { return v; }
    __device__ __half& operator+=(__half o) { v += o.v; return *this; }
    __device__ __half& operator-=(__half o) { v -= o.v; return *this; }
    __device__ __half& operator*=(__half o) { v *= o.v; return *this; }
    __device__ __half& operator/=(__half o) { v /= o.v; return *this; }
};
#define OPERATOR(op) __device__ inline __half operator op(__half a, __half b) { return __half(a.v op b.v); }
OPERATOR(+) OPERATOR(-) OPERATOR(*) OPERATOR(/)
#undef OPERATOR
#define COMPARISON(op) __device__ inline bool operator op(__half a, __half b) { return a.v op b.v; }
COMPARISON(<) COMPARISON(>) COMPARISON(<=) COMPARISON(>=) COMPARISON(==) COMPARISON(!=)
#undef COMPARISON
__device__ inline __half operator-(__half a) { return __half(-a.v); }
#define FUNCTION(name, f) __device__ inline __half name(__half a) { return __half(f(a.v)); }
FUNCTION(hcos, cosf) FUNCTION(hsin, sinf) FUNCTION(hexp, expf) FUNCTION(hlog, logf) FUNCTION(hsqrt, sqrtf)
FUNCTION(hrcp, 1.0f /) FUNCTION(__habs, fabsf) FUNCTION(hfloor, floorf) FUNCTION(hceil, ceilf)
#undef FUNCTION
__device__ inline bool __hisnan(__half a) { return isnan(a.v); }
__device__ inline bool __hgt(__half a, __half b) { return a.v > b.v; }
__device__ inline bool __hlt(__half a, __half b) { return a.v < b.v; }
__device__ inline __half __hmax(__half a, __half b) { return __half(fmaxf(a.v, b.v)); }
__device__ inline __half __hmin(__half a, __half b) { return __half(fminf(a.v, b.v)); }
// dfdx brings its own for older devices.
#if __CUDA_ARCH__ >= 800
__device__ inline __half __hmax_nan(__half a, __half b) { return isnan(a.v) ? a : isnan(b.v) ? b : __hmax(a, b); }
__device__ inline __half __hmin_nan(__half a, __half b) { return isnan(a.v) ? a : isnan(b.v) ? b : __hmin(a, b); }
#endif
__device__ inline float __half2float(__half a) { return a.v; }
__device__ inline __half __float2half(float a) { return __half(a); }
__device__ inline unsigned short __half_as_ushort(__half a) { return (unsigned short)a.v; }
__device__ inline __half __ushort_as_half(unsigned short a) { return __half((float)a); }
__device__ inline __half atomicAdd(__half* a, __half b) { return __half(atomicAdd(&a->v, b.v)); }
