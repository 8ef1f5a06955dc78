//===- KernelFolder.cpp - writes compiled GPU kernels
//-------------------------------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleFiles.h"
#include "Ptxas.h"
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/IO/AtomicDirectory.h"
#include "awq/IO/Sha256.h"
#include "awq/Pipelines/Compiler.h"
#include "awq/Support/TargetInfo.h"
#include "mlir/Dialect/GPU/IR/GPUDialect.h"
#include "nlohmann/json.hpp"
#include "llvm/Support/raw_ostream.h"

#include <map>

using namespace mlir;
using namespace awq;
using nlohmann::ordered_json;

static constexpr llvm::StringLiteral ptxName = "kernels.ptx";
static constexpr llvm::StringLiteral cubinName = "kernels.cubin";

/// One kernel of the manifest, added at its first use.
static ordered_json &addKernel(ordered_json &kernels,
                               std::map<std::string, size_t> &known,
                               const std::string &name, const char *kind) {
  auto [place, isNew] = known.emplace(name, kernels.size());
  if (isNew)
    kernels.push_back({{"name", name},
                       {"kind", kind},
                       {"uses", 0},
                       {"file", ptxName.str()},
                       {"cubin", nullptr}});
  ordered_json &kernel = kernels[place->second];
  kernel["uses"] = kernel["uses"].get<int64_t>() + 1;
  return kernel;
}

/// What is computed besides the linear. Kernels have an argument more for each
/// part that is no gate; rotary takes more than one.
static ordered_json describeFusion(QuantizedWeightOpInterface op) {
  auto fused = dyn_cast<FusedLinearOp>(op.getOperation());
  ordered_json gate;
  if (fused && fused.getGate())
    gate = stringifyGateFunction(*fused.getGate()).str();
  return {{"norm", fused && fused.getNorm()},
          {"rotary", fused && fused.getTurn()},
          {"gate", gate},
          {"residual", fused && fused.getResidual()}};
}

/// Name, scheme, launch and shapes of each kernel, in order of first use.
static ordered_json describeKernels(ModuleOp module) {
  ordered_json kernels = ordered_json::array();
  std::map<std::string, size_t> known;
  module.walk([&](QuantizedWeightOpInterface op) {
    auto buckets = op->getAttrOfType<ArrayAttr>("awq.kernels");
    if (!buckets)
      return;
    for (auto bucket : buckets.getAsRange<DictionaryAttr>()) {
      auto name = [&](StringRef key) {
        return bucket.getAs<SymbolRefAttr>(key).getLeafReference().str();
      };
      auto number = [&](StringRef key) {
        return bucket.getAs<IntegerAttr>(key).getInt();
      };
      ordered_json fused = describeFusion(op);
      addKernel(kernels, known, name("pack"), "pack")["norm"] = fused["norm"];
      ordered_json &kernel =
          addKernel(kernels, known, name("kernel"), "linear");
      kernel["pack"] = name("pack");
      kernel["bits"] = op.getScheme().getBits();
      kernel["group"] = op.getScheme().getGroup();
      kernel["symmetric"] = op.getScheme().isSymmetric();
      kernel["bias"] = static_cast<bool>(op.getBias());
      kernel.update(fused);
      kernel["layout"] = stringifyLayoutKind(LayoutKind::MmaN32K128).str();
      if (bucket.contains("dequantize")) {
        addKernel(kernels, known, name("dequantize"), "dequantize");
        kernel["dequantize"] = name("dequantize");
        kernel["record_bytes"] = number("record_bytes");
      }
      kernel["mode"] = bucket.getAs<StringAttr>("mode").str();
      for (const char *key :
           {"max_tokens", "tile_rows", "threads", "blocks_per_sm",
            "shared_bytes", "copied_ahead_bytes", "activation_bytes",
            "token_scale_bytes", "partial_bytes"})
        kernel[key] = number(key);
      ordered_json shape = {op.getOutputChannels(), op.getInputChannels()};
      ordered_json &shapes = kernel["shapes"];
      if (llvm::find(shapes, shape) == shapes.end())
        shapes.push_back(shape);
    }
  });
  return kernels;
}

