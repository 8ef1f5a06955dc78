//===- InferArgumentRoles.cpp - what entry arguments are for ---*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Passes.h"

#include "Provenance.h"
#include "mlir/Dialect/Func/IR/FuncOps.h"
#include "mlir/IR/BuiltinOps.h"

namespace awq {
#define GEN_PASS_DEF_INFERARGUMENTROLESPASS
#include "awq/Dialect/AWQ/Transforms/Passes.h.inc"
} // namespace awq

using namespace mlir;

static llvm::StringRef roleOf(func::FuncOp function, unsigned index) {
  if (function.getArgAttr(index, "awq.parameter"))
    return "parameter";
  switch (awq::classifyArgument(function.getArgument(index))) {
  case awq::ArgumentUse::Tokens:
    return "tokens";
  case awq::ArgumentUse::Position:
    return "position";
  case awq::ArgumentUse::KeyCache:
    return "k_cache";
  case awq::ArgumentUse::ValueCache:
    return "v_cache";
  case awq::ArgumentUse::Other:
    break;
  }
  return "input";
}

/// Four numbers for each write to a cache; absent if one cannot be told.
static void noteWrites(func::FuncOp function, unsigned index) {
  auto writes = awq::findCacheWrites(function.getArgument(index));
  if (!writes)
    return;
  llvm::SmallVector<int64_t> numbers;
  for (const awq::CacheWrite &write : *writes)
    numbers.append({write.rowsArgument, write.rows, write.positionArgument,
                    write.position});
  function.setArgAttr(index, "awq.writes",
                      DenseI64ArrayAttr::get(function.getContext(), numbers));
}

static void inferRoles(func::FuncOp function) {
  Builder builder(function.getContext());
  llvm::StringMap<int64_t> caches;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto given = function.getArgAttrOfType<StringAttr>(i, "awq.role");
    llvm::StringRef role = given ? given.getValue() : roleOf(function, i);
    function.setArgAttr(i, "awq.role", builder.getStringAttr(role));
    if (!role.ends_with("_cache"))
      continue;
    noteWrites(function, i);
    int64_t layer = caches[role]++;
    if (!function.getArgAttr(i, "awq.layer"))
      function.setArgAttr(i, "awq.layer", builder.getI64IntegerAttr(layer));
  }
}

/// The result of a function that takes tokens: the hidden states.
static Type setHiddenResult(func::FuncOp function) {
  auto hasRole = [&](unsigned index) {
    auto role = function.getArgAttrOfType<StringAttr>(index, "awq.role");
    return role && role.getValue() == "tokens";
  };
  if (llvm::none_of(llvm::seq(function.getNumArguments()), hasRole) ||
      function.getNumResults() == 0)
    return {};
  auto type = dyn_cast<RankedTensorType>(function.getResultTypes().front());
  if (!type || type.getRank() != 2)
    return {};
  function.setResultAttr(0, "awq.role",
                         StringAttr::get(type.getContext(), "hidden_out"));
  return type;
}

/// A function from hidden states alone is the model's head.
static void setHead(func::FuncOp function, Type hidden) {
  std::optional<unsigned> input;
  for (unsigned i = 0; i < function.getNumArguments(); ++i) {
    auto role = function.getArgAttrOfType<StringAttr>(i, "awq.role").getValue();
    if (role == "parameter")
      continue;
    if (role != "input" || input || function.getArgument(i).getType() != hidden)
      return;
    input = i;
  }
  if (!input || function.getNumResults() != 1)
    return;
  MLIRContext *context = function.getContext();
  function.setArgAttr(*input, "awq.role", StringAttr::get(context, "hidden"));
  function.setResultAttr(0, "awq.role", StringAttr::get(context, "logits_out"));
}

namespace {
struct InferArgumentRolesPass
    : awq::impl::InferArgumentRolesPassBase<InferArgumentRolesPass> {
  void runOnOperation() override {
    llvm::SmallVector<func::FuncOp> entries;
    for (auto function : getOperation().getOps<func::FuncOp>())
      if (function.isPublic() && !function.isDeclaration())
        entries.push_back(function);
    Type hidden;
    for (func::FuncOp function : entries) {
      inferRoles(function);
      if (Type type = setHiddenResult(function))
        hidden = type;
    }
    if (!hidden)
      return;
    for (func::FuncOp function : entries)
      setHead(function, hidden);
  }
};
} // namespace
