//===- ExportFolder.cpp - ONNX models as files ----------------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/ONNX/Export.h"

#include "Exporter.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/IO/AtomicDirectory.h"
#include "awq/IO/Companions.h"
#include "awq/IO/FileError.h"
#include "awq/IO/HfConfig.h"

#include <cerrno>
#include <filesystem>
#include <fstream>

using namespace mlir;
using namespace awq;
using namespace awq::onnx;
using nlohmann::ordered_json;

static constexpr llvm::StringLiteral modelFile = "model.onnx";
static constexpr llvm::StringLiteral configFile = "genai_config.json";

//===----------------------------------------------------------------------===//
// Options
//===----------------------------------------------------------------------===//

static bool isQuantized(ModuleOp module) {
  return module.walk([](QuantizedLinearOp) { return WalkResult::interrupt(); })
      .wasInterrupted();
}

static Result<WeightFormat> readFormat(bool quantized,
                                       const ONNXExportOptions &options) {
  auto refuse = [](std::string message, std::string help) {
    return Error{ErrorKind::Usage, "AWQ1152", std::move(message), "",
                 std::move(help)};
  };
  if (options.opset < 21 || options.opset > 23)
    return refuse("opset " + std::to_string(options.opset) +
                      " is not one that models are written in",
                  "use 21, 22 or 23");
  if (options.format == "float" || (options.format.empty() && !quantized))
    return WeightFormat::Float;
  if (!options.format.empty() && options.format != "matmulnbits" &&
      options.format != "qdq")
    return refuse("there is no ONNX format '" + options.format + "'",
                  "use float, matmulnbits or qdq");
  if (!quantized)
    return refuse("the format " + options.format +
                      " holds quantized weights, and the model has none",
                  "quantize it first (awq-mlir quantize), or use float");
  return options.format == "qdq" ? WeightFormat::QDQ
                                 : WeightFormat::MatMulNBits;
}

static io::OnnxWriter::Header header(ModuleOp module,
                                     const ONNXExportOptions &options) {
  io::OnnxWriter::Header result;
  result.graphName = module.getName().value_or("main").str();
  result.producerVersion = AWQ_VERSION;
  result.opsets = {{"", options.opset}};
  return result;
}

//===----------------------------------------------------------------------===//
// The graph
//===----------------------------------------------------------------------===//

/// Runs the exporter. Numbers that cannot be read are diagnostics: the first
/// one becomes the error.
static Status runExporter(ModuleOp module, Exporter &exporter) {
  std::optional<Error> first;
  ScopedDiagnosticHandler handler(
      module.getContext(), [&](Diagnostic &diagnostic) {
        if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
          return failure();
        if (!first)
          first = getError(diagnostic)
                      .value_or(Error{ErrorKind::Unsupported, "AWQ1150",
                                      diagnostic.str(), "",
                                      "docs/ONNX.md lists what an ONNX model "
                                      "can hold"});
        return success();
      });
  Status status = exporter.run();
  return first ? Status(*first) : status;
}

Result<std::string> awq::exportONNX(ModuleOp module,
                                    const ONNXExportOptions &options) {
  Result<WeightFormat> format = readFormat(isQuantized(module), options);
  if (!format)
    return format.error();
  io::OnnxWriter writer(header(module, options));
  Exporter exporter(module, *format, options.opset, writer);
  if (Status status = runExporter(module, exporter); !status)
    return status.error();
  return writer.serialize();
}

//===----------------------------------------------------------------------===//
// onnxruntime-genai's configuration
//===----------------------------------------------------------------------===//

/// Token numbers as its configuration has them: one number, or a list.
static ordered_json tokens(DictionaryAttr model, StringRef name) {
  auto list = model.getAs<DenseI64ArrayAttr>(name);
  if (!list || list.empty())
    return nullptr;
  return list.size() == 1 ? ordered_json(list[0])
                          : ordered_json(list.asArrayRef().vec());
}

static ordered_json searchOptions(int64_t length, bool sharesCaches) {
  return {{"do_sample", false},
          {"early_stopping", true},
          {"max_length", length},
          {"min_length", 0},
          {"no_repeat_ngram_size", 0},
          {"num_beams", 1},
          {"num_return_sequences", 1},
          {"past_present_share_buffer", sharesCaches},
          {"repetition_penalty", 1.0},
          {"temperature", 1.0},
          {"top_k", 50},
          {"top_p", 1.0}};
}

/// The padding token of the source's config.json, if it names one.
static std::optional<int64_t> paddingToken(const std::string &source) {
  Result<nlohmann::json> config = io::readHfConfigFile(source + "/config.json");
  if (!config)
    return std::nullopt;
  auto found = config->find("pad_token_id");
  if (found == config->end() || !found->is_number_integer())
    return std::nullopt;
  return found->get<int64_t>();
}

