//===- ParameterFileList.cpp - files of a module's weights -- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ParameterFileList.h"

#include "mlir/IR/BuiltinAttributes.h"

using namespace mlir;
using namespace awq;

/// One tensor of an indexed file.
static std::optional<io::IndexedTensor> readTensor(NamedAttribute entry) {
  auto fields = dyn_cast<DictionaryAttr>(entry.getValue());
  auto dtype = fields ? fields.getAs<StringAttr>("dtype") : StringAttr();
  auto offset = fields ? fields.getAs<IntegerAttr>("offset") : IntegerAttr();
  auto shape =
      fields ? fields.getAs<DenseI64ArrayAttr>("shape") : DenseI64ArrayAttr();
  if (!dtype || !offset || !offset.getType().isInteger(64) || !shape)
    return std::nullopt;
  auto type = io::parseDType(dtype.getValue().str());
  if (!type || offset.getInt() < 0)
    return std::nullopt;
  return io::IndexedTensor{entry.getName().str(), *type,
                           std::vector<int64_t>(shape.asArrayRef()),
                           uint64_t(offset.getInt())};
}

static Error badEntry(Attribute entry) {
  std::string text;
  llvm::raw_string_ostream(text) << entry;
  return Error{ErrorKind::Malformed, "AWQ1032",
               "an entry of " + kParameterFilesAttr.str() +
                   " must be a path, or a file with its tensors' places",
               "entry " + text.substr(0, 200),
               "{file = path, tensors = {name = {dtype, offset, shape}}}"};
}

static Result<io::Checkpoint> openEntry(Attribute entry) {
  if (auto path = dyn_cast<StringAttr>(entry))
    return io::Checkpoint::open(path.str());
  auto fields = dyn_cast<DictionaryAttr>(entry);
  auto file = fields ? fields.getAs<StringAttr>("file") : StringAttr();
  auto tensors =
      fields ? fields.getAs<DictionaryAttr>("tensors") : DictionaryAttr();
  if (!file || !tensors)
    return badEntry(entry);
  std::vector<io::IndexedTensor> index;
  for (NamedAttribute tensor : tensors) {
    std::optional<io::IndexedTensor> place = readTensor(tensor);
    if (!place)
      return badEntry(tensor.getValue());
    index.push_back(std::move(*place));
  }
  return io::Checkpoint::openIndexed(file.str(), std::move(index));
}

static ArrayRef<Attribute> entriesOf(ModuleOp module) {
  auto list = module->getAttrOfType<ArrayAttr>(kParameterFilesAttr);
  return list ? list.getValue() : ArrayRef<Attribute>();
}

Result<std::vector<io::Checkpoint>> awq::openParameterFiles(ModuleOp module) {
  std::vector<io::Checkpoint> files;
  for (Attribute entry : entriesOf(module)) {
    Result<io::Checkpoint> file = openEntry(entry);
    if (!file)
      return file.error();
    files.push_back(std::move(*file));
  }
  return files;
}

std::vector<std::string> awq::parameterFilePaths(ModuleOp module) {
  std::vector<std::string> paths;
  for (Attribute entry : entriesOf(module)) {
    auto path = dyn_cast<StringAttr>(entry);
    if (auto fields = dyn_cast<DictionaryAttr>(entry))
      path = fields.getAs<StringAttr>("file");
    if (path)
      paths.push_back(path.str());
  }
  return paths;
}
