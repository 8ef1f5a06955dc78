//===- awq-test-io.cpp - opens files on behalf of the tests ---------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   awq-test-io check PATH...   a line for each: "ok", or the code and message
//   awq-test-io open PATH       "ok", or the whole error; exit code of the
//   error awq-test-io dump PATH       a line of JSON for each tensor
//   awq-test-io copy IN OUT     writes the tensors to a new file, in pieces
//
//===----------------------------------------------------------------------===//

#include "awq/IO/Safetensors.h"
#include "awq/IO/SafetensorsWriter.h"
#include "awq/IO/Sha256.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <string>
#include <vector>

using namespace awq;
using namespace awq::io;

static int report(const Error &error) {
  std::printf("%s\n", error.str().c_str());
  return error.exitCode();
}

static int check(const std::vector<std::string> &paths) {
  for (const std::string &path : paths) {
    Result<Checkpoint> checkpoint = Checkpoint::open(path);
    if (checkpoint)
      std::printf("ok\n");
    else
      std::printf("%s %s\n", checkpoint.error().code.c_str(),
                  checkpoint.error().message.c_str());
  }
  return 0;
}

static int dump(const Checkpoint &checkpoint) {
  for (const std::string &name : checkpoint.names()) {
    Result<TensorView> view = checkpoint.get(name);
    if (!view)
      return report(view.error());
    nlohmann::json line = {{"name", name},
                           {"dtype", std::string(io::name(view->dtype))},
                           {"shape", view->shape},
                           {"sha256", sha256(view->data, view->bytes)}};
    std::printf("%s\n", line.dump().c_str());
  }
  return 0;
}

static int copy(const Checkpoint &checkpoint, const std::string &output) {
  std::vector<TensorSpec> specs;
  for (const std::string &name : checkpoint.names()) {
    TensorView view = *checkpoint.find(name);
    specs.push_back({name, view.dtype, view.shape});
  }
  Result<SafetensorsWriter> writer = SafetensorsWriter::create(
      output, specs, checkpoint.shards().front().metadata());
  if (!writer)
    return report(writer.error());
  constexpr uint64_t piece = 1000;
  for (const TensorSpec &spec : specs) {
    TensorView view = *checkpoint.find(spec.name);
    for (uint64_t at = 0; at < view.bytes; at += piece)
      if (Status status = writer->append(spec.name, view.data + at,
                                         std::min(piece, view.bytes - at));
          !status)
        return report(status.error());
  }
  Status status = writer->commit();
  return status ? 0 : report(status.error());
}

int main(int argc, char **argv) {
  std::vector<std::string> arguments(argv + 1, argv + argc);
  if (arguments.size() < 2) {
    std::fprintf(stderr, "usage: awq-test-io check|open|dump|copy PATH...\n");
    return static_cast<int>(ErrorKind::Usage);
  }
  std::string command = arguments[0];
  if (command == "check")
    return check({arguments.begin() + 1, arguments.end()});
  Result<Checkpoint> checkpoint = Checkpoint::open(arguments[1]);
  if (!checkpoint)
    return report(checkpoint.error());
  if (command == "dump")
    return dump(*checkpoint);
  if (command == "copy" && arguments.size() == 3)
    return copy(*checkpoint, arguments[2]);
  std::printf("ok\n");
  return 0;
}
