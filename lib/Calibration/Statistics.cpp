//===- Statistics.cpp - activation statistics of one site -------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Calibration/Statistics.h"

#include "awq/Support/Blas.h"
#include "awq/Support/Multiversion.h"

#include <algorithm>
#include <cblas.h>
#include <cmath>

using namespace awq;
using namespace awq::calibration;

const char *awq::calibration::name(Part part) {
  return part == Part::Fit ? "fit" : "guard";
}

/// Channels that one thread sums at a time, and the side of a Gram tile. Both
/// are constants so that results do not depend on the number of threads.
static constexpr int64_t channelTile = 64;
static constexpr int64_t gramTile = 192;

static Error siteError(ErrorKind kind, const char *code, std::string message,
                       const std::string &site, std::string help) {
  return {kind, code, std::move(message), "site " + site, std::move(help)};
}

//===----------------------------------------------------------------------===//
// One sample
//===----------------------------------------------------------------------===//

/// Sums `width` <= channelTile channels over all tokens, in token order.
AWQ_MULTIVERSION
static void sumChannels(const float *x, int64_t tokens, int64_t stride,
                        int64_t width, double *absOut, double *squareOut,
                        float *maxOut) {
  double abs[channelTile] = {}, square[channelTile] = {};
  float max[channelTile] = {};
  for (int64_t t = 0; t < tokens; ++t) {
    const float *row = x + t * stride;
    for (int64_t c = 0; c < width; ++c) {
      float magnitude = std::fabs(row[c]);
      abs[c] += magnitude;
      square[c] += static_cast<double>(magnitude) * magnitude;
      max[c] = magnitude > max[c] ? magnitude : max[c];
    }
  }
  std::copy(abs, abs + width, absOut);
  std::copy(square, square + width, squareOut);
  std::copy(max, max + width, maxOut);
}

void StatisticsAccumulator::Sums::add(const Sums &other) {
  if (other.tokens == 0)
    return;
  if (tokens == 0) {
    *this = other;
    return;
  }
  tokens += other.tokens;
  for (size_t c = 0; c < abs.size(); ++c) {
    abs[c] += other.abs[c];
    square[c] += other.square[c];
    max[c] = std::max(max[c], other.max[c]);
  }
}

Status StatisticsAccumulator::checkFinite(const Sums &sums, const float *x,
                                          int64_t tokens,
                                          int64_t sample) const {
  // A sum of finite fp32 magnitudes is finite in fp64, so that only a NaN or an
  // infinity among them makes it neither.
  for (int64_t c = 0; c < channels; ++c) {
    if (std::isfinite(sums.abs[c]))
      continue;
    int64_t t = 0;
    while (t < tokens && std::isfinite(x[t * channels + c]))
      ++t;
    return siteError(
        ErrorKind::Unsupported, "AWQ1301",
        "an activation is " +
            std::string(std::isnan(x[t * channels + c]) ? "not a number"
                                                        : "infinite") +
            " in channel " + std::to_string(c) + " at token " +
            std::to_string(t + options.skipTokens) + " of sample " +
            std::to_string(sample),
        site,
        "the weights before this site are damaged, or overflow in their type; "
        "run the float model on this sample to see which layer is the first");
  }
  return {};
}

/// Rows that are not all zero. Nothing computes a row of zeros from a token: it
/// stands for one that an expert did not get, and adds nothing to any sum.
static int64_t countTokens(const float *x, int64_t rows, int64_t channels) {
  int64_t count = 0;
  for (int64_t t = 0; t < rows; ++t) {
    const float *row = x + t * channels;
    count += std::any_of(row, row + channels, [](float v) { return v != 0; });
  }
  return count;
}

Status StatisticsAccumulator::add(int64_t sample, Part part, const float *x,
                                  int64_t tokens) {
  if (sample < 0 || covered({0, sample}))
    return siteError(
        ErrorKind::Usage, "AWQ1302",
        "sample " + std::to_string(sample) +
            (sample < 0 ? " has a negative index" : " was added before"),
        site, "give every sample an index of its own from 0");
  if (options.gram && sample < lastSample)
    return siteError(ErrorKind::Usage, "AWQ1303",
                     "sample " + std::to_string(sample) +
                         " comes after sample " + std::to_string(lastSample),
                     site,
                     "Gram matrices are summed in the order of samples; add "
                     "them in ascending order");
  int64_t skipped = std::min(options.skipTokens, tokens);
  x += skipped * channels;
  tokens -= skipped;

  Node node;
  Sums &sums = node.parts[static_cast<int>(part)];
  if (tokens > 0) {
    sums.tokens = countTokens(x, tokens, channels);
    sums.abs.resize(channels);
    sums.square.resize(channels);
    sums.max.resize(channels);
#pragma omp parallel for schedule(static)
    for (int64_t c = 0; c < channels; c += channelTile)
      sumChannels(x + c, tokens, channels, std::min(channelTile, channels - c),
                  &sums.abs[c], &sums.square[c], &sums.max[c]);
    if (Status status = checkFinite(sums, x, tokens, sample); !status)
      return status;
    if (options.gram)
      addGram(part, x, tokens);
    if (options.gram && options.shrinkage > 0.0 && part == Part::Fit)
      firstTokens.insert(firstTokens.end(), x, x + channels);
  }
  lastSample = std::max(lastSample, sample);
  insert({0, sample}, std::move(node));
  return {};
}

