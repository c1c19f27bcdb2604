// CUDA's runtime library without a GPU, as far as ONNX Runtime's CUDA provider calls it: device memory is host memory,
// kernels do nothing, copies are made and counted, and what a stream's capture forbids is refused. Copies of pinned memory
// are made as late as the device may make them: at the next wait. See rehearse.sh.
#include <cuda_runtime_api.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const size_t MEMORY = 139ul << 30, LARGEST = 4ul << 30;
static long kernels, copies[5], pageable, waits, captures, replays, pinned_bytes;
static size_t taken;
static int capturing;
static cudaError_t last = cudaSuccess;
static void *thing = &thing;
static void *seen[64]; // streams on which kernels ran
static int streams;

__attribute__((destructor)) static void report(void) {
  if (kernels)
    fprintf(stderr,
            "rehearsal: %ld kernels on %d streams, copies: %ld to the device, %ld back (%ld of both pageable), %ld on it; the host"
            " waited %ld times; %ld MB pinned; %ld captures, %ld replays\n",
            kernels, streams, copies[cudaMemcpyHostToDevice], copies[cudaMemcpyDeviceToHost], pageable,
            copies[cudaMemcpyDeviceToDevice], waits, pinned_bytes >> 20, captures, replays);
}

static cudaError_t error(cudaError_t e) { return last = e; }

static cudaError_t forbidden(const char *what) {
  if (!capturing) return cudaSuccess;
  fprintf(stderr, "rehearsal: %s in a capture\n", what);
  return error(cudaErrorStreamCaptureUnsupported);
}

// What is queued: copies of pinned memory, and all that comes after them.

struct copy { void *to; const void *from; size_t size; int kind; unsigned long sum; };
static struct { void *start; size_t size; } pinned[4096];
static struct copy queue[65536];
static int pins, queued;

static int is_pinned(const void *m) {
  for (int i = 0; i < pins; i++)
    if ((char *)m >= (char *)pinned[i].start && (char *)m < (char *)pinned[i].start + pinned[i].size) return 1;
  return 0;
}

static unsigned long sum(const unsigned char *bytes, size_t n) {
  unsigned long sum = 5381;
  while (n--) sum = sum * 33 + *bytes++;
  return sum;
}

static void arrive(void) { // the device has come to the end of its queue
  for (int i = 0; i < queued; i++) {
    struct copy *c = &queue[i];
    if (c->kind == cudaMemcpyHostToDevice && c->sum != sum(c->from, c->size))
      fprintf(stderr, "rehearsal: %zu bytes were changed before they were copied to the device\n", c->size);
    memmove(c->to, c->from, c->size);
  }
  queued = 0;
}

static cudaError_t waited(const char *what) {
  cudaError_t e = forbidden(what);
  if (e) return e;
  waits++;
  arrive();
  return cudaSuccess;
}

static void enqueue(void *to, const void *from, size_t n, int kind) {
  int host = kind == cudaMemcpyHostToDevice || kind == cudaMemcpyDeviceToHost;
  copies[kind]++;
  if (host && !is_pinned(kind == cudaMemcpyHostToDevice ? from : to)) { // in its turn, while the host waits
    pageable++;
    arrive();
    memmove(to, from, n);
    return;
  }
  if (queued == 65536) arrive();
  queue[queued++] = (struct copy){to, from, n, kind, kind == cudaMemcpyHostToDevice ? sum(from, n) : 0};
  if (kind == cudaMemcpyDeviceToHost) memset(to, 255, n); // NaN, if anybody reads it too early
}

static void launch(void *stream) {
  if (stream == cudaStreamPerThread) stream = (void *)pthread_self(); // another one for each thread
  kernels++;
  for (int i = 0; i < streams; i++)
    if (seen[i] == stream) return;
  if (streams < 64) seen[streams++] = stream;
}

// The device: one like an H200.

cudaError_t cudaGetDeviceCount(int *count) { *count = 1; return cudaSuccess; }
cudaError_t cudaGetDevice(int *device) { *device = 0; return cudaSuccess; }
cudaError_t cudaSetDevice(int device) { return device ? error(cudaErrorInvalidDevice) : cudaSuccess; }
cudaError_t cudaDriverGetVersion(int *version) { *version = 13000; return cudaSuccess; }
cudaError_t cudaRuntimeGetVersion(int *version) { *version = 13000; return cudaSuccess; }

cudaError_t cudaGetDeviceProperties(struct cudaDeviceProp *p, int device) {
  memset(p, 0, sizeof *p);
  strcpy(p->name, "rehearsal");
  p->major = 9;
  p->totalGlobalMem = MEMORY;
  p->warpSize = 32;
  p->multiProcessorCount = 132;
  p->maxThreadsPerBlock = p->maxThreadsDim[0] = p->maxThreadsDim[1] = 1024;
  p->maxThreadsDim[2] = 64;
  p->maxGridSize[0] = 2147483647;
  p->maxGridSize[1] = p->maxGridSize[2] = 65535;
  p->maxThreadsPerMultiProcessor = 2048;
  p->maxBlocksPerMultiProcessor = 32;
  p->regsPerBlock = p->regsPerMultiprocessor = 65536;
  p->sharedMemPerBlock = 49152;
  p->sharedMemPerBlockOptin = 232448;
  p->sharedMemPerMultiprocessor = 233472;
  p->l2CacheSize = 62914560;
  p->memoryPoolsSupported = 1;
  return cudaSuccess;
}

