//===- Error.h - errors that name the place and the remedy ------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// The error type of every room that must build without LLVM (files, run time).
// Nothing here throws: a failed operation returns its Error.
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_SUPPORT_ERROR_H
#define AWQ_SUPPORT_ERROR_H

#include <cassert>
#include <optional>
#include <string>
#include <utility>
#include <variant>

namespace awq {

/// What went wrong, as the exit code that a command ends with.
enum class ErrorKind : int {
  Usage = 2,       ///< the command line or an option is wrong
  Malformed = 3,   ///< an input file breaks its format
  Unsupported = 4, ///< the input is valid but asks for what is not there
  Resources = 5,   ///< memory, disk, a missing program or processor feature
  Internal = 70    ///< a defect of this project
};

/// One error: what happened, where, and what the user can do about it.
struct Error {
  ErrorKind kind = ErrorKind::Internal;
  /// Stable code such as "AWQ1003"; docs/Errors.md lists them.
  std::string code;
  std::string message;
  /// File, tensor, operation or byte offset; may be empty.
  std::string where;
  /// The remedy; may be empty.
  std::string help;

  int exitCode() const { return static_cast<int>(kind); }

  /// "error[CODE]: message", then "where" and "help" on indented lines.
  std::string str() const;
};

/// The outcome of an operation that yields nothing. Converts to true on
/// success.
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Error error) : failure(std::move(error)) {}

  explicit operator bool() const { return !failure; }
  const Error &error() const {
    assert(failure && "no error to read");
    return *failure;
  }

private:
  std::optional<Error> failure;
};

/// A value, or the error that prevented it. Converts to true when there is a
/// value.
template <typename T>
class [[nodiscard]] Result {
public:
  Result(T value) : state(std::in_place_index<0>, std::move(value)) {}
  Result(Error error) : state(std::in_place_index<1>, std::move(error)) {}

  explicit operator bool() const { return state.index() == 0; }
  T &operator*() { return std::get<0>(state); }
  const T &operator*() const { return std::get<0>(state); }
  T *operator->() { return &std::get<0>(state); }
  const T *operator->() const { return &std::get<0>(state); }
  const Error &error() const { return std::get<1>(state); }

private:
  std::variant<T, Error> state;
};

} // namespace awq

#endif // AWQ_SUPPORT_ERROR_H
