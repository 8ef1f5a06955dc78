//===- BundleRules.cpp - what a manifest may say --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "BundleRules.h"

#include <algorithm>
#include <vector>

using namespace awq;
using namespace awq::runtime;

std::string awq::runtime::pathProblem(const std::string &path) {
  if (path.empty())
    return "is empty";
  if (path.size() > 4096)
    return "is longer than 4096 bytes";
  if (path.front() == '/')
    return "is absolute, and only external parameter files may be";
  for (char c : path)
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f)
      return "holds a control character";
  if (path.find('\\') != std::string::npos)
    return "holds a backslash";
  for (size_t begin = 0; begin <= path.size();) {
    size_t end = std::min(path.find('/', begin), path.size());
    std::string part = path.substr(begin, end - begin);
    if (part == "..")
      return "leaves the bundle";
    if (part.empty() || part == ".")
      return "has an empty or '.' component";
    begin = end + 1;
  }
  return {};
}

namespace {

/// Checks the argument list of one entry point.
class EntryRules {
public:
  EntryRules(const Manifest &manifest, const std::string &path,
             const std::string &key, const Entry &entry)
      : facts(manifest.model), path(path), key(key), entry(entry) {}

  Status check() {
    if (entry.symbol.empty())
      return fail("the entry has no symbol");
    bool isHead = key == "head" || key == "head_step";
    if (!isHead && key != "forward" && key != "step")
      return fail("unknown entry; this runtime calls forward, step, head and "
                  "head_step");
    for (const Argument &argument : entry.arguments)
      if (Status status = checkArgument(argument, isHead); !status)
        return status;
    return isHead ? checkHead() : checkForward();
  }

private:
  Error fail(const std::string &message) const {
    return Error{ErrorKind::Malformed, "AWQ1408", message,
                 path + ": entries." + key,
                 "compile the model again with this release of awq-mlir"};
  }

  Error fail(const Argument &argument, const std::string &message) const {
    return fail("the argument '" + argument.name + "' (" +
                std::string(name(argument.role)) + ") " + message);
  }

  /// The leading size of arguments that have a row per token.
  int64_t rows() const { return key == "step" || key == "head_step" ? 1 : -1; }

  Status expect(const Argument &argument, const std::vector<int64_t> &shape,
                std::initializer_list<io::DType> types) const {
    if (argument.shape != shape) {
      std::string text;
      for (int64_t size : shape)
        text += (text.empty() ? "" : ", ") + std::to_string(size);
      return fail(argument, "should have the shape [" + text + "]");
    }
    if (std::find(types.begin(), types.end(), argument.dtype) == types.end())
      return fail(argument, "has the element type " +
                                std::string(io::name(argument.dtype)) +
                                ", which its role does not allow");
    return {};
  }

  Status checkArgument(const Argument &argument, bool isHead) const {
    bool ofHead =
        argument.role == Role::Hidden || argument.role == Role::LogitsOut;
    if (argument.role != Role::Parameter && ofHead != isHead)
      return fail(argument, "does not belong to this entry");
    using io::DType;
    switch (argument.role) {
    case Role::Tokens:
      return expect(argument, {rows()}, {DType::I32});
    case Role::Position:
      return expect(argument, {}, {DType::I64});
    case Role::KCache:
      return expect(argument, {-1, facts.kvHeads, facts.headDim},
                    {DType::F32, DType::F16, DType::BF16, DType::I8});
    case Role::VCache:
      return expect(argument, {-1, facts.kvHeads, facts.valueHeadDim},
                    {DType::F32, DType::F16, DType::BF16, DType::I8});
    case Role::HiddenOut:
    case Role::Hidden:
      return expect(argument, {rows(), facts.hiddenSize}, {DType::F32});
    case Role::LogitsOut:
      return expect(argument, {rows(), facts.vocabSize}, {DType::F32});
    case Role::Parameter:
      if (!argument.shape.empty() && argument.shape[0] < 0)
        return fail(argument, "needs a fixed shape");
      return {};
    }
    return {};
  }

  int64_t count(Role role) const {
    return std::count_if(
        entry.arguments.begin(), entry.arguments.end(),
        [&](const Argument &argument) { return argument.role == role; });
  }

  Status expectOne(Role role) const {
    if (int64_t found = count(role); found != 1)
      return fail("expected one '" + std::string(name(role)) +
                  "' argument, found " + std::to_string(found));
    return {};
  }

  Status checkHead() const {
    if (Status status = expectOne(Role::Hidden); !status)
      return status;
    return expectOne(Role::LogitsOut);
  }

  Status checkForward() const {
    for (Role role : {Role::Tokens, Role::Position, Role::HiddenOut})
      if (Status status = expectOne(role); !status)
        return status;
    for (Role role : {Role::KCache, Role::VCache}) {
      std::vector<bool> seen(facts.layers);
      for (const Argument &argument : entry.arguments) {
        if (argument.role != role)
          continue;
        if (argument.layer >= facts.layers)
          return fail(argument, "is of layer " +
                                    std::to_string(argument.layer) +
                                    ", and the model has " +
                                    std::to_string(facts.layers) + " layers");
        if (seen[argument.layer])
          return fail(argument, "is the second one of layer " +
                                    std::to_string(argument.layer));
        seen[argument.layer] = true;
      }
      auto absent = std::find(seen.begin(), seen.end(), false);
      if (absent != seen.end())
        return fail("layer " + std::to_string(absent - seen.begin()) +
                    " has no '" + std::string(name(role)) + "' argument");
    }
    return {};
  }

  const ModelFacts &facts;
  const std::string &path;
  const std::string &key;
  const Entry &entry;
};

} // namespace

/// The caches of a session serve both entries, so they must agree on them.
static Status checkStep(const Manifest &manifest, const std::string &path) {
  auto step = manifest.entries.find("step");
  if (step == manifest.entries.end())
    return {};
  for (const Argument &wanted : manifest.entries.at("forward").arguments)
    for (const Argument &found : step->second.arguments)
      if (wanted.role == found.role && wanted.layer >= 0 &&
          wanted.layer == found.layer && wanted.dtype != found.dtype)
        return Error{ErrorKind::Malformed, "AWQ1408",
                     "the cache '" + found.name +
                         "' has another element type than in 'forward'",
                     path + ": entries.step",
                     "compile the model again with this release of awq-mlir"};
  return {};
}

Status awq::runtime::checkManifest(const Manifest &manifest,
                                   const std::string &path) {
  auto isCode = [](const FileRecord &file) {
    return file.path == codeFileName;
  };
  if (std::none_of(manifest.files.begin(), manifest.files.end(), isCode))
    return Error{
        ErrorKind::Malformed, "AWQ1401",
        "the code file '" + std::string(codeFileName) + "' is not listed",
        path + ": files", "compile the model again, or copy the bundle again"};
  for (const char *key : {"forward", "head"})
    if (!manifest.entries.count(key))
      return Error{ErrorKind::Malformed, "AWQ1408",
                   std::string("the entry '") + key + "' is missing",
                   path + ": entries",
                   "compile the model again with this release of awq-mlir"};
  for (const auto &[key, entry] : manifest.entries)
    if (Status status = EntryRules(manifest, path, key, entry).check(); !status)
      return status;
  return checkStep(manifest, path);
}
