//===- AsyncCopies.h - the ends of asynchronous copies -------- -*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_ASYNCCOPIES_H
#define AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_ASYNCCOPIES_H

#include "ThreadBlock.h"

namespace awq::gpusim {

/// Brings the bytes of a group's cp.asyncs, once.
void completeCopies(Warp &warp, CopyGroup &group);

/// The mbarrier at an offset of shared memory; reports and returns null when
/// it was not initialised.
MBarrier *findMBarrier(ThreadBlock &block, uint32_t offset, uint32_t site);
/// Takes `count` arrivals from the phase; it may end.
void arriveAt(ThreadBlock &block, MBarrier &barrier, uint32_t offset,
              uint32_t count, uint32_t site);
/// Takes `bytes` from the transactions that the phase expects; it may end.
void completeTransactions(ThreadBlock &block, MBarrier &barrier, int64_t bytes);
/// What happens at an event's time.
void deliver(ThreadBlock &block, AsyncEvent &event);
/// Queues the event or, where the options say so, lets it happen now.
void enqueue(ThreadBlock &block, AsyncEvent event);

} // namespace awq::gpusim

#endif // AWQ_LIB_EXECUTIONENGINE_GPUSIMULATOR_ASYNCCOPIES_H
