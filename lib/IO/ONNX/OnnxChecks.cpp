//===- OnnxChecks.cpp - what holds in every ONNX model --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "OnnxChecks.h"

#include "../Utf8.h"
#include "OnnxError.h"

#include <algorithm>
#include <tuple>
#include <unordered_set>

using namespace awq;
using namespace awq::io;

static constexpr const char *exportAgain =
    "the tool that wrote or changed the model is faulty; export it again";

std::string io::shapeText(const std::vector<int64_t> &shape) {
  std::string text = "[";
  for (size_t i = 0; i < shape.size(); ++i)
    text += (i ? ", " : "") + std::to_string(shape[i]);
  return text + "]";
}

std::string io::nodePlace(const std::string &place, const std::string &name,
                          const std::string &opType, size_t number) {
  std::string text = place + ", node ";
  text += name.empty() ? "#" + std::to_string(number) : printable(name);
  std::string type = printable(opType);
  // Without the quotes.
  return text + " (" + type.substr(1, type.size() - 2) + ")";
}

Status io::checkElementType(int32_t number, const std::string &where) {
  auto type = static_cast<OnnxType>(number);
  if (isKnown(type))
    return {};
  if (type == OnnxType::Undefined)
    return malformedOnnx("AWQ1080", "the element type is UNDEFINED", where);
  return Error{ErrorKind::Unsupported, "AWQ1080",
               "the element type " + std::to_string(number) + " is not known",
               where, "export the model with another type"};
}

Status io::checkRank(size_t rank, const std::string &where) {
  constexpr size_t maxRank = 16;
  if (rank <= maxRank)
    return {};
  return Error{ErrorKind::Unsupported, "AWQ1082",
               "the shape has " + std::to_string(rank) +
                   " dimensions; at most " + std::to_string(maxRank) +
                   " are supported",
               where, "export the model with fewer dimensions"};
}

namespace {

using Opsets = std::map<std::string, int64_t, std::less<>>;

/// The values that can be used somewhere: those of a graph and of the graphs
/// around it.
struct Scope {
  const Scope *around = nullptr;
  std::unordered_set<std::string_view> names = {};

  bool has(std::string_view name) const {
    for (const Scope *scope = this; scope; scope = scope->around)
      if (scope->names.count(name))
        return true;
    return false;
  }
};

/// Checks graphs and the bodies of functions, which are lists of nodes alike.
class BodyCheck {
public:
  BodyCheck(const Opsets &opsets, const OnnxFunction *function)
      : opsets(opsets), function(function) {
    if (!function)
      return;
    attributes.insert(function->attributes.begin(), function->attributes.end());
    for (const OnnxAttribute &attribute : function->defaults)
      attributes.insert(attribute.name);
  }

  Status graph(const OnnxGraph &graph, const std::string &place,
               const Scope *around);
  Status body(const OnnxFunction &function, const std::string &place);

private:
  Status define(std::string_view name, const char *role, Scope &scope,
                const std::string &where);
  Status nodes(const std::vector<OnnxNode> &nodes, const std::string &place,
               Scope &scope);
  Status node(const OnnxNode &node, const std::vector<OnnxNode> &nodes,
              const Scope &scope, const std::string &where);
  Status attribute(const OnnxAttribute &attribute, const std::string &where,
                   const Scope &scope);

  const Opsets &opsets;
  const OnnxFunction *function; ///< that the nodes are in, or null
  std::unordered_set<std::string_view> attributes; ///< the function's
};

} // namespace

Status BodyCheck::define(std::string_view name, const char *role, Scope &scope,
                         const std::string &where) {
  if (!scope.has(name)) {
    scope.names.insert(name);
    return {};
  }
  return malformedOnnx("AWQ1069",
                       std::string(role) + " " + printable(name) +
                           " has the name of another value: every value must "
                           "be defined once",
                       where, exportAgain);
}

