//===- ParameterStore.cpp - numbers of parameter expressions -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Providers.h"
#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/IO/SafetensorsWriter.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/DialectResourceBlobManager.h"
#include "mlir/IR/SymbolTable.h"
#include "llvm/Support/FileSystem.h"

#include <cstring>
#include <fcntl.h>
#include <unistd.h>

using namespace mlir;
using namespace awq;

ParameterStore::ParameterStore(ModuleOp module, std::string sideFile)
    : module(module), mode(sideFile.empty() ? Mode::Refuse : Mode::SideFile),
      sideFile(std::move(sideFile)) {}

ParameterStore::ParameterStore(ModuleOp module, Mode mode)
    : module(module), mode(mode) {}

ParameterStore::~ParameterStore() {
  if (spillFile >= 0)
    close(spillFile);
}

//===----------------------------------------------------------------------===//
// Leaves
//===----------------------------------------------------------------------===//

std::optional<io::DType> awq::toDType(Type type) {
  if (type.isF32())
    return io::DType::F32;
  if (type.isF16())
    return io::DType::F16;
  if (type.isBF16())
    return io::DType::BF16;
  if (type.isInteger(8))
    return io::DType::I8;
  if (type.isInteger(32))
    return io::DType::I32;
  if (type.isInteger(64))
    return io::DType::I64;
  return std::nullopt;
}

LogicalResult ParameterStore::openFiles(Location loc) {
  if (opened)
    return success();
  Result<std::vector<io::Checkpoint>> list = openParameterFiles(module);
  if (!list)
    return awq::emitError(loc, list.error());
  files = std::move(*list);
  opened = true;
  return success();
}

FailureOr<ParameterStore::Leaf>
ParameterStore::readExtern(Location loc, StringRef name,
                           RankedTensorType type) {
  if (auto held = memory.find(name); held != memory.end())
    return Leaf{held->second};
  FailureOr<std::optional<ParameterData>> provided =
      findProvidedParameter(loc, name, type);
  if (failed(provided))
    return failure();
  if (*provided)
    return Leaf{(*provided)->bytes, (*provided)->splat};
  if (failed(openFiles(loc)))
    return failure();
  // A later file overrides an earlier one.
  for (const io::Checkpoint &file : llvm::reverse(files)) {
    if (!file.find(std::string_view(name.data(), name.size())))
      continue;
    Result<io::TensorView> view =
        file.get(std::string_view(name.data(), name.size()));
    if (!view)
      return awq::emitError(loc, view.error());
    std::optional<io::DType> expected = toDType(type.getElementType());
    bool sameType =
        expected &&
        (view->dtype == *expected ||
         (*expected == io::DType::I8 && view->dtype == io::DType::U8));
    if (!sameType || !llvm::equal(view->shape, type.getShape())) {
      std::string message;
      llvm::raw_string_ostream text(message);
      text << "parameter '" << name << "' is declared as " << type
           << ", but the file holds " << io::name(view->dtype) << " [";
      llvm::interleaveComma(view->shape, text);
      text << "]";
      return awq::emitError(loc, {ErrorKind::Malformed, "AWQ1522", message,
                                  view->file, "import the model again"});
    }
    return Leaf{ArrayRef<char>(reinterpret_cast<const char *>(view->data),
                               view->bytes)};
  }
  return awq::emitError(loc,
                        {ErrorKind::Malformed, "AWQ1522",
                         "parameter '" + name.str() + "' is in none of the " +
                             std::to_string(files.size()) + " files of " +
                             kParameterFilesAttr.str(),
                         "", "add the file that holds it to that attribute"});
}

/// Bytes of an elements attribute; nothing for kinds that hold no raw bytes.
static std::optional<std::pair<ArrayRef<char>, bool>> rawBytes(Attribute attr) {
  if (auto dense = dyn_cast<DenseElementsAttr>(attr))
    return std::pair{dense.getRawData(), dense.isSplat()};
  if (auto resource = dyn_cast<DenseResourceElementsAttr>(attr)) {
    AsmResourceBlob *blob = resource.getRawHandle().getBlob();
    if (blob)
      return std::pair{blob->getData(), false};
  }
  return std::nullopt;
}

