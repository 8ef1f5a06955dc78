//===- Elementwise.cpp - one instruction on many numbers ------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "Elementwise.h"

using namespace awq::gpusim;
using namespace awq::gpusim::test;

/// OPERAND and RESULT are types, BODY computes %r; see runElementwise.
static const char *frame = R"(
declare i32 @llvm.nvvm.read.ptx.sreg.tid.x()
declare i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
define ptx_kernel void @k(ptr addrspace(1) %px, ptr addrspace(1) %py, ptr addrspace(1) %pz, ptr addrspace(1) %pr, i32 %count) {
  %tid0 = call i32 @llvm.nvvm.read.ptx.sreg.tid.x()
  %cta0 = call i32 @llvm.nvvm.read.ptx.sreg.ctaid.x()
  %first0 = mul i32 %cta0, 128
  %at0 = add i32 %first0, %tid0
  %in0 = icmp ult i32 %at0, %count
  br i1 %in0, label %work, label %done
work:
  %ax = getelementptr OPERAND, ptr addrspace(1) %px, i32 %at0
  %ay = getelementptr OPERAND, ptr addrspace(1) %py, i32 %at0
  %az = getelementptr OPERAND, ptr addrspace(1) %pz, i32 %at0
  %x = load OPERAND, ptr addrspace(1) %ax
  %y = load OPERAND, ptr addrspace(1) %ay
  %z = load OPERAND, ptr addrspace(1) %az
BODY
  %ar = getelementptr RESULT, ptr addrspace(1) %pr, i32 %at0
  store RESULT %r, ptr addrspace(1) %ar
  br label %done
done:
  ret void
}
)";

static void put(std::string &text, const std::string &what,
                const std::string &with) {
  for (size_t at = 0; (at = text.find(what, at)) != std::string::npos;
       at += with.size())
    text.replace(at, what.size(), with);
}

std::vector<uint8_t>
test::runElementwise(const std::string &operand, const std::string &result,
                     const std::string &body, const std::string &declarations,
                     const std::vector<uint8_t> operands[3],
                     unsigned operandBytes, unsigned resultBytes) {
  std::string ir = frame;
  put(ir, "OPERAND", operand);
  put(ir, "RESULT", result);
  put(ir, "BODY", body);
  ir += declarations + "\n";
  DeviceMemory memory;
  unsigned count = static_cast<unsigned>(operands[0].size() / operandBytes);
  std::vector<Argument> arguments;
  for (unsigned i = 0; i < 3; ++i)
    arguments.push_back(
        Argument::pointer(memory.allocate("operand", operands[i])));
  DeviceBuffer &output = memory.allocate("result", count * resultBytes);
  arguments.push_back(Argument::pointer(output));
  arguments.push_back(Argument::of<uint32_t>(count));
  LaunchConfig config;
  config.block.x = 128;
  config.grid.x = (count + 127) / 128;
  Report report = runText(ir, memory, config, arguments);
  EXPECT_TRUE(report.clean()) << report.text(false) << ir;
  return std::vector<uint8_t>(output.data, output.data + output.bytes);
}