/// Why a value that is not there is not there.
static Error undefinedValue(const std::string &name, const std::string &role,
                            const std::vector<OnnxNode> &nodes,
                            const std::string &where) {
  for (size_t i = 0; i < nodes.size(); ++i)
    if (std::find(nodes[i].outputs.begin(), nodes[i].outputs.end(), name) !=
        nodes[i].outputs.end())
      return malformedOnnx(
          "AWQ1071",
          role + " " + printable(name) + " is made by" +
              nodePlace("", nodes[i].name, nodes[i].opType, i).substr(1) +
              ", which is not before it: the nodes are out of order or form a "
              "cycle",
          where, exportAgain);
  return malformedOnnx("AWQ1070",
                       role + " " + printable(name) +
                           " is no input, no initializer and no result of a "
                           "node",
                       where, exportAgain);
}

Status BodyCheck::attribute(const OnnxAttribute &attribute,
                            const std::string &where, const Scope &scope) {
  if (!attribute.reference.empty() && !attributes.count(attribute.reference))
    return malformedOnnx("AWQ1073",
                         "the attribute " + printable(attribute.name) +
                             " stands for " + printable(attribute.reference) +
                             (function ? ", which the function does not have"
                                       : ", but is in no function"),
                         where, exportAgain);
  std::string place = where + ", attribute " + printable(attribute.name);
  for (const std::shared_ptr<OnnxGraph> &nested : attribute.graphs)
    if (Status status = graph(*nested, place, &scope); !status)
      return status;
  return {};
}

Status BodyCheck::node(const OnnxNode &node, const std::vector<OnnxNode> &nodes,
                       const Scope &scope, const std::string &where) {
  if (opsets.find(node.domain) == opsets.end())
    return malformedOnnx("AWQ1074",
                         "the operator is of the domain " +
                             printable(node.domain) +
                             ", of which no version is imported",
                         where, exportAgain);
  for (const std::string &input : node.inputs)
    if (!input.empty() && !scope.has(input))
      return undefinedValue(input, "the input", nodes, where);
  for (const auto &[name, value] : node.attributes)
    if (Status status = attribute(value, where, scope); !status)
      return status;
  return {};
}

Status BodyCheck::nodes(const std::vector<OnnxNode> &nodes,
                        const std::string &place, Scope &scope) {
  for (size_t i = 0; i < nodes.size(); ++i) {
    const OnnxNode &current = nodes[i];
    std::string where = nodePlace(place, current.name, current.opType, i);
    if (Status status = node(current, nodes, scope, where); !status)
      return status;
    for (const std::string &output : current.outputs)
      if (!output.empty())
        if (Status status = define(output, "the output", scope, where); !status)
          return status;
  }
  return {};
}

Status BodyCheck::graph(const OnnxGraph &graph, const std::string &place,
                        const Scope *around) {
  Scope scope{around};
  for (const OnnxValue &input : graph.inputs)
    if (Status status = define(input.name, "the graph's input", scope, place);
        !status)
      return status;
  for (const OnnxTensor &tensor : graph.initializers)
    if (Status status = define(tensor.name, "the initializer", scope,
                               place + ", tensor " + printable(tensor.name));
        !status)
      return status;
  if (Status status = nodes(graph.nodes, place, scope); !status)
    return status;
  for (const OnnxValue &output : graph.outputs)
    if (!scope.has(output.name))
      return undefinedValue(output.name, "the graph's output", {}, place);
  return {};
}

Status BodyCheck::body(const OnnxFunction &function, const std::string &place) {
  Scope scope;
  for (const std::string &input : function.inputs)
    if (Status status = define(input, "the function's input", scope, place);
        !status)
      return status;
  if (Status status = nodes(function.nodes, place, scope); !status)
    return status;
  for (const std::string &output : function.outputs)
    if (!scope.has(output))
      return undefinedValue(output, "the function's output", {}, place);
  return {};
}