namespace {

/// A tile on or above the diagonal of a Gram matrix, [rows, columns], row-major
/// at `offset` of the packed matrix.
struct GramTile {
  int64_t row, column, rows, columns, offset;
};

} // namespace

/// The tiles of a packed matrix, in the order of their offsets.
static std::vector<GramTile> gramTiles(int64_t channels) {
  std::vector<GramTile> tiles;
  int64_t offset = 0;
  for (int64_t i = 0; i < channels; i += gramTile)
    for (int64_t j = i; j < channels; j += gramTile) {
      GramTile tile{i, j, std::min(gramTile, channels - i),
                    std::min(gramTile, channels - j), offset};
      offset += tile.rows * tile.columns;
      tiles.push_back(tile);
    }
  return tiles;
}

/// Adds X^T X to the tiles on and above the diagonal.
void StatisticsAccumulator::addGram(Part part, const float *x, int64_t tokens) {
  prepareBlas();
  std::vector<GramTile> tiles = gramTiles(channels);
  std::vector<float> &packed = gram[static_cast<int>(part)];
  const GramTile &last = tiles.back();
  packed.resize(last.offset + last.rows * last.columns);
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < tiles.size(); ++i) {
    const GramTile &tile = tiles[i];
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, tile.rows,
                tile.columns, tokens, 1.0f, x + tile.row, channels,
                x + tile.column, channels, 1.0f, &packed[tile.offset],
                tile.columns);
  }
}

/// Takes their share from the elements beside the diagonal, but for what the
/// first tokens add to them.
void StatisticsAccumulator::shrink(std::vector<float> &packed) const {
  if (firstTokens.empty())
    return;
  int64_t tokens = static_cast<int64_t>(firstTokens.size()) / channels;
  auto keep = static_cast<float>(1.0 - options.shrinkage);
  auto give = static_cast<float>(options.shrinkage);
  std::vector<GramTile> tiles = gramTiles(channels);
#pragma omp parallel for schedule(dynamic)
  for (size_t i = 0; i < tiles.size(); ++i) {
    const GramTile &tile = tiles[i];
    float *elements = &packed[tile.offset];
    std::vector<float> diagonal;
    if (tile.row == tile.column)
      for (int64_t r = 0; r < tile.rows; ++r)
        diagonal.push_back(elements[r * tile.columns + r]);
    cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, tile.rows,
                tile.columns, tokens, give, &firstTokens[tile.row], channels,
                &firstTokens[tile.column], channels, keep, elements,
                tile.columns);
    for (size_t r = 0; r < diagonal.size(); ++r)
      elements[r * tile.columns + r] = diagonal[r];
  }
}

/// The whole symmetric matrix, from its upper triangle.
static std::vector<float> unpack(const std::vector<float> &packed,
                                 int64_t channels) {
  if (packed.empty())
    return {};
  std::vector<float> matrix(channels * channels);
  for (const GramTile &tile : gramTiles(channels))
    for (int64_t r = 0; r < tile.rows; ++r)
      for (int64_t c = 0; c < tile.columns; ++c) {
        int64_t i = tile.row + r, j = tile.column + c;
        if (j >= i)
          matrix[i * channels + j] = matrix[j * channels + i] =
              packed[tile.offset + r * tile.columns + c];
      }
  return matrix;
}

//===----------------------------------------------------------------------===//
// The tree
//===----------------------------------------------------------------------===//

StatisticsAccumulator::StatisticsAccumulator(std::string site, int64_t channels,
                                             Options options)
    : site(std::move(site)), channels(channels), options(options) {}

/// Whether a node or one of its ancestors is there, or one of its descendants.
bool StatisticsAccumulator::covered(Key key) const {
  auto [level, index] = key;
  for (int l = level; l < 63; ++l)
    if (pending.count({l, index >> (l - level)}))
      return true;
  for (int l = 0; l < level; ++l) {
    auto it = pending.lower_bound({l, index << (level - l)});
    if (it != pending.end() && it->first < Key{l, (index + 1) << (level - l)})
      return true;
  }
  return false;
}