FailureOr<ParameterStore::Leaf> ParameterStore::readLeaf(Value value) {
  Operation *op = value.getDefiningOp();
  Attribute attr;
  if (auto constant = dyn_cast<arith::ConstantOp>(op)) {
    attr = constant.getValue();
  } else if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    auto global = SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(
        op, load.getGlobalAttr());
    attr = *global.getValue();
    if (isa<ml_program::ExternAttr>(attr))
      return readExtern(op->getLoc(), global.getSymName(),
                        cast<RankedTensorType>(value.getType()));
  } else {
    return op->emitError("is not a parameter that can be read");
  }
  if (auto raw = rawBytes(attr)) {
    // MLIR does not compare a resource with its type.
    auto type = cast<RankedTensorType>(value.getType());
    uint64_t needed =
        uint64_t(type.getNumElements()) * type.getElementTypeBitWidth() / 8;
    if (!raw->second && raw->first.size() != needed)
      return op->emitError("this constant has ")
             << raw->first.size() << " bytes, its type needs " << needed;
    return Leaf{raw->first, raw->second};
  }
  return op->emitError("the bytes of this constant are not here: it was "
                       "printed with elided resources");
}

/// The bits of numbers rounded to f16 or bf16.
static std::vector<uint16_t> narrow(Type element, ArrayRef<float> values) {
  std::vector<uint16_t> bits(values.size());
  if (element.isF16())
    floatToHalf(values.data(), bits.data(), values.size());
  else
    floatToBfloat(values.data(), bits.data(), values.size());
  return bits;
}

/// Copies `count` elements of type T from the `first` on, repeating a splat.
template <typename T>
static std::vector<T> copyElements(ArrayRef<char> bytes, bool splat,
                                   int64_t count, int64_t first = 0) {
  std::vector<T> values(count);
  if (!splat) {
    std::memcpy(values.data(), bytes.data() + first * sizeof(T),
                count * sizeof(T));
    return values;
  }
  T element;
  std::memcpy(&element, bytes.data(), sizeof(T));
  values.assign(count, element);
  return values;
}

FailureOr<std::vector<uint8_t>> ParameterStore::readBytes(Value value) {
  if (!isParameter(value))
    return mlir::emitError(value.getLoc(),
                           "needs a parameter here, not a "
                           "value that is computed at run time");
  if (isParameterExpression(value))
    return evaluateBytes(cast<OpResult>(value));
  FailureOr<Leaf> leaf = readLeaf(value);
  if (failed(leaf))
    return failure();
  return copyElements<uint8_t>(
      leaf->bytes, leaf->splat,
      cast<RankedTensorType>(value.getType()).getNumElements());
}

FailureOr<std::vector<uint32_t>> ParameterStore::readWords(Value value) {
  if (!isParameter(value))
    return mlir::emitError(value.getLoc(),
                           "needs a parameter here, not a "
                           "value that is computed at run time");
  if (auto repack = value.getDefiningOp<RepackOp>())
    return evaluateRepack(repack);
  FailureOr<Leaf> leaf = readLeaf(value);
  if (failed(leaf))
    return failure();
  return copyElements<uint32_t>(
      leaf->bytes, leaf->splat,
      cast<RankedTensorType>(value.getType()).getNumElements());
}

FailureOr<ArrayRef<char>> ParameterStore::view(Value value,
                                               std::vector<char> &storage) {
  auto type = dyn_cast<RankedTensorType>(value.getType());
  auto keep = [&](const auto &values) {
    auto *data = reinterpret_cast<const char *>(values.data());
    storage.assign(data, data + values.size() * sizeof(values[0]));
    return ArrayRef<char>(storage);
  };
  if (isParameter(value) && !isParameterExpression(value)) {
    FailureOr<Leaf> leaf = readLeaf(value);
    if (failed(leaf))
      return failure();
    if (!leaf->splat)
      return leaf->bytes;
    storage.clear();
    for (int64_t i = 0, count = type.getNumElements(); i < count; ++i)
      storage.insert(storage.end(), leaf->bytes.begin(), leaf->bytes.end());
    return ArrayRef<char>(storage);
  }
  FailureOr<std::vector<float>> values = readFloats(value);
  if (failed(values))
    return failure();
  if (type.getElementType().isF32())
    return keep(*values);
  return keep(narrow(type.getElementType(), *values));
}

