//===- awq-test-onnx-nodes.cpp - runs many ONNX models ----------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   awq-test-onnx-nodes               reads lines of a model, a file of inputs
//                                     and a file for outputs, separated by
//                                     tabs; runs each model in a process of its
//                                     own, made by fork, so that a crash costs
//                                     one model only; for each prints a line of
//                                     JSON: exit code, signal (0: none), the
//                                     error's code and the error
//   awq-test-onnx-nodes --operators   the operators that are understood, as
//                                     JSON
//
//===----------------------------------------------------------------------===//

#include "OpContext.h"
#include "awq/Pipelines/Runner.h"

#include <nlohmann/json.hpp>

#include <cstdio>
#include <iostream>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

using namespace awq;
using nlohmann::json;

namespace {
/// A line of the input.
struct Job {
  std::string model, inputs, outputs;
};
} // namespace

static std::optional<Job> parse(const std::string &line) {
  size_t first = line.find('\t');
  size_t second =
      first == std::string::npos ? first : line.find('\t', first + 1);
  if (second == std::string::npos)
    return std::nullopt;
  return Job{line.substr(0, first), line.substr(first + 1, second - first - 1),
             line.substr(second + 1)};
}

static Status runJob(const Job &job) {
  Result<runtime::TensorMap> inputs = readTensors(job.inputs);
  if (!inputs)
    return inputs.error();
  RunOptions options;
  options.threads = 1;
  Result<runtime::TensorMap> outputs = runFile(job.model, *inputs, options);
  if (!outputs)
    return outputs.error();
  return writeTensors(job.outputs, *outputs);
}

/// A model that hangs or eats memory must not stop the others.
static void limitProcess() {
  rlimit seconds = {60, 60};
  setrlimit(RLIMIT_CPU, &seconds);
#ifndef __SANITIZE_ADDRESS__
  rlimit bytes = {rlim_t(8) << 30, rlim_t(8) << 30};
  setrlimit(RLIMIT_AS, &bytes);
#endif
}

/// In the child: the error goes into the pipe, its kind is the exit code.
[[noreturn]] static void runChild(const Job &job, int pipe) {
  limitProcess();
  Status status = runJob(job);
  if (status)
    _exit(0);
  std::string text = status.error().code + "\n" + status.error().str();
  ssize_t written = write(pipe, text.data(), text.size());
  _exit(written < 0 ? 70 : status.error().exitCode());
}

static json runForked(const Job &job) {
  int ends[2];
  if (pipe(ends) != 0)
    return {{"exit", 70}, {"signal", 0}, {"code", ""}, {"error", "no pipe"}};
  pid_t child = fork();
  if (child == 0) {
    close(ends[0]);
    runChild(job, ends[1]);
  }
  close(ends[1]);
  std::string text;
  char buffer[4096];
  for (ssize_t count; (count = read(ends[0], buffer, sizeof(buffer))) > 0;)
    text.append(buffer, count);
  close(ends[0]);
  int status = 0;
  waitpid(child, &status, 0);
  size_t end = text.find('\n');
  return {{"exit", WIFEXITED(status) ? WEXITSTATUS(status) : 70},
          {"signal", WIFSIGNALED(status) ? WTERMSIG(status) : 0},
          {"code", text.substr(0, end)},
          {"error", end == std::string::npos ? "" : text.substr(end + 1)}};
}

static void printOperators() {
  json operators = json::array();
  for (const onnx::OpEntry *entry : onnx::allOps())
    operators.push_back({{"domain", entry->domain.str()},
                         {"name", entry->name.str()},
                         {"since", entry->since},
                         {"until", entry->until},
                         {"limits", entry->limits.str()}});
  std::printf("%s\n", operators.dump(1).c_str());
}

int main(int argc, char **argv) {
  if (argc == 2 && std::string(argv[1]) == "--operators") {
    printOperators();
    return 0;
  }
  if (argc != 1) {
    std::fprintf(stderr, "usage: awq-test-onnx-nodes [--operators]\n");
    return static_cast<int>(ErrorKind::Usage);
  }
  for (std::string line; std::getline(std::cin, line);) {
    std::optional<Job> job = parse(line);
    if (!job)
      return static_cast<int>(ErrorKind::Usage);
    json result = runForked(*job);
    std::printf(
        "%s\n",
        result.dump(-1, ' ', false, json::error_handler_t::replace).c_str());
    std::fflush(stdout);
  }
  return 0;
}