/// Puts in a complete subtree and joins siblings as far up as possible.
void StatisticsAccumulator::insert(Key key, Node node) {
  while (true) {
    auto sibling = pending.find({key.first, key.second ^ 1});
    if (sibling == pending.end())
      break;
    Node &other = sibling->second;
    bool nodeIsLeft = (key.second & 1) == 0;
    for (int part = 0; part < 2; ++part) {
      Sums &left = nodeIsLeft ? node.parts[part] : other.parts[part];
      Sums &right = nodeIsLeft ? other.parts[part] : node.parts[part];
      left.add(right);
      if (!nodeIsLeft)
        right = std::move(left);
    }
    pending.erase(sibling);
    key = {key.first + 1, key.second >> 1};
  }
  pending.emplace(key, std::move(node));
}

int64_t StatisticsAccumulator::tokens(Part part) const {
  int64_t count = 0;
  for (const auto &node : pending)
    count += node.second.parts[static_cast<int>(part)].tokens;
  return count;
}

Status StatisticsAccumulator::merge(const StatisticsAccumulator &other) {
  if (site != other.site || channels != other.channels)
    return siteError(ErrorKind::Usage, "AWQ1304",
                     "statistics of site " + other.site + " with " +
                         std::to_string(other.channels) +
                         " channels cannot be merged into those of " +
                         std::to_string(channels) + " channels",
                     site, "merge shards of the same model");
  bool here = !gram[0].empty() || !gram[1].empty();
  bool there = !other.gram[0].empty() || !other.gram[1].empty();
  if (here && there)
    return siteError(ErrorKind::Unsupported, "AWQ1305",
                     "two shards hold Gram matrices, whose sum would depend on "
                     "the way of sharding",
                     site, "gather Gram matrices in one run over all samples");
  for (const auto &[key, node] : other.pending)
    if (covered(key))
      return siteError(ErrorKind::Usage, "AWQ1302",
                       "samples from " +
                           std::to_string(key.second << key.first) +
                           " on are in both shards",
                       site, "deal each sample to one shard only");
  for (const auto &[key, node] : other.pending)
    insert(key, node);
  for (int part = 0; part < 2; ++part)
    if (!other.gram[part].empty()) {
      gram[part] = other.gram[part];
      firstTokens = other.firstTokens;
    }
  lastSample = std::max(lastSample, other.lastSample);
  return {};
}

/// Joins what is left of the tree; a missing sibling adds nothing.
SiteStatistics StatisticsAccumulator::reduce() const {
  std::map<Key, Node> nodes = pending;
  while (nodes.size() > 1) {
    auto first = nodes.begin();
    Key key = first->first;
    Node node = std::move(first->second);
    nodes.erase(first);
    // Keys are ordered by level and index, so that a sibling at this level can
    // only be the next one, which is the right one.
    auto sibling = nodes.find({key.first, key.second ^ 1});
    if (sibling != nodes.end()) {
      for (int part = 0; part < 2; ++part)
        node.parts[part].add(sibling->second.parts[part]);
      nodes.erase(sibling);
    }
    nodes.emplace(Key{key.first + 1, key.second >> 1}, std::move(node));
  }

  SiteStatistics statistics;
  statistics.name = site;
  statistics.channels = channels;
  if (nodes.empty())
    return statistics;
  for (Part which : {Part::Fit, Part::Guard}) {
    const Sums &sums = nodes.begin()->second.parts[static_cast<int>(which)];
    PartStatistics &part = statistics.part(which);
    part.tokens = sums.tokens;
    double count = static_cast<double>(sums.tokens);
    for (size_t c = 0; c < sums.abs.size(); ++c) {
      part.meanAbs.push_back(static_cast<float>(sums.abs[c] / count));
      part.meanSquare.push_back(static_cast<float>(sums.square[c] / count));
    }
    part.maxAbs = sums.max;
  }
  return statistics;
}

SiteStatistics StatisticsAccumulator::finish() const {
  StatisticsAccumulator copy = *this;
  return copy.take();
}

SiteStatistics StatisticsAccumulator::take() {
  SiteStatistics statistics = reduce();
  for (Part which : {Part::Fit, Part::Guard}) {
    std::vector<float> &packed = gram[static_cast<int>(which)];
    if (which == Part::Fit)
      shrink(packed);
    statistics.part(which).gram = unpack(packed, channels);
    packed = std::vector<float>();
  }
  pending.clear();
  firstTokens.clear();
  lastSample = -1;
  return statistics;
}
