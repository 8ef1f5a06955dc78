; Two kernels on a vector of n floats: x[i] = i * a, and x[i] = x[i] * a with
; the sum of each block's numbers left in shared memory.

@sums = internal addrspace(3) global [64 x float] undef, align 4

declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()

define ptx_kernel void @fill(ptr addrspace(1) %x, float %a, i32 %n) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %w = call i32 @llvm.nvvm.read.ptx.sreg.ntid.x()
  %b = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %s = mul i32 %b, %w
  %i = add i32 %s, %t
  %in = icmp ult i32 %i, %n
  br i1 %in, label %store, label %done
store:
  %f = uitofp i32 %i to float
  %v = fmul float %f, %a
  %p = getelementptr float, ptr addrspace(1) %x, i32 %i
  store float %v, ptr addrspace(1) %p
  br label %done
done:
  ret void
}

define ptx_kernel void @scale(ptr addrspace(1) %x, float %a) {
  %t = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %p = getelementptr float, ptr addrspace(1) %x, i32 %t
  %v = load float, ptr addrspace(1) %p
  %m = fmul float %v, %a
  store float %m, ptr addrspace(1) %p
  %q = getelementptr float, ptr addrspace(3) @sums, i32 %t
  store float %m, ptr addrspace(3) %q
  %other = xor i32 %t, 32
  %r = getelementptr float, ptr addrspace(3) @sums, i32 %other
  %u = load float, ptr addrspace(3) %r
  ret void
}