FailureOr<std::vector<float>> ParameterStore::readFloats(Value value) {
  if (!isParameter(value))
    return mlir::emitError(value.getLoc(),
                           "needs a parameter here, not a "
                           "value that is computed at run time");
  if (isParameterExpression(value))
    return evaluate(cast<OpResult>(value));
  int64_t count = cast<RankedTensorType>(value.getType()).getNumElements();
  return readLeafFloats(value, 0, count);
}

FailureOr<std::vector<float>>
ParameterStore::readLeafFloats(Value value, int64_t first, int64_t count) {
  FailureOr<Leaf> leaf = readLeaf(value);
  if (failed(leaf))
    return failure();
  auto type = cast<RankedTensorType>(value.getType());
  if (type.getElementType().isF32())
    return copyElements<float>(leaf->bytes, leaf->splat, count, first);
  std::vector<uint16_t> bits =
      copyElements<uint16_t>(leaf->bytes, leaf->splat, count, first);
  std::vector<float> values(count);
  if (type.getElementType().isF16())
    halfToFloat(bits.data(), values.data(), count);
  else
    bfloatToFloat(bits.data(), values.data(), count);
  return values;
}

//===----------------------------------------------------------------------===//
// New parameters
//===----------------------------------------------------------------------===//

bool ParameterStore::isInline(Value value) {
  Operation *op = value.getDefiningOp();
  if (!op)
    return true;
  if (auto load = dyn_cast<ml_program::GlobalLoadConstOp>(op)) {
    auto global = SymbolTable::lookupNearestSymbolFrom<ml_program::GlobalOp>(
        op, load.getGlobalAttr());
    return global && global.getValue() &&
           !isa<ml_program::ExternAttr>(*global.getValue());
  }
  return llvm::all_of(op->getOperands(),
                      [&](Value operand) { return isInline(operand); });
}

/// A symbol name that the module does not use yet.
static std::string uniqueName(ModuleOp module, StringRef name) {
  std::string unique = name.str();
  for (int i = 1; SymbolTable::lookupSymbolIn(module, unique); ++i)
    unique = (name + "." + Twine(i)).str();
  return unique;
}

FailureOr<Value> ParameterStore::define(OpBuilder &builder, Location loc,
                                        StringRef name, RankedTensorType type,
                                        ArrayRef<char> bytes, Value like) {
  if (isInline(like)) {
    // Attributes of tensors with an encoding keep it in their type.
    auto attr = DenseElementsAttr::getFromRawBuffer(type, bytes);
    return Value(arith::ConstantOp::create(builder, loc, attr));
  }
  std::string symbol = uniqueName(module, name);
  if (mode == Mode::Refuse) {
    if (!keepProvidedParameter(module.getContext(), symbol, type, bytes))
      return mlir::emitError(loc)
             << "the weights lie in files, so the new parameter '" << name
             << "' needs one too; give the option side-file=PATH";
  } else if (mode == Mode::Memory)
    memory[symbol].assign(bytes.begin(), bytes.end());
  else if (failed(spill(loc, symbol, type, bytes)))
    return failure();

  OpBuilder::InsertionGuard guard(builder);
  Block::iterator point = builder.getInsertionPoint();
  Block *block = builder.getInsertionBlock();
  builder.setInsertionPointToStart(module.getBody());
  ml_program::GlobalOp::create(
      builder, loc, symbol, type, /*is_mutable=*/false,
      ml_program::ExternAttr::get(builder.getContext(), type),
      builder.getStringAttr("private"));
  builder.setInsertionPoint(block, point);
  return Value(ml_program::GlobalLoadConstOp::create(
      builder, loc, type, SymbolRefAttr::get(builder.getContext(), symbol)));
}

FailureOr<Value> ParameterStore::defineFloats(OpBuilder &builder, Location loc,
                                              StringRef name,
                                              RankedTensorType type,
                                              ArrayRef<float> values,
                                              Value like) {
  Type element = type.getElementType();
  if (element.isF32())
    return define(builder, loc, name, type,
                  ArrayRef<char>(reinterpret_cast<const char *>(values.data()),
                                 values.size() * sizeof(float)),
                  like);
  std::vector<uint16_t> bits = narrow(element, values);
  return define(builder, loc, name, type,
                ArrayRef<char>(reinterpret_cast<const char *>(bits.data()),
                               bits.size() * sizeof(uint16_t)),
                like);
}

