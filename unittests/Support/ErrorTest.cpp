//===- ErrorTest.cpp - the text and the moves of errors and results -------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Support/Error.h"

#include "gtest/gtest.h"

#include <memory>
#include <string>

using namespace awq;

TEST(ErrorTest, Text) {
  Error error = {ErrorKind::Malformed, "AWQ1006", "the file is empty", "a.bin",
                 "fetch it again"};
  EXPECT_EQ(error.str(), "error[AWQ1006]: the file is empty\n"
                         "  where: a.bin\n"
                         "  help: fetch it again");
  error.where.clear();
  EXPECT_EQ(error.str(), "error[AWQ1006]: the file is empty\n"
                         "  help: fetch it again");
  error.help.clear();
  EXPECT_EQ(error.str(), "error[AWQ1006]: the file is empty");
}

TEST(ErrorTest, ExitCodes) {
  auto code = [](ErrorKind kind) {
    return Error{kind, "", "", "", ""}.exitCode();
  };
  EXPECT_EQ(code(ErrorKind::Usage), 2);
  EXPECT_EQ(code(ErrorKind::Malformed), 3);
  EXPECT_EQ(code(ErrorKind::Unsupported), 4);
  EXPECT_EQ(code(ErrorKind::Resources), 5);
  EXPECT_EQ(code(ErrorKind::Internal), 70);
}

TEST(StatusTest, SuccessAndFailure) {
  EXPECT_TRUE(Status());
  Status failed = Error{ErrorKind::Usage, "AWQ1001", "m", "w", "h"};
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "AWQ1001");
}

TEST(ResultTest, HoldsAValueThatOnlyMoves) {
  Result<std::unique_ptr<int>> result = std::make_unique<int>(7);
  ASSERT_TRUE(result);
  std::unique_ptr<int> taken = std::move(*result);
  EXPECT_EQ(*taken, 7);
  EXPECT_EQ(result->get(), nullptr);
}

TEST(ResultTest, HoldsAnError) {
  Result<std::string> failed =
      Error{ErrorKind::Resources, "AWQ1041", "m", "w", "h"};
  ASSERT_FALSE(failed);
  EXPECT_EQ(failed.error().code, "AWQ1041");
}
