//===- ProvidersTest.cpp - what a host compiler supplies --------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Providers.h"
#include "awq/Dialect/AWQ/Transforms/ParameterStore.h"
#include "awq/Dialect/AWQ/Transforms/StatisticsSource.h"
#include "mlir/Dialect/Arith/IR/Arith.h"
#include "mlir/Dialect/MLProgram/IR/MLProgram.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Parser/Parser.h"
#include "gtest/gtest.h"

using namespace awq;
using namespace mlir;

static constexpr const char *source = R"(
module {
  ml_program.global private @w(#ml_program.extern<tensor<2x3xf32>>) : tensor<2x3xf32>
  func.func @f(%x: tensor<?x3xf32>) -> tensor<?x2xf32> {
    %w = ml_program.global_load_const @w : tensor<2x3xf32>
    %o = awq.observe %x "site" : tensor<?x3xf32>
    %y = awq.linear %o, %w : (tensor<?x3xf32>, tensor<2x3xf32>) -> tensor<?x2xf32>
    return %y : tensor<?x2xf32>
  }
}
)";

namespace {

class ProvidersTest : public testing::Test {
protected:
  ProvidersTest() {
    context.loadDialect<AWQDialect, arith::ArithDialect, func::FuncDialect,
                        ml_program::MLProgramDialect>();
    context.getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
      if (std::optional<Error> error = getError(diagnostic))
        codes.push_back(error->code);
      return success();
    });
    module = parseSourceString<ModuleOp>(source, &context);
    module->walk([&](LinearOp op) { linear = op; });
    module->walk([&](ObserveOp op) { observe = op; });
  }

  /// Has the host supply these bytes for @w.
  void supply(ArrayRef<char> bytes, bool splat = false) {
    ASSERT_TRUE(addParameterProvider(&context,
                                     [=](StringRef name, RankedTensorType type)
                                         -> std::optional<ParameterData> {
                                       if (name != "w")
                                         return std::nullopt;
                                       return ParameterData{bytes, splat};
                                     }));
  }

  MLIRContext context;
  OwningOpRef<ModuleOp> module;
  LinearOp linear;
  ObserveOp observe;
  std::vector<std::string> codes;
};

ArrayRef<char> bytesOf(ArrayRef<float> values) {
  return {reinterpret_cast<const char *>(values.data()),
          values.size() * sizeof(float)};
}

} // namespace

TEST_F(ProvidersTest, WeightsAreReadWhereTheyLie) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  supply(bytesOf(values));
  ParameterStore store(*module);
  FailureOr<std::vector<float>> read = store.readFloats(linear.getWeight());
  ASSERT_TRUE(succeeded(read));
  EXPECT_EQ(*read, std::vector<float>({1, 2, 3, 4, 5, 6}));
  std::vector<char> storage;
  FailureOr<ArrayRef<char>> view = store.view(linear.getWeight(), storage);
  ASSERT_TRUE(succeeded(view));
  EXPECT_EQ(view->data(), reinterpret_cast<const char *>(values));
}

TEST_F(ProvidersTest, OneElementStandsForAll) {
  const float value[] = {0.5};
  supply(bytesOf(value), /*splat=*/true);
  ParameterStore store(*module);
  FailureOr<std::vector<float>> read = store.readFloats(linear.getWeight());
  ASSERT_TRUE(succeeded(read));
  EXPECT_EQ(*read, std::vector<float>(6, 0.5));
}

TEST_F(ProvidersTest, BytesThatDoNotFitTheType) {
  const float values[] = {1, 2, 3, 4, 5};
  supply(bytesOf(values));
  ParameterStore store(*module);
  EXPECT_TRUE(failed(store.readFloats(linear.getWeight())));
  EXPECT_EQ(codes, std::vector<std::string>({"AWQ1665"}));
}

TEST_F(ProvidersTest, AParameterThatNobodyHas) {
  ParameterStore store(*module);
  EXPECT_TRUE(failed(store.readFloats(linear.getWeight())));
  EXPECT_EQ(codes, std::vector<std::string>({"AWQ1522"}));
}

TEST_F(ProvidersTest, OneFunctionPerContext) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  supply(bytesOf(values));
  EXPECT_FALSE(addParameterProvider(
      &context, [](StringRef, RankedTensorType) { return std::nullopt; }));
}

// A function only reads: new parameters still need a side file.
TEST_F(ProvidersTest, NewParametersAreRefused) {
  const float values[] = {1, 2, 3, 4, 5, 6};
  supply(bytesOf(values));
  ParameterStore store(*module);
  OpBuilder builder(linear);
  EXPECT_TRUE(failed(
      store.defineFloats(builder, linear.getLoc(), "w.new",
                         RankedTensorType::get({1}, builder.getF32Type()),
                         {1.0f}, linear.getWeight())));
  // Nothing was declared.
  EXPECT_FALSE(module->lookupSymbol("w.new"));
}

static calibration::SiteStatistics makeStatistics(int64_t channels) {
  calibration::SiteStatistics statistics;
  statistics.channels = channels;
  statistics.fit.tokens = 4;
  statistics.fit.meanAbs.assign(channels, 1.0f);
  statistics.fit.gram.assign(channels * channels, 4.0f);
  return statistics;
}

TEST_F(ProvidersTest, StatisticsOfTheHost) {
  ASSERT_TRUE(addStatisticsProvider(
      &context,
      [](StringRef site,
         int64_t channels) -> std::optional<calibration::SiteStatistics> {
        EXPECT_EQ(site, "site");
        return makeStatistics(channels);
      }));
  StatisticsSource statistics;
  auto found = statistics.get(observe);
  ASSERT_TRUE(succeeded(found));
  EXPECT_EQ((*found)->name, "site");
  EXPECT_EQ((*found)->fit.tokens, 4);
  // What a caller has set comes first.
  calibration::SiteStatistics set = makeStatistics(3);
  set.name = "site";
  set.fit.tokens = 9;
  statistics.set(set);
  EXPECT_EQ((*statistics.get(observe))->fit.tokens, 9);
}

TEST_F(ProvidersTest, StatisticsOfOtherChannels) {
  ASSERT_TRUE(addStatisticsProvider(&context, [](StringRef, int64_t channels) {
    calibration::SiteStatistics statistics = makeStatistics(channels);
    statistics.fit.gram.pop_back();
    return statistics;
  }));
  StatisticsSource statistics;
  EXPECT_TRUE(failed(statistics.get(observe)));
  EXPECT_EQ(codes, std::vector<std::string>({"AWQ1666"}));
}

TEST_F(ProvidersTest, NoStatisticsAtAll) {
  ASSERT_TRUE(addStatisticsProvider(
      &context, [](StringRef, int64_t) { return std::nullopt; }));
  StatisticsSource statistics;
  EXPECT_TRUE(failed(statistics.get(observe)));
}
