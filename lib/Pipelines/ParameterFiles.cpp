//===- ParameterFiles.cpp - the tensors that entry points read -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ParameterFiles.h"

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/IO/SafetensorsWriter.h"

using namespace mlir;
using namespace awq;

std::optional<io::DType> awq::toDType(llvm::StringRef type) {
  static constexpr std::pair<llvm::StringLiteral, io::DType> types[] = {
      {"f16", io::DType::F16}, {"bf16", io::DType::BF16},
      {"f32", io::DType::F32}, {"f64", io::DType::F64},
      {"i1", io::DType::BOOL}, {"i8", io::DType::I8},
      {"i16", io::DType::I16}, {"i32", io::DType::I32},
      {"i64", io::DType::I64}, {"index", io::DType::I64}};
  for (const auto &[name, dtype] : types)
    if (name == type)
      return dtype;
  return std::nullopt;
}

Result<ParameterFiles> ParameterFiles::open(ModuleOp module) {
  ParameterFiles opened;
  Result<std::vector<io::Checkpoint>> files = openParameterFiles(module);
  if (!files)
    return files.error();
  opened.files = std::move(*files);
  return opened;
}

Result<io::TensorView>
ParameterFiles::find(const EntryArgument &argument) const {
  for (auto file = files.rbegin(); file != files.rend(); ++file) {
    std::optional<io::TensorView> view = file->find(argument.name);
    if (!view)
      continue;
    std::optional<io::DType> wanted = toDType(argument.type);
    // Bytes with and without a sign are one type here.
    bool fits = wanted == view->dtype ||
                (wanted == io::DType::I8 && view->dtype == io::DType::U8);
    if (fits && view->shape == argument.shape)
      return *view;
    return Error{ErrorKind::Malformed, "AWQ1522",
                 "the parameter '" + argument.name + "' in '" + view->file +
                     "' is " + std::string(io::name(view->dtype)) +
                     " of another shape or type than the module's " +
                     argument.type,
                 view->file, "import the model again"};
  }
  return Error{ErrorKind::Malformed, "AWQ1522",
               "the parameter '" + argument.name + "' is in no file",
               "module attribute awq.parameter_files",
               "list the safetensors file that holds it in the module's "
               "awq.parameter_files"};
}

Status awq::copyTensors(llvm::ArrayRef<io::TensorView> views,
                        const std::string &path) {
  std::vector<io::TensorSpec> specs;
  for (const io::TensorView &view : views)
    specs.push_back({view.name, view.dtype, view.shape});
  Result<io::SafetensorsWriter> writer =
      io::SafetensorsWriter::create(path, specs);
  if (!writer)
    return writer.error();
  for (const io::TensorView &view : views)
    if (Status status = writer->write(view.name, view.data, view.bytes);
        !status)
      return status;
  return writer->commit();
}
