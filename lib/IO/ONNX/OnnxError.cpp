//===- OnnxError.cpp - errors of ONNX models ------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxError.h"

#include "../Utf8.h"

using namespace awq;
using namespace awq::io;

Error io::malformedOnnx(std::string code, std::string message,
                        std::string where, std::string help) {
  return {ErrorKind::Malformed, std::move(code), std::move(message),
          std::move(where), std::move(help)};
}

Status io::checkName(std::string_view name, const std::string &role,
                     const std::string &where) {
  std::string problem;
  if (name.size() > maxNameBytes)
    problem = "has " + std::to_string(name.size()) + " bytes; the limit is " +
              std::to_string(maxNameBytes);
  else if (name.find('\0') != std::string_view::npos)
    problem = "holds a NUL byte";
  else if (findInvalidUtf8(name) != std::string_view::npos)
    problem = "is not UTF-8";
  if (problem.empty())
    return {};
  return malformedOnnx("AWQ1068", role + " " + problem + ": " + printable(name),
                       where);
}

Status io::requireName(std::string_view name, const std::string &role,
                       const std::string &where) {
  if (name.empty())
    return malformedOnnx("AWQ1068", role + " is missing", where);
  return checkName(name, role, where);
}