cudaError_t cudaDeviceGetAttribute(int *value, enum cudaDeviceAttr attribute, int device) {
  switch (attribute) {
    case cudaDevAttrComputeCapabilityMajor: *value = 9; break;
    case cudaDevAttrComputeCapabilityMinor: *value = 0; break;
    case cudaDevAttrMultiProcessorCount: *value = 132; break;
    case cudaDevAttrMaxThreadsPerBlock: *value = 1024; break;
    case cudaDevAttrMaxThreadsPerMultiProcessor: *value = 2048; break;
    case cudaDevAttrMaxSharedMemoryPerBlock: *value = 49152; break;
    case cudaDevAttrMaxSharedMemoryPerBlockOptin: *value = 232448; break;
    case cudaDevAttrWarpSize: *value = 32; break;
    case cudaDevAttrMaxGridDimX: *value = 2147483647; break;
    default: *value = 1;
  }
  return cudaSuccess;
}

cudaError_t cudaGetLastError(void) { cudaError_t e = last; last = cudaSuccess; return e; }
cudaError_t cudaPeekAtLastError(void) { return last; }
const char *cudaGetErrorName(cudaError_t e) { return e ? "a failure of the rehearsal" : "cudaSuccess"; }
const char *cudaGetErrorString(cudaError_t e) { return cudaGetErrorName(e); }

// Kernels.

static dim3 grid, block;
static size_t shared;
static void *stream;

void **__cudaRegisterFatBinary(void *binary) { return &thing; }
void __cudaRegisterFatBinaryEnd(void **binary) {}
void __cudaUnregisterFatBinary(void **binary) {}
void __cudaRegisterFunction(void **b, const char *h, char *d, const char *n, int t, void *i, void *j, void *k, void *l, int *w) {}
void __cudaRegisterVar(void **b, char *h, char *d, const char *n, int e, size_t s, int c, int g) {}
unsigned __cudaPushCallConfiguration(dim3 g, dim3 b, size_t s, void *st) { grid = g; block = b; shared = s; stream = st; return 0; }
cudaError_t __cudaPopCallConfiguration(dim3 *g, dim3 *b, size_t *s, void *st) {
  *g = grid;
  *b = block;
  *s = shared;
  *(void **)st = stream;
  return cudaSuccess;
}
cudaError_t __cudaGetKernel(cudaKernel_t *kernel, const void *function) { *kernel = (cudaKernel_t)function; return cudaSuccess; }
cudaError_t __cudaLaunchKernel(cudaKernel_t k, dim3 g, dim3 b, void **a, size_t s, cudaStream_t st) { launch(st); return cudaSuccess; }
cudaError_t cudaLaunchKernelExC(const cudaLaunchConfig_t *c, const void *f, void **a) { launch(c->stream); return cudaSuccess; }
cudaError_t cudaLaunchHostFunc(cudaStream_t s, cudaHostFn_t f, void *data) { arrive(); f(data); return cudaSuccess; }

cudaError_t cudaFuncGetAttributes(struct cudaFuncAttributes *a, const void *function) {
  memset(a, 0, sizeof *a);
  a->maxThreadsPerBlock = 1024;
  a->numRegs = 32;
  a->ptxVersion = a->binaryVersion = 90;
  a->maxDynamicSharedSizeBytes = 232448;
  return cudaSuccess;
}
cudaError_t cudaFuncSetAttribute(const void *f, enum cudaFuncAttribute a, int value) { return cudaSuccess; }
cudaError_t cudaOccupancyMaxActiveBlocksPerMultiprocessorWithFlags(int *n, const void *f, int b, size_t s, unsigned g) {
  *n = 2;
  return cudaSuccess;
}

// Memory. A size above LARGEST comes from a number that a kernel should have computed.