/// Which kernel to launch for how many tokens, for each shape and kind of
/// linear, with the names of those.
static ordered_json describeLaunches(ModuleOp module) {
  ordered_json result = ordered_json::array();
  module.walk([&](QuantizedWeightOpInterface op) {
    auto kernels = op->getAttrOfType<ArrayAttr>("awq.kernels");
    auto ranges = op->getAttrOfType<ArrayAttr>("awq.launches");
    if (!kernels || !ranges)
      return;
    ordered_json launches = ordered_json::array();
    for (auto range : ranges.getAsRange<DenseI64ArrayAttr>()) {
      auto kernel = cast<DictionaryAttr>(kernels[range[1]])
                        .getAs<SymbolRefAttr>("kernel");
      ordered_json most;
      if (range[0] != 0)
        most = range[0];
      launches.push_back(
          {{"max_tokens", most}, {"kernel", kernel.getLeafReference().str()}});
    }
    ordered_json entry = {{"linears", ordered_json::array()},
                          {"rows", op.getOutputChannels()},
                          {"channels", op.getInputChannels()},
                          {"launches", launches}};
    auto same = llvm::find_if(result, [&](const ordered_json &other) {
      return other["rows"] == entry["rows"] &&
             other["channels"] == entry["channels"] &&
             other["launches"] == entry["launches"];
    });
    if (same == result.end()) {
      result.push_back(entry);
      same = std::prev(result.end());
    }
    if (auto name = op->getAttrOfType<StringAttr>("awq.name"))
      (*same)["linears"].push_back(name.getValue().str());
  });
  return result;
}

/// The PTX in the module's gpu.binary.
static std::string findPTX(ModuleOp module) {
  std::string ptx;
  module.walk([&](gpu::BinaryOp binary) {
    for (Attribute object : binary.getObjects())
      ptx += cast<gpu::ObjectAttr>(object).getObject().getValue().str();
  });
  // The string attribute keeps the terminator of a C string.
  ptx.erase(ptx.find_last_not_of('\0') + 1);
  return ptx;
}

Result<KernelFolderReport>
awq::writeKernelFolder(ModuleOp module, const KernelFolderOptions &options,
                       const std::string &output) {
  Result<ChipInfo> info = findChip(options.chip);
  if (!info)
    return info.error();
  NVVMPipelineOptions pipeline;
  pipeline.chip = options.chip;
  pipeline.mode = options.mode;
  pipeline.batchInvariant = options.batchInvariant;
  pipeline.activations = options.activations;
  pipeline.fuse = options.fuse;
  if (Status status = runPasses(module, "nvvm",
                                [&](OpPassManager &manager) {
                                  buildNVVMPipeline(manager, pipeline);
                                });
      !status)
    return status.error();
  ordered_json kernels = describeKernels(module);
  if (kernels.empty())
    return Error{ErrorKind::Unsupported, "AWQ1531",
                 "the model has no quantized linear to make a kernel for", "",
                 "quantize it first: awq-mlir quantize"};

  Result<io::AtomicDirectory> folder =
      io::AtomicDirectory::create(output, {options.force, {"manifest.json"}});
  if (!folder)
    return folder.error();
  std::string ptx = folder->file(ptxName.str());
  if (Status status = writeFile(ptx, findPTX(module)); !status)
    return status.error();

  KernelFolderReport report;
  if (std::optional<std::string> ptxas = findPtxas()) {
    Result<std::vector<KernelReport>> resources =
        assemble(*ptxas, options.chip, ptx, folder->file(cubinName.str()));
    if (!resources)
      return resources.error();
    report.kernels = std::move(*resources);
    report.assembled = true;
  }
  for (ordered_json &kernel : kernels) {
    if (!report.assembled)
      report.kernels.push_back({kernel["name"]});
    for (const KernelReport &found : report.kernels) {
      if (!report.assembled || found.name != kernel["name"])
        continue;
      kernel["cubin"] = cubinName.str();
      kernel["registers"] = found.registers;
      kernel["spill_bytes"] = found.spillBytes;
      // ptxas knows static shared memory only.
      if (!kernel.contains("shared_bytes"))
        kernel["shared_bytes"] = found.sharedBytes;
    }
  }

  ordered_json manifest = {
      {"format", "awq-bundle"},
      {"version", 1},
      {"tool", {{"name", "awq-mlir"}, {"version", AWQ_VERSION}}},
      {"target",
       {{"kind", "nvvm"},
        {"chip", options.chip},
        {"activations", options.activations}}},
      {"kernels", kernels},
      {"launches", describeLaunches(module)}};
  ordered_json files = ordered_json::array();
  for (llvm::StringRef name : {ptxName, cubinName}) {
    if (name == cubinName && !report.assembled)
      continue;
    Result<std::string> hash = io::sha256File(folder->file(name.str()));
    if (!hash)
      return hash.error();
    files.push_back({{"path", name.str()}, {"sha256", *hash}});
  }
  manifest["files"] = files;
  if (Status status =
          writeFile(folder->file("manifest.json"), manifest.dump(2) + "\n");
      !status)
    return status.error();
  if (Status status = folder->commit(); !status)
    return status.error();
  return report;
}
