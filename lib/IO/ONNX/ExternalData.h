//===- ExternalData.h - tensors in files beside an ONNX model ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A model from elsewhere names files, and may name those it has no business
// with. Only regular files with one name, beneath the model's folder and
// reached without any link, are opened.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_EXTERNALDATA_H
#define AWQ_LIB_IO_ONNX_EXTERNALDATA_H

#include "awq/IO/MappedFile.h"
#include "awq/Support/Error.h"

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace awq::io {

/// TensorProto.external_data, checked as far as it can be without the file.
struct ExternalPlace {
  /// Relative to the model's folder; no empty, "." or ".." between its slashes.
  std::string location;
  uint64_t offset = 0;
  std::optional<uint64_t> length;
  /// SHA-1 of the whole file, in lower case; empty if not given.
  std::string checksum;
};

/// Errors: AWQ1090, AWQ1095, AWQ1096, AWQ1098.
Result<ExternalPlace>
readExternalPlace(const std::vector<std::pair<std::string, std::string>> &keys,
                  const std::string &where);

/// How files are opened; each stands for the others where the system lacks it.
enum class BeneathCheck { Kernel, StepByStep };

/// Why an external file cannot be opened, from errno: AWQ1090 to AWQ1094.
Error cannotOpenExternal(int number, const std::string &where);

/// Finds `location` (as in ExternalPlace) beneath `folder`: a descriptor of its
/// place (O_PATH), which the caller closes. Errors: AWQ1090 to AWQ1094.
Result<int> openBeneath(const std::string &folder, const std::string &location,
                        const std::string &where,
                        BeneathCheck check = BeneathCheck::Kernel);

/// The external files of one model, each mapped once.
class ExternalFiles {
public:
  explicit ExternalFiles(std::string folder) : folder(std::move(folder)) {}

  struct Bytes {
    const uint8_t *data;
    std::string file;
  };
  /// The `bytes` bytes of a tensor. Errors: AWQ1005, AWQ1090 to AWQ1098.
  Result<Bytes> find(const ExternalPlace &place, uint64_t bytes,
                     const std::string &where);

  /// AWQ1097 if two of the tensors that were found share some of their bytes.
  /// All of them is fine: so are equal tensors stored once.
  Status checkOverlaps();

  /// The mapped files; `find` must not be called any more.
  std::vector<MappedFile> take() { return std::move(files); }

private:
  struct Claim {
    size_t file;
    uint64_t begin, end;
    std::string where;
  };
  Result<size_t> open(const std::string &location, const std::string &where);
  Status verify(size_t file, const std::string &checksum,
                const std::string &where);

  std::string folder;
  std::map<std::string, size_t> indices;
  std::vector<MappedFile> files;
  std::vector<std::string> paths;
  std::vector<std::string> digests; ///< where one was asked for
  std::vector<Claim> claims;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_EXTERNALDATA_H