//===----------------------------------------------------------------------===//
// The side file
//===----------------------------------------------------------------------===//

// Metadata by which a side file is known.
static constexpr const char *kFormat = "format";
static constexpr const char *kSideFile = "awq";

bool awq::isSideFile(const io::Checkpoint &file) {
  return llvm::all_of(file.shards(), [](const io::SafetensorsFile &shard) {
    auto format = shard.metadata().find(kFormat);
    return format != shard.metadata().end() && format->second == kSideFile;
  });
}

static LogicalResult spillError(Location loc, const std::string &path) {
  int number = errno;
  bool full = number == ENOSPC || number == EDQUOT || number == EFBIG;
  return awq::emitError(loc,
                        {ErrorKind::Resources, full ? "AWQ1041" : "AWQ1040",
                         std::string("cannot write beside the side file: ") +
                             std::strerror(number),
                         path, "check the folder and its free space"});
}

LogicalResult ParameterStore::spill(Location loc, StringRef name,
                                    RankedTensorType type,
                                    ArrayRef<char> bytes) {
  if (spillFile < 0) {
    // The header of a safetensors file comes first and lists all tensors, so
    // their bytes wait in an unnamed file until all are known.
    std::string path = sideFile + ".spill";
    spillFile = open(path.c_str(), O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (spillFile < 0)
      return spillError(loc, sideFile);
    unlink(path.c_str());
  }
  for (size_t done = 0; done < bytes.size();) {
    ssize_t count = pwrite(spillFile, bytes.data() + done, bytes.size() - done,
                           spilledBytes + done);
    if (count < 0 && errno == EINTR)
      continue;
    if (count <= 0)
      return spillError(loc, sideFile);
    done += count;
  }
  spilled.push_back({name.str(), type, spilledBytes, bytes.size()});
  spilledBytes += bytes.size();
  return success();
}

LogicalResult ParameterStore::commit() {
  if (spilled.empty())
    return success();
  Location loc = module.getLoc();
  // A side file is written anew: onto one that is read from, it would take
  // away the module's other parameters.
  for (const std::string &file : parameterFilePaths(module))
    if (file == sideFile || llvm::sys::fs::equivalent(file, sideFile))
      return mlir::emitError(loc)
             << "the side file '" << sideFile
             << "' is already a parameter file of this module; name a new "
                "one";
  std::vector<io::TensorSpec> specs;
  for (const Spilled &tensor : spilled)
    specs.push_back({tensor.name, *toDType(tensor.type.getElementType()),
                     std::vector<int64_t>(tensor.type.getShape().begin(),
                                          tensor.type.getShape().end())});
  Result<io::SafetensorsWriter> writer =
      io::SafetensorsWriter::create(sideFile, specs, {{kFormat, kSideFile}});
  if (!writer)
    return awq::emitError(loc, writer.error());
  std::vector<char> buffer;
  for (const Spilled &tensor : spilled) {
    buffer.resize(tensor.bytes);
    for (uint64_t done = 0; done < tensor.bytes;) {
      ssize_t count = pread(spillFile, buffer.data() + done,
                            tensor.bytes - done, tensor.offset + done);
      if (count < 0 && errno == EINTR)
        continue;
      if (count <= 0)
        return spillError(loc, sideFile);
      done += count;
    }
    if (Status status =
            writer->write(tensor.name, buffer.data(), buffer.size());
        !status)
      return awq::emitError(loc, status.error());
  }
  if (Status status = writer->commit(); !status)
    return awq::emitError(loc, status.error());

  SmallVector<Attribute> list;
  if (auto old = module->getAttrOfType<ArrayAttr>(kParameterFilesAttr))
    llvm::append_range(list, old);
  list.push_back(StringAttr::get(module.getContext(), sideFile));
  module->setAttr(kParameterFilesAttr,
                  ArrayAttr::get(module.getContext(), list));
  spilled.clear();
  return success();
}
