"""A GPU as a device of the benchmark, by the CUDA driver and, for comparison, cuBLAS, both through ctypes.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import ctypes
import ctypes.util
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from gpu_linear import Array

# cuda.h: device attributes and function attributes.
SM_COUNT, CAPABILITY_MAJOR, CAPABILITY_MINOR, L2_BYTES = 16, 75, 76, 38
MAX_DYNAMIC_SHARED = 8
CAPTURE_RELAXED = 2
# cublas_api.h and library_types.h
CUBLAS_N, CUBLAS_T, CUDA_R_16F, CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT = 0, 1, 2, 68, -1

# Reads N bytes (a multiple of 16) and writes nothing unless they add up to what they never do.
STREAMING_READ = rb"""
.version 7.0
.target sm_80
.address_size 64
.visible .entry streaming_read(.param .u64 from, .param .u64 to, .param .u32 count) {
  .reg .pred %p; .reg .b32 %r<12>; .reg .b64 %d<6>;
  ld.param.u64 %d0, [from]; ld.param.u64 %d1, [to]; ld.param.u32 %r0, [count];
  mov.u32 %r1, %ctaid.x; mov.u32 %r2, %ntid.x; mov.u32 %r3, %tid.x; mov.u32 %r4, %nctaid.x;
  mad.lo.u32 %r1, %r1, %r2, %r3; mul.lo.u32 %r4, %r4, %r2; mov.u32 %r5, 0;
loop:
  setp.ge.u32 %p, %r1, %r0;
  @%p bra done;
  mul.wide.u32 %d2, %r1, 16; add.u64 %d2, %d0, %d2;
  ld.global.v4.u32 {%r6, %r7, %r8, %r9}, [%d2];
  add.u32 %r6, %r6, %r7; add.u32 %r8, %r8, %r9; add.u32 %r5, %r5, %r6; add.u32 %r5, %r5, %r8;
  add.u32 %r1, %r1, %r4;
  bra loop;
done:
  setp.ne.u32 %p, %r5, 0x7fffffff;
  @%p bra end;
  st.global.u32 [%d1], %r5;
end:
  ret;
}
"""


class DriverError(RuntimeError):
    """What the driver says, with the call that failed."""


class CudaDevice:
    """The first GPU. Launches go to one stream; `timed` records them into a graph."""

    def __init__(self) -> None:
        try:
            self.cuda = ctypes.CDLL("libcuda.so.1")
        except OSError as reason:
            raise DriverError("there is no NVIDIA driver here; --device sim runs the same launches") from reason
        self._call("cuInit", 0)
        device = ctypes.c_int()
        self._call("cuDeviceGet", ctypes.byref(device), 0)
        context = ctypes.c_void_p()
        self._call("cuDevicePrimaryCtxRetain", ctypes.byref(context), device)
        self._call("cuCtxSetCurrent", context)
        self.stream = ctypes.c_void_p()
        self._call("cuStreamCreate", ctypes.byref(self.stream), 1)
        name = ctypes.create_string_buffer(128)
        self._call("cuDeviceGetName", name, 128, device)
        self.name = name.value.decode()

        def attribute(which: int) -> int:
            value = ctypes.c_int()
            self._call("cuDeviceGetAttribute", ctypes.byref(value), which, device)
            return value.value

        self.sms, self.l2_bytes = attribute(SM_COUNT), attribute(L2_BYTES)
        capability = f"sm_{attribute(CAPABILITY_MAJOR)}{attribute(CAPABILITY_MINOR)}"
        self.chip = "sm_90a" if capability == "sm_90" else capability
        self.functions: dict[str, ctypes.c_void_p] = {}
        self.modules = [self._load(STREAMING_READ + b"\0")]

    def _call(self, name: str, *arguments: Any) -> None:
        code = getattr(self.cuda, name)(*arguments)
        if code:
            text = ctypes.c_char_p()
            self.cuda.cuGetErrorString(code, ctypes.byref(text))
            raise DriverError(f"{name}: {(text.value or b'error').decode()} ({code})")

    def _load(self, image: bytes) -> ctypes.c_void_p:
        module = ctypes.c_void_p()
        self._call("cuModuleLoadData", ctypes.byref(module), image)
        return module

    def load(self, cubin: bytes) -> None:
        """Makes the kernels of a cubin known."""
        self.modules.append(self._load(cubin))

    def _function(self, name: str) -> ctypes.c_void_p:
        if name not in self.functions:
            function = ctypes.c_void_p()
            for module in reversed(self.modules):
                if self.cuda.cuModuleGetFunction(ctypes.byref(function), module, name.encode()) == 0:
                    break
            else:
                raise DriverError(f"no module has a kernel {name}")
            self.functions[name] = function
        return self.functions[name]

    def upload(self, array: Array) -> ctypes.c_uint64:
        pointer = ctypes.c_uint64()
        data = np.ascontiguousarray(array)
        self._call("cuMemAlloc_v2", ctypes.byref(pointer), ctypes.c_size_t(max(16, data.nbytes)))
        self._call("cuMemcpyHtoD_v2", pointer, data.ctypes.data_as(ctypes.c_void_p), ctypes.c_size_t(data.nbytes))
        return pointer

    def download(self, buffer: ctypes.c_uint64, like: Array) -> Array:
        self._call("cuStreamSynchronize", self.stream)
        out = np.empty_like(like)
        self._call("cuMemcpyDtoH_v2", out.ctypes.data_as(ctypes.c_void_p), buffer, ctypes.c_size_t(out.nbytes))
        return out

    def launch(self, kernel: str, grid: tuple[int, int], threads: int, shared: int, arguments: list[Any]) -> None:
        function = self._function(kernel)
        if shared:
            self._call("cuFuncSetAttribute", function, MAX_DYNAMIC_SHARED, shared)
        values = [ctypes.c_int32(each) if isinstance(each, int) else each for each in arguments]
        pointers = (ctypes.c_void_p * len(values))(
            *(ctypes.cast(ctypes.byref(value), ctypes.c_void_p) for value in values)
        )
        self._call("cuLaunchKernel", function, *grid, 1, threads, 1, 1, shared, self.stream, pointers, None)

    def read(self, buffer: ctypes.c_uint64, sink: ctypes.c_uint64, bytes_: int) -> None:
        """Reads a buffer, which is the least that a product with its weights can take."""
        self.launch("streaming_read", (self.sms * 8, 1), 256, 0, [buffer, sink, bytes_ // 16])

    @contextmanager
    def _captured(self) -> Iterator[ctypes.c_void_p]:
        graph = ctypes.c_void_p()
        self._call("cuStreamBeginCapture_v2", self.stream, CAPTURE_RELAXED)
        yield graph
        self._call("cuStreamEndCapture", self.stream, ctypes.byref(graph))

    def timed(self, launches: list[Callable[[], None]], repeats: int = 5) -> list[float]:
        """Microseconds for one of `launches`, which run one after another as a CUDA graph."""
        with self._captured() as graph:
            for each in launches:
                each()
        runnable = ctypes.c_void_p()
        self._call("cuGraphInstantiateWithFlags", ctypes.byref(runnable), graph, ctypes.c_ulonglong(0))
        events = [ctypes.c_void_p(), ctypes.c_void_p()]
        for event in events:
            self._call("cuEventCreate", ctypes.byref(event), 0)
        times = []
        for _ in range(repeats + 1):
            self._call("cuEventRecord", events[0], self.stream)
            self._call("cuGraphLaunch", runnable, self.stream)
            self._call("cuEventRecord", events[1], self.stream)
            self._call("cuEventSynchronize", events[1])
            milliseconds = ctypes.c_float()
            self._call("cuEventElapsedTime", ctypes.byref(milliseconds), *events)
            times.append(1000 * milliseconds.value / len(launches))
        # The first run warms up.
        return times[1:]


class Cublas:
    """Y [m, n] = X [m, k] W^T [n, k], all f16 with f32 sums."""

    def __init__(self, device: CudaDevice) -> None:
        path = ctypes.util.find_library("cublas")
        if not path:
            raise DriverError("there is no cuBLAS here")
        self.library = ctypes.CDLL(path)
        self.handle = ctypes.c_void_p()
        self._check(self.library.cublasCreate_v2(ctypes.byref(self.handle)))
        self._check(self.library.cublasSetStream_v2(self.handle, device.stream))

    @staticmethod
    def _check(status: int) -> None:
        if status:
            raise DriverError(f"cuBLAS: status {status}")

    def multiply(self, x: Any, weight: Any, y: Any, m: int, n: int, k: int) -> None:
        one, zero = ctypes.c_float(1), ctypes.c_float(0)
        # In columns: Y^T [n, m] = W [n, k] X^T.
        self._check(
            self.library.cublasGemmEx(
                self.handle, CUBLAS_T, CUBLAS_N, n, m, k, ctypes.byref(one),
                weight, CUDA_R_16F, k, x, CUDA_R_16F, k, ctypes.byref(zero),
                y, CUDA_R_16F, n, CUBLAS_COMPUTE_32F, CUBLAS_DEFAULT,
            )
        )  # fmt: skip