static cudaError_t take(void **memory, size_t size) {
  size_t whole = (size + 255) & ~255ul;
  *memory = size > LARGEST ? NULL : aligned_alloc(256, whole);
  if (!*memory) return error(cudaErrorMemoryAllocation);
  memset(*memory, 0, whole);
  taken += whole;
  return cudaSuccess;
}
cudaError_t cudaMalloc(void **m, size_t n) { cudaError_t e = forbidden("cudaMalloc"); return e ? e : take(m, n); }
cudaError_t cudaMallocHost(void **m, size_t n) {
  cudaError_t e = forbidden("cudaMallocHost");
  e = e ? e : take(m, n);
  pinned_bytes += e ? 0 : n;
  if (!e && pins < 4096) pinned[pins].start = *m, pinned[pins++].size = n;
  return e;
}
cudaError_t cudaHostAlloc(void **m, size_t n, unsigned flags) { return cudaMallocHost(m, n); }
cudaError_t cudaMallocFromPoolAsync(void **m, size_t n, cudaMemPool_t p, cudaStream_t s) { return take(m, n); }
cudaError_t cudaFree(void *m) { arrive(); free(m); return cudaSuccess; }
cudaError_t cudaFreeAsync(void *m, cudaStream_t s) { return cudaFree(m); }
cudaError_t cudaFreeHost(void *m) {
  for (int i = 0; i < pins; i++)
    if (pinned[i].start == m) pinned[i] = pinned[--pins];
  return cudaFree(m);
}
cudaError_t cudaMemGetInfo(size_t *unused, size_t *total) { *total = MEMORY; *unused = MEMORY - taken % MEMORY; return cudaSuccess; }
cudaError_t cudaMemPoolCreate(cudaMemPool_t *p, const struct cudaMemPoolProps *q) { *p = (cudaMemPool_t)&thing; return cudaSuccess; }
cudaError_t cudaMemPoolDestroy(cudaMemPool_t p) { return cudaSuccess; }
cudaError_t cudaMemPoolGetAttribute(cudaMemPool_t p, enum cudaMemPoolAttr a, void *v) { memset(v, 0, 8); return cudaSuccess; }
cudaError_t cudaMemPoolSetAttribute(cudaMemPool_t p, enum cudaMemPoolAttr a, void *v) { return cudaSuccess; }
cudaError_t cudaMemPoolTrimTo(cudaMemPool_t p, size_t n) { return cudaSuccess; }

cudaError_t cudaMemcpyAsync(void *to, const void *from, size_t n, enum cudaMemcpyKind kind, cudaStream_t s) {
  if (capturing && kind != cudaMemcpyDeviceToDevice)
    fprintf(stderr, "rehearsal: a copy of %zu bytes between host and device in a capture\n", n);
  enqueue(to, from, n, kind);
  return cudaSuccess;
}
cudaError_t cudaMemcpy(void *to, const void *from, size_t n, enum cudaMemcpyKind kind) {
  cudaError_t e = forbidden("cudaMemcpy");
  if (e) return e;
  enqueue(to, from, n, kind);
  return kind == cudaMemcpyDeviceToDevice ? e : waited("cudaMemcpy");
}
cudaError_t cudaMemcpy2DAsync(void *to, size_t t, const void *from, size_t f, size_t width, size_t height, enum cudaMemcpyKind kind, cudaStream_t s) {
  arrive();
  for (size_t row = 0; row < height; row++) memmove((char *)to + row * t, (const char *)from + row * f, width);
  copies[kind]++;
  return cudaSuccess;
}
cudaError_t cudaMemsetAsync(void *m, int value, size_t n, cudaStream_t s) { arrive(); memset(m, value, n); return cudaSuccess; }
cudaError_t cudaMemset(void *m, int value, size_t n) { cudaError_t e = forbidden("cudaMemset"); return e ? e : cudaMemsetAsync(m, value, n, NULL); }

// Streams, events and graphs.

cudaError_t cudaDeviceSynchronize(void) { return waited("cudaDeviceSynchronize"); }
cudaError_t cudaStreamSynchronize(cudaStream_t s) { return waited("cudaStreamSynchronize"); }
cudaError_t cudaEventSynchronize(cudaEvent_t e) { return waited("cudaEventSynchronize"); }
cudaError_t cudaStreamCreateWithFlags(cudaStream_t *s, unsigned flags) { *s = malloc(1); return cudaSuccess; }
cudaError_t cudaStreamDestroy(cudaStream_t s) { free(s); return cudaSuccess; }
cudaError_t cudaStreamWaitEvent(cudaStream_t s, cudaEvent_t e, unsigned flags) { return cudaSuccess; }
cudaError_t cudaEventCreate(cudaEvent_t *e) { *e = malloc(1); return cudaSuccess; }
cudaError_t cudaEventCreateWithFlags(cudaEvent_t *e, unsigned flags) { return cudaEventCreate(e); }
cudaError_t cudaEventDestroy(cudaEvent_t e) { free(e); return cudaSuccess; }
cudaError_t cudaEventRecord(cudaEvent_t e, cudaStream_t s) { return cudaSuccess; }
cudaError_t cudaEventElapsedTime(float *ms, cudaEvent_t a, cudaEvent_t b) { *ms = 0; return cudaSuccess; }
cudaError_t cudaStreamBeginCapture(cudaStream_t s, enum cudaStreamCaptureMode m) { capturing = 1; captures++; return cudaSuccess; }
cudaError_t cudaStreamEndCapture(cudaStream_t s, cudaGraph_t *g) { capturing = 0; *g = (cudaGraph_t)&thing; return cudaSuccess; }
cudaError_t cudaGraphInstantiate(cudaGraphExec_t *x, cudaGraph_t g, unsigned long long flags) { *x = (cudaGraphExec_t)&thing; return cudaSuccess; }
cudaError_t cudaGraphDestroy(cudaGraph_t g) { return cudaSuccess; }
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t x) { return cudaSuccess; }
cudaError_t cudaGraphLaunch(cudaGraphExec_t x, cudaStream_t s) { replays++; return cudaSuccess; }
