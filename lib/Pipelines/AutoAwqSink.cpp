//===- AutoAwqSink.cpp - quantized models as AutoAWQ checkpoints -*- C++
//-*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Pipelines/Quantize.h"

#include "awq/Dialect/AWQ/Utils/Half.h"
#include "awq/IO/Safetensors.h"
#include "awq/Target/AutoAWQ/AutoAwqWriter.h"
#include "awq/Target/HuggingFace/Architecture.h"
#include "llvm/ADT/STLExtras.h"
#include "llvm/ADT/StringExtras.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

using namespace awq;

namespace {

class AutoAwqSink : public QuantizedModelSink {
public:
  AutoAwqSink(std::string source, std::string destination, bool force)
      : source(std::move(source)), destination(std::move(destination)),
        force(force) {}

  Status begin(const QuantizedModelPlan &model) override {
    writer.reset();
    written.clear();
    if (!checkpoint) {
      Result<io::Checkpoint> opened = io::Checkpoint::open(source);
      if (!opened)
        return opened.error();
      checkpoint.emplace(std::move(*opened));
    }
    AutoAwqPlan plan;
    plan.source = source;
    plan.destination = destination;
    plan.force = force;
    plan.scheme = model.scheme;
    std::set<std::string> quantized;
    for (const QuantizedModelPlan::Weight &weight : model.weights) {
      quantized.insert(weight.name);
      plan.linears.push_back({weight.linear, weight.n, weight.k});
    }
    for (const std::string &name : checkpoint->names()) {
      if (quantized.count(name))
        continue;
      io::TensorView view = *checkpoint->find(name);
      if (Status status = checkType(view); !status)
        return status;
      bool exact = view.dtype == io::DType::F32 &&
                   llvm::is_contained(model.exactParameters, name);
      plan.floats.push_back({name, view.shape, exact});
    }
    for (const std::string &module : model.floatLinears)
      if (checkpoint->find(module + ".weight"))
        plan.floatLinears.push_back(module);
    if (Status status = checkFusedSets(plan); !status)
      return status;
    floats = plan.floats;
    Result<AutoAwqWriter> created = AutoAwqWriter::create(std::move(plan));
    if (!created)
      return created.error();
    writer.emplace(std::move(*created));
    return Status();
  }

  Status writeWeight(const std::string &linear,
                     const QuantizedMatrix &matrix) override {
    return writer->writeLinear(linear, matrix.codes.data(),
                               matrix.scales.data(), matrix.zeros.data());
  }

  Status writeParameter(int64_t, const std::string &name,
                        const std::vector<int64_t> &,
                        const std::vector<float> &values) override {
    written.insert(name);
    return writer->writeFloat(name, values.data(), values.size());
  }

  void roundToStored(std::vector<float> &values) const override {
    std::transform(values.begin(), values.end(), values.begin(), roundToHalf);
  }

  Status finish() override {
    for (const AutoAwqPlan::FloatTensor &tensor : floats)
      if (!written.count(tensor.name))
        if (Status status = copy(tensor.name); !status)
          return status;
    return writer->commit();
  }

private:
  /// Whether a tensor can be copied: found out before the search, not after.
  static Status checkType(const io::TensorView &view) {
    if (view.dtype == io::DType::F32 || view.dtype == io::DType::F16 ||
        view.dtype == io::DType::BF16)
      return {};
    return Error{ErrorKind::Unsupported, "AWQ1323",
                 "tensor '" + view.name + "' has the type " +
                     std::string(io::name(view.dtype)) +
                     ", which an AutoAWQ checkpoint does not hold",
                 view.file, "convert it to F32, F16 or BF16, or remove it"};
  }

  /// Linears that readers join must all be quantized or all stay float.
  Status checkFusedSets(const AutoAwqPlan &plan) const {
    std::string file = source + "/config.json";
    Result<nlohmann::json> config = io::readHfConfigFile(file);
    if (!config)
      return config.error();
    Result<Architecture> architecture =
        findArchitecture(*config, file, /*userFile=*/"");
    if (!architecture)
      return {}; // imported with an architecture file of the user's
    std::set<std::string> quantized;
    for (const AutoAwqPlan::Linear &linear : plan.linears)
      quantized.insert(linear.module);
    for (const std::string &module : plan.floatLinears)
      for (const std::vector<std::string> &set : architecture->fusedSets())
        for (const std::string &other : set) {
          auto [parent, leaf] = llvm::StringRef(module).rsplit('.');
          std::string sibling = (parent + "." + other).str();
          if (llvm::is_contained(set, leaf.str()) && quantized.count(sibling))
            return Error{
                ErrorKind::Usage, "AWQ1253",
                "the linear " + module + " stays float, but " + sibling +
                    ", which serving engines join with it, is "
                    "quantized",
                file, "skip all of " + llvm::join(set, ", ") + " or none"};
        }
    return {};
  }

  /// Takes a tensor over from the source. Its type was checked.
  Status copy(const std::string &name) {
    Result<io::TensorView> view = checkpoint->get(name);
    if (!view)
      return view.error();
    int64_t count = view->elementCount();
    if (view->dtype == io::DType::F32 && view->isAligned())
      return writer->writeFloat(
          name, reinterpret_cast<const float *>(view->data), count);
    std::vector<float> values(count);
    if (view->dtype == io::DType::F32) {
      std::memcpy(values.data(), view->data, view->bytes);
    } else {
      std::vector<uint16_t> bits(count);
      std::memcpy(bits.data(), view->data, view->bytes);
      if (view->dtype == io::DType::F16)
        halfToFloat(bits.data(), values.data(), count);
      else
        bfloatToFloat(bits.data(), values.data(), count);
    }
    return writer->writeFloat(name, values.data(), count);
  }

  std::string source, destination;
  bool force;
  std::optional<io::Checkpoint> checkpoint;
  std::optional<AutoAwqWriter> writer;
  std::vector<AutoAwqPlan::FloatTensor> floats;
  std::set<std::string> written;
};

} // namespace

std::unique_ptr<QuantizedModelSink>
awq::createAutoAwqSink(std::string source, std::string destination,
                       bool force) {
  return std::make_unique<AutoAwqSink>(std::move(source),
                                       std::move(destination), force);
}
