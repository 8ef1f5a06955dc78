//===- Routing.h - tokens that part ways ------------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_DIALECT_AWQ_IR_ROUTING_H
#define AWQ_DIALECT_AWQ_IR_ROUTING_H

#include "mlir/IR/Builders.h"
#include "mlir/IR/OpDefinition.h"

namespace awq {

/// See AWQ_ReadsExactly.
template <typename ConcreteType>
class ReadsExactly
    : public mlir::OpTrait::TraitBase<ConcreteType, ReadsExactly> {};

} // namespace awq

#include "awq/Dialect/AWQ/IR/RoutingInterface.h.inc"

#endif // AWQ_DIALECT_AWQ_IR_ROUTING_H
