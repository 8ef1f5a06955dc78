//===- SafetensorsFile.cpp - opening one safetensors file -----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "SafetensorsHeader.h"
#include "Utf8.h"
#include "awq/IO/Safetensors.h"

#include <algorithm>

using namespace awq;
using namespace awq::io;

int64_t TensorView::elementCount() const {
  // Cannot overflow: the header's check bounds the product by the file's size,
  // except for shapes with a zero, whose product is zero.
  if (std::find(shape.begin(), shape.end(), 0) != shape.end())
    return 0;
  int64_t count = 1;
  for (int64_t size : shape)
    count *= size;
  return count;
}

bool TensorView::isAligned() const {
  // A complex number is two floats.
  uintptr_t width = dtype == DType::C64 ? 4 : bitWidth(dtype) / 8;
  return width <= 1 || reinterpret_cast<uintptr_t>(data) % width == 0;
}

/// Names the formats that people pass by mistake. Called only when the first
/// 8 bytes are no plausible header length, so no valid file is misread.
static Error explainForeign(const MappedFile &file, Error otherwise) {
  std::string_view text(reinterpret_cast<const char *>(file.data()),
                        std::min<uint64_t>(file.size(), 256));
  auto begins = [&](std::string_view prefix) {
    return text.substr(0, prefix.size()) == prefix;
  };
  if (begins("version https://git-lfs"))
    return {ErrorKind::Malformed, "AWQ1007",
            "this is a Git LFS pointer, not the weights themselves",
            file.path(), "run \"git lfs pull\" in the model's folder"};
  bool pickle =
      text.size() >= 2 && text[0] == '\x80' && text[1] >= 2 && text[1] <= 5;
  if (begins("PK\x03\x04") || pickle)
    return {ErrorKind::Malformed, "AWQ1008",
            "this is a PyTorch checkpoint (zip or pickle); such files can run "
            "code and are never read",
            file.path(),
            "convert it to safetensors with "
            "save_pretrained(..., safe_serialization=True)"};
  if (begins("GGUF"))
    return {ErrorKind::Malformed, "AWQ1009", "this is a GGUF file", file.path(),
            "use the safetensors weights of the model"};
  size_t start = text.find_first_not_of(" \t\r\n");
  if (start != std::string_view::npos && text[start] == '<')
    return {ErrorKind::Malformed, "AWQ1009",
            "this looks like a web page, not like weights", file.path(),
            "the download was answered by an error page; fetch it again"};
  return otherwise;
}

/// The header's length from the first 8 bytes.
static Result<uint64_t> readHeaderLength(const MappedFile &file) {
  auto malformed = [&](std::string code, std::string message) {
    return Error{ErrorKind::Malformed, std::move(code), std::move(message),
                 file.path(),
                 "the file is damaged or no safetensors file; fetch it again"};
  };
  if (file.size() == 0)
    return malformed("AWQ1006", "the file is empty");
  if (file.size() < lengthBytes)
    return explainForeign(
        file, malformed("AWQ1010", "the file has only " +
                                       std::to_string(file.size()) +
                                       " bytes; the header's length alone "
                                       "takes 8"));
  uint64_t length = 0;
  for (uint64_t i = 0; i < lengthBytes; ++i)
    length |= uint64_t(file.data()[i]) << (8 * i);
  if (length > maxHeaderBytes)
    return explainForeign(
        file,
        malformed("AWQ1012", "the header's length, " + std::to_string(length) +
                                 ", is more than the limit of " +
                                 std::to_string(maxHeaderBytes)));
  if (length == 0)
    return malformed("AWQ1011", "the header's length is 0");
  if (length > file.size() - lengthBytes)
    return malformed("AWQ1013", "the file ends inside its header: the header "
                                "has " +
                                    std::to_string(length) +
                                    " bytes, the file " +
                                    std::to_string(file.size()));
  return length;
}

Result<SafetensorsFile> SafetensorsFile::open(const std::string &path) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.error();
  SafetensorsFile result(std::move(*mapped));
  const MappedFile &file = result.file;
  Result<uint64_t> length = readHeaderLength(file);
  if (!length)
    return length.error();
  Result<SafetensorsHeader> header = parseHeader(
      {reinterpret_cast<const char *>(file.data()) + lengthBytes, *length},
      path);
  if (!header)
    return header.error();
  uint64_t dataBegin = lengthBytes + *length;
  if (Status status = checkLayout(*header, file.size() - dataBegin, path);
      !status)
    return status.error();

  result.strings = std::move(header->metadata);
  result.views.reserve(header->entries.size());
  result.indices.reserve(header->entries.size());
  for (HeaderEntry &entry : header->entries) {
    result.views.push_back(
        {std::move(entry.name), entry.dtype, std::move(entry.shape),
         file.data() + dataBegin + entry.begin, entry.end - entry.begin, path});
  }
  // Only now: the keys view the names where they stay.
  for (size_t i = 0; i < result.views.size(); ++i)
    result.indices.emplace(result.views[i].name, i);
  return result;
}

/// The bytes that a tensor takes; nothing if they are beyond all files.
static std::optional<uint64_t> bytesOf(const IndexedTensor &tensor) {
  uint64_t bits = bitWidth(tensor.dtype);
  for (int64_t size : tensor.shape)
    if (size < 0 || __builtin_mul_overflow(bits, uint64_t(size), &bits))
      return std::nullopt;
  return bits / 8;
}

Result<SafetensorsFile>
SafetensorsFile::openIndexed(const std::string &path,
                             std::vector<IndexedTensor> index) {
  Result<MappedFile> mapped = MappedFile::open(path);
  if (!mapped)
    return mapped.error();
  SafetensorsFile result(std::move(*mapped));
  uint64_t size = result.file.size();
  for (IndexedTensor &tensor : index) {
    std::optional<uint64_t> bytes = bytesOf(tensor);
    if (!bytes || tensor.offset > size || *bytes > size - tensor.offset)
      return Error{ErrorKind::Malformed, "AWQ1031",
                   "the tensor " + printable(tensor.name) +
                       " does not lie inside the file any more",
                   path, "import the model again"};
    result.views.push_back({std::move(tensor.name), tensor.dtype,
                            std::move(tensor.shape),
                            result.file.data() + tensor.offset, *bytes, path});
  }
  for (size_t i = 0; i < result.views.size(); ++i)
    result.indices.emplace(result.views[i].name, i);
  return result;
}

std::optional<TensorView> SafetensorsFile::find(std::string_view name) const {
  auto found = indices.find(name);
  if (found == indices.end())
    return std::nullopt;
  return views[found->second];
}

Result<TensorView> SafetensorsFile::get(std::string_view name) const {
  auto found = indices.find(name);
  if (found == indices.end())
    return Error{ErrorKind::Malformed, "AWQ1030",
                 "there is no tensor " + printable(name), path(),
                 "check that these are the weights of this model"};
  if (Status status = checkUnchanged(); !status)
    return status.error();
  return views[found->second];
}