//===----------------------------------------------------------------------===//
// Functions
//===----------------------------------------------------------------------===//

namespace {

using FunctionKey =
    std::tuple<std::string_view, std::string_view, std::string_view>;

/// Who calls whom. A call is any node that names the function, in a nested
/// graph too.
class CallGraph {
public:
  explicit CallGraph(const std::vector<OnnxFunction> &functions)
      : functions(functions) {}

  Status build(const std::string &path);
  Status checkRecursion(const std::string &path) const;

private:
  void collect(const std::vector<OnnxNode> &nodes, std::vector<size_t> &calls);

  const std::vector<OnnxFunction> &functions;
  std::map<FunctionKey, size_t> indices;
  std::vector<std::vector<size_t>> callees;
};

} // namespace

static std::string functionPlace(const std::string &path,
                                 const OnnxFunction &function) {
  std::string text = path + ", function " + printable(function.name);
  if (!function.domain.empty())
    text += " of " + printable(function.domain);
  return text;
}

void CallGraph::collect(const std::vector<OnnxNode> &nodes,
                        std::vector<size_t> &calls) {
  for (const OnnxNode &node : nodes) {
    auto found = indices.find({node.domain, node.opType, node.overload});
    if (found != indices.end())
      calls.push_back(found->second);
    for (const auto &[name, attribute] : node.attributes)
      for (const std::shared_ptr<OnnxGraph> &graph : attribute.graphs)
        collect(graph->nodes, calls);
  }
}

Status CallGraph::build(const std::string &path) {
  for (size_t i = 0; i < functions.size(); ++i) {
    const OnnxFunction &function = functions[i];
    if (!indices
             .insert({{function.domain, function.name, function.overload}, i})
             .second)
      return malformedOnnx("AWQ1075", "the model has this function twice",
                           functionPlace(path, function), exportAgain);
  }
  callees.resize(functions.size());
  for (size_t i = 0; i < functions.size(); ++i)
    collect(functions[i].nodes, callees[i]);
  return {};
}

/// Takes away functions that nothing left calls, until none is left to take:
/// what then remains is a cycle or is called from one.
Status CallGraph::checkRecursion(const std::string &path) const {
  std::vector<size_t> callers(functions.size());
  for (const std::vector<size_t> &calls : callees)
    for (size_t callee : calls)
      ++callers[callee];
  std::vector<size_t> free;
  for (size_t i = 0; i < functions.size(); ++i)
    if (callers[i] == 0)
      free.push_back(i);
  for (size_t taken = 0; taken < free.size(); ++taken)
    for (size_t callee : callees[free[taken]])
      if (--callers[callee] == 0)
        free.push_back(callee);
  if (free.size() == functions.size())
    return {};
  // Each that is left has a caller that is left: from caller to caller, the way
  // must come round.
  constexpr size_t none = SIZE_MAX;
  std::vector<size_t> caller(functions.size(), none);
  size_t current = 0;
  for (size_t i = 0; i < functions.size(); ++i)
    if (callers[i] != 0) {
      current = i;
      for (size_t callee : callees[i])
        caller[callee] = i;
    }
  for (size_t step = 0; step < functions.size(); ++step)
    current = caller[current];
  return malformedOnnx("AWQ1076",
                       "the function calls itself, directly or "
                       "through another",
                       functionPlace(path, functions[current]), exportAgain);
}

Status io::checkModel(const OnnxModel &model, const std::string &path) {
  CallGraph calls(model.functions);
  if (Status status = calls.build(path); !status)
    return status;
  if (Status status = calls.checkRecursion(path); !status)
    return status;
  for (const OnnxFunction &function : model.functions) {
    BodyCheck check(function.opsets, &function);
    if (Status status = check.body(function, functionPlace(path, function));
        !status)
      return status;
  }
  return BodyCheck(model.opsets, nullptr).graph(model.graph, path, nullptr);
}