static ordered_json sessionOptions(WeightFormat format) {
  ordered_json options = {{"log_id", "onnxruntime-genai"},
                          {"provider_options", ordered_json::array()}};
  // onnxruntime makes MatMulNBits of DequantizeLinear and MatMul, by default
  // one that rounds activations to 8 bits.
  if (format == WeightFormat::QDQ)
    options["session.qdq_matmulnbits_accuracy_level"] = "1";
  return options;
}

static ordered_json genaiConfig(DictionaryAttr model, const std::string &source,
                                WeightFormat format, bool sharesCaches) {
  auto number = [&](StringRef name) {
    auto value = model.getAs<IntegerAttr>(name);
    return value ? value.getInt() : int64_t(0);
  };
  ordered_json decoder = {{"session_options", sessionOptions(format)},
                          {"filename", modelFile.str()},
                          {"head_size", number("head_dim")},
                          {"hidden_size", number("hidden_size")},
                          {"inputs",
                           {{"input_ids", "input_ids"},
                            {"attention_mask", "attention_mask"},
                            {"past_key_names", "past_key_values.%d.key"},
                            {"past_value_names", "past_key_values.%d.value"}}},
                          {"outputs",
                           {{"logits", "logits"},
                            {"present_key_names", "present.%d.key"},
                            {"present_value_names", "present.%d.value"}}},
                          {"num_attention_heads", number("heads")},
                          {"num_hidden_layers", number("layers")},
                          {"num_key_value_heads", number("kv_heads")}};
  ordered_json ends = tokens(model, "eos_tokens");
  ordered_json begins = tokens(model, "bos_tokens");
  ordered_json fields = {{"context_length", number("max_position")},
                         {"decoder", std::move(decoder)},
                         // A decoder of no special kind: which model it is,
                         // only the graph need know.
                         {"type", "decoder"},
                         {"vocab_size", number("vocab_size")}};
  if (!begins.is_null())
    fields["bos_token_id"] = begins.is_array() ? begins[0] : begins;
  if (!ends.is_null())
    fields["eos_token_id"] = ends;
  std::optional<int64_t> padding = paddingToken(source);
  if (padding)
    fields["pad_token_id"] = *padding;
  else if (!ends.is_null())
    fields["pad_token_id"] = ends.is_array() ? ends[0] : ends;
  return {{"model", std::move(fields)},
          {"search", searchOptions(number("max_position"), sharesCaches)}};
}

//===----------------------------------------------------------------------===//
// The folder
//===----------------------------------------------------------------------===//

static Status writeText(const std::string &path, const std::string &text) {
  std::ofstream out(path, std::ios::binary);
  out << text;
  out.close();
  return out ? Status() : Status(io::writeError("write the file", path, errno));
}

static Result<io::AtomicDirectory> openFolder(const std::string &source,
                                              const std::string &destination,
                                              bool force) {
  std::error_code ignored;
  if (!source.empty() &&
      std::filesystem::equivalent(source, destination, ignored))
    return Error{ErrorKind::Usage, "AWQ1156",
                 "the ONNX model would replace the model that it is made from",
                 destination, "choose another output folder"};
  io::AtomicDirectory::Options options;
  options.force = force;
  // The marker keeps force from replacing a folder that is not a model's.
  options.markers = {modelFile.str()};
  return io::AtomicDirectory::create(destination, options);
}

Status awq::checkONNXFolder(ModuleOp module, const std::string &source,
                            const std::string &destination, bool force,
                            const ONNXExportOptions &options,
                            const QuantScheme &scheme) {
  Result<WeightFormat> format = readFormat(/*quantized=*/true, options);
  if (!format)
    return format.error();
  io::OnnxWriter writer(header(module, options));
  Exporter exporter(module, *format, options.opset, writer);
  if (Status form = exporter.checkForm(); !form)
    return form;
  if (Status blocks = exporter.checkBlocks(scheme); !blocks)
    return blocks;
  Result<io::AtomicDirectory> folder = openFolder(source, destination, force);
  return folder ? Status() : Status(folder.error());
}

Status awq::exportONNXFolder(ModuleOp module, const std::string &source,
                             const std::string &destination, bool force,
                             const ONNXExportOptions &options) {
  Result<WeightFormat> format = readFormat(isQuantized(module), options);
  if (!format)
    return format.error();
  Result<io::AtomicDirectory> folder = openFolder(source, destination, force);
  if (!folder)
    return folder.error();
  Result<io::OnnxWriter> writer = io::OnnxWriter::create(
      folder->file(modelFile.str()), header(module, options));
  if (!writer)
    return writer.error();
  Exporter exporter(module, *format, options.opset, *writer);
  if (Status status = runExporter(module, exporter); !status)
    return status;
  if (Status status = writer->finish(); !status)
    return status;
  if (auto model = module->getAttrOfType<DictionaryAttr>("awq.model")) {
    ordered_json config =
        genaiConfig(model, source, *format, exporter.sharesCaches());
    if (Status status =
            writeText(folder->file(configFile.str()), config.dump(2) + "\n");
        !status)
      return status;
  }
  if (!source.empty())
    if (Status status = io::copyCompanions(source, folder->path()); !status)
      return status;
  return folder->commit();
}
