//===- Statistics.h - activation statistics of one site ---------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

// What calibration remembers about the input of a group of linears. Per part
// (fit, guard) and channel: mean |x|, max |x|, mean x^2; per part the token
// count and, on request, the Gram matrix X^T X.
//
// The reduction order is fixed. Each sample gives one partial vector, summed
// in fp64 over its tokens in order. Partials are combined in a binary tree over
// the global sample index: the node (level, i) covers the samples
// [i * 2^level, (i + 1) * 2^level) and is the sum of its two children, where a
// child without samples adds nothing. The value of a node depends only on the
// samples below it, so the order of arrival, the number of threads, and the
// way in which samples are dealt out to shards cannot change a bit.
//
// Gram matrices are too large for a tree: they are summed in fp32, sample by
// sample in ascending order, each in fixed tiles by a serial BLAS. Threads take
// whole tiles, so their number changes nothing either.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_CALIBRATION_STATISTICS_H
#define AWQ_CALIBRATION_STATISTICS_H

#include "awq/Support/Error.h"

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

namespace awq::calibration {

/// What a sample is used for: to choose parameters, or to judge the choice.
enum class Part { Fit = 0, Guard = 1 };

/// "fit" or "guard".
const char *name(Part part);

/// Statistics of one part of the samples at one site. The vectors have one
/// element per channel, or are empty when the part has no tokens.
struct PartStatistics {
  int64_t tokens = 0;
  std::vector<float> meanAbs;
  std::vector<float> maxAbs;
  std::vector<float> meanSquare;
  /// X^T X [C, C], the sum over all tokens; empty when not kept.
  std::vector<float> gram;
};

/// Statistics of one site, that is, of the tensor that a group of linears
/// reads.
struct SiteStatistics {
  std::string name;
  int64_t channels = 0;
  PartStatistics fit;
  PartStatistics guard;

  const PartStatistics &part(Part which) const {
    return which == Part::Fit ? fit : guard;
  }
  PartStatistics &part(Part which) { return which == Part::Fit ? fit : guard; }
};

/// Gathers the statistics of one site. Calls on one object must not overlap;
/// each call uses all OpenMP threads.
class StatisticsAccumulator {
public:
  struct Options {
    /// Keep Gram matrices: a little over half of a C x C matrix per part.
    /// Samples must then arrive in ascending order of their index.
    bool gram = false;
    /// Tokens at the start of each sample that are left out of everything. The
    /// first token of a sequence often has activations that dwarf all others.
    int64_t skipTokens = 0;
    /// What is taken from the elements of the fit part's Gram matrix that are
    /// not on the diagonal, 0 to 1. Correlations of channels are partly those
    /// of the calibration text; what is fitted to them whole does worse on
    /// other texts. The first token that is counted of each sample is exempt:
    /// its large activations are much the same in all texts. (As for covariance
    /// matrices: Ledoit and Wolf, "Honey, I Shrunk the Sample Covariance
    /// Matrix", 2004, with the diagonal as the target.)
    double shrinkage = 0.0;
  };

  StatisticsAccumulator(std::string site, int64_t channels, Options options);

  /// Adds the activations x [tokens, channels], row-major, of the sample with
  /// this global index. Rows of zeros are tokens that did not come here, and
  /// do not count. Errors: AWQ1301 (a NaN or infinity; names site, sample
  /// and channel), AWQ1302 (the index is negative or was added before),
  /// AWQ1303 (with Gram matrices, an index below an earlier one). After an
  /// error the accumulator holds what it held before.
  Status add(int64_t sample, Part part, const float *x, int64_t tokens);

  /// Takes over the samples of `other`, a shard of the same site with other
  /// sample indices. Errors: AWQ1302 (a sample is in both), AWQ1304 (another
  /// site or number of channels), AWQ1305 (both hold Gram matrices, whose sum
  /// would depend on the way of sharding).
  Status merge(const StatisticsAccumulator &other);

  /// Tokens of a part that were counted so far.
  int64_t tokens(Part part) const;

  /// The statistics of all samples added so far.
  SiteStatistics finish() const;

  /// As finish(), but gives each packed Gram matrix up as soon as the whole one
  /// is made; the accumulator is empty afterwards.
  SiteStatistics take();

private:
  /// Sums of one part below one node of the tree.
  struct Sums {
    int64_t tokens = 0;
    std::vector<double> abs, square;
    std::vector<float> max;

    void add(const Sums &other);
  };
  struct Node {
    std::array<Sums, 2> parts;
  };
  /// (level, index at that level).
  using Key = std::pair<int, int64_t>;

  bool covered(Key key) const;
  void insert(Key key, Node node);
  Status checkFinite(const Sums &sums, const float *x, int64_t tokens,
                     int64_t sample) const;
  void addGram(Part part, const float *x, int64_t tokens);
  void shrink(std::vector<float> &packed) const;
  SiteStatistics reduce() const;

  std::string site;
  int64_t channels;
  Options options;
  int64_t lastSample = -1;
  /// Complete subtrees that wait for their sibling.
  std::map<Key, Node> pending;
  /// The tiles on and above the diagonal, packed, until finish() makes whole
  /// matrices of them: while activations are gathered, a layer's weights and
  /// all its sites are in memory, too.
  std::array<std::vector<float>, 2> gram;
  /// The first token of each sample of the fit part [samples, C], if the Gram
  /// matrix is shrunk.
  std::vector<float> firstTokens;
};

} // namespace awq::calibration

#endif // AWQ_CALIBRATION_STATISTICS_H
