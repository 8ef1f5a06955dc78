//===- Providers.cpp - what a host compiler supplies ------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Providers.h"

#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "mlir/IR/MLIRContext.h"

using namespace mlir;
using namespace awq;

ParameterProvider::~ParameterProvider() = default;
StatisticsProvider::~StatisticsProvider() = default;

//===----------------------------------------------------------------------===//
// Providers that call functions
//===----------------------------------------------------------------------===//

namespace {

class ParameterFunction : public ParameterProvider {
public:
  ParameterFunction(Dialect *dialect, FindParameter function)
      : ParameterProvider(dialect), function(std::move(function)) {}
  std::optional<ParameterData> find(StringRef name,
                                    RankedTensorType type) const override {
    return function(name, type);
  }

private:
  FindParameter function;
};

class StatisticsFunction : public StatisticsProvider {
public:
  StatisticsFunction(Dialect *dialect, FindStatistics function)
      : StatisticsProvider(dialect), function(std::move(function)) {}
  std::optional<calibration::SiteStatistics>
  find(StringRef site, int64_t channels) const override {
    return function(site, channels);
  }

private:
  FindStatistics function;
};

} // namespace

/// Adds an interface to the awq dialect unless it has one of that kind.
template <typename Interface, typename Function, typename Find>
static bool addProvider(MLIRContext *context, Find find) {
  auto *dialect = context->getOrLoadDialect<AWQDialect>();
  if (dialect->getRegisteredInterface<Interface>())
    return false;
  dialect->addInterface(std::make_unique<Function>(dialect, std::move(find)));
  return true;
}

bool awq::addParameterProvider(MLIRContext *context, FindParameter find) {
  return addProvider<ParameterProvider, ParameterFunction>(context,
                                                           std::move(find));
}

bool awq::addStatisticsProvider(MLIRContext *context, FindStatistics find) {
  return addProvider<StatisticsProvider, StatisticsFunction>(context,
                                                             std::move(find));
}

//===----------------------------------------------------------------------===//
// For passes
//===----------------------------------------------------------------------===//

FailureOr<std::optional<ParameterData>>
awq::findProvidedParameter(Location loc, StringRef name,
                           RankedTensorType type) {
  DialectInterfaceCollection<ParameterProvider> providers(loc.getContext());
  for (const ParameterProvider &provider : providers) {
    std::optional<ParameterData> found = provider.find(name, type);
    if (!found)
      continue;
    uint64_t element = type.getElementTypeBitWidth() / 8;
    uint64_t needed =
        found->splat ? element : element * uint64_t(type.getNumElements());
    if (found->bytes.size() == needed)
      return found;
    return awq::emitError(
        loc, {ErrorKind::Usage, "AWQ1665",
              "the host supplies " + std::to_string(found->bytes.size()) +
                  " bytes for the parameter '" + name.str() +
                  "', its type needs " + std::to_string(needed),
              "the ParameterProvider of the dialect '" +
                  provider.getDialect()->getNamespace().str() + "'",
              "supply row-major elements of the type asked for"});
  }
  return std::optional<ParameterData>();
}

bool awq::keepProvidedParameter(MLIRContext *context, StringRef name,
                                RankedTensorType type, ArrayRef<char> bytes) {
  DialectInterfaceCollection<ParameterProvider> providers(context);
  return llvm::any_of(providers, [&](const ParameterProvider &provider) {
    return provider.keep(name, type, bytes);
  });
}

/// Whether each vector has the length that the channels ask for; empty ones are
/// judged by who needs them.
static bool fits(const calibration::PartStatistics &part, uint64_t channels) {
  auto isOf = [](const std::vector<float> &values, uint64_t size) {
    return values.empty() || values.size() == size;
  };
  return part.tokens >= 0 && isOf(part.meanAbs, channels) &&
         isOf(part.maxAbs, channels) && isOf(part.meanSquare, channels) &&
         isOf(part.gram, channels * channels);
}

FailureOr<std::optional<calibration::SiteStatistics>>
awq::findProvidedStatistics(Location loc, StringRef site, int64_t channels) {
  DialectInterfaceCollection<StatisticsProvider> providers(loc.getContext());
  for (const StatisticsProvider &provider : providers) {
    std::optional<calibration::SiteStatistics> found =
        provider.find(site, channels);
    if (!found)
      continue;
    found->name = site.str();
    if (found->channels == channels && fits(found->fit, channels) &&
        fits(found->guard, channels))
      return found;
    return awq::emitError(
        loc, {ErrorKind::Usage, "AWQ1666",
              "the host's statistics of site '" + site.str() +
                  "' are not of its " + std::to_string(channels) + " channels",
              "the StatisticsProvider of the dialect '" +
                  provider.getDialect()->getNamespace().str() + "'",
              "supply one value per channel, and a Gram matrix of channels x "
              "channels"});
  }
  return std::optional<calibration::SiteStatistics>();
}
