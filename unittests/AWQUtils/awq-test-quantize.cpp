//===- awq-test-quantize.cpp - quantizes on behalf of the tests -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

//   awq-test-quantize MODE GROUP IN OUT
// reads the F32 tensor "weights" [N, K] and writes "codes" U8 [N, K], "scales"
// F32 [N, G], "zeros" U8 [N, G], and the packed "qweight" I32 [K, N/8]. MODE is
// "best" or "autoawq"; 4 bits, asymmetric, f16 scales.
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Utils/Layouts.h"
#include "awq/Dialect/AWQ/Utils/Quantize.h"
#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"

#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <tuple>

using namespace awq;

static Status run(const std::string &mode, int64_t group,
                  const std::string &input, const std::string &output) {
  auto file = io::SafetensorsFile::open(input);
  if (!file)
    return file.error();
  auto view = file->get("weights");
  if (!view)
    return view.error();
  int64_t n = view->shape[0], k = view->shape[1];
  std::vector<float> weights(n * k);
  std::memcpy(weights.data(), view->data, view->bytes);
  QuantScheme scheme{4, group, false, ScaleType::F16};
  auto q = mode == "autoawq"
               ? quantizeAutoAwq(weights.data(), n, k, scheme, "weights")
               : quantize(weights.data(), n, k, scheme, {}, "weights");
  if (!q)
    return q.error();
  std::vector<int32_t> words(k * n / 8);
  findLayout("autoawq_gemm")->packCodes(q->codes.data(), n, k, words.data());

  int64_t groups = scheme.groups(k);
  auto writer = io::SafetensorsWriter::create(
      output, {{"codes", io::DType::U8, {n, k}},
               {"scales", io::DType::F32, {n, groups}},
               {"zeros", io::DType::U8, {n, groups}},
               {"qweight", io::DType::I32, {k, n / 8}}});
  if (!writer)
    return writer.error();
  for (auto [name, data, bytes] :
       {std::tuple<const char *, const void *, size_t>{"codes", q->codes.data(),
                                                       q->codes.size()},
        {"scales", q->scales.data(), q->scales.size() * sizeof(float)},
        {"zeros", q->zeros.data(), q->zeros.size()},
        {"qweight", words.data(), words.size() * sizeof(int32_t)}})
    if (Status status = writer->write(name, data, bytes); !status)
      return status;
  return writer->commit();
}

int main(int argc, char **argv) {
  if (argc != 5)
    return 2;
  Status status = run(argv[1], std::atoll(argv[2]), argv[3], argv[4]);
  if (status)
    return 0;
  std::fprintf(stderr, "%s\n", status.error().str().c_str());
  return status.error().exitCode();
}
