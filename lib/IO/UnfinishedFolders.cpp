//===- UnfinishedFolders.cpp - no leftovers of a stopped run --------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// A handler of signals may do next to nothing, removing folders least of all.
// So it writes the signal's number to a pipe, from which a thread reads it.
//
//===----------------------------------------------------------------------===//

#include "awq/IO/UnfinishedFolders.h"

#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <mutex>
#include <set>
#include <thread>
#include <unistd.h>

using namespace awq;

/// Never destroyed: folders may be forgotten while static objects end.
static std::mutex &mutexOfFolders() {
  static std::mutex &mutex = *new std::mutex;
  return mutex;
}
static std::set<std::string> &folders() {
  static std::set<std::string> &paths = *new std::set<std::string>;
  return paths;
}

static int writeEnd = -1;

extern "C" {
static void passOn(int signal) {
  unsigned char number = static_cast<unsigned char>(signal);
  // With a full pipe, a signal is on its way already.
  [[maybe_unused]] ssize_t written = ::write(writeEnd, &number, 1);
}
}

void io::noteUnfinished(const std::string &path) {
  std::lock_guard<std::mutex> lock(mutexOfFolders());
  folders().insert(path);
}

void io::forgetUnfinished(const std::string &path) {
  std::lock_guard<std::mutex> lock(mutexOfFolders());
  folders().erase(path);
}

/// Removes all folders, although others may still write into them, and ends
/// the program by `signal`.
static void endBy(int signal) {
  // Not given back: nobody is to finish a folder any more.
  mutexOfFolders().lock();
  constexpr int attempts = 10;
  for (const std::string &path : folders())
    for (int i = 0; i < attempts; ++i) {
      std::error_code failure;
      std::filesystem::remove_all(path, failure);
      if (!std::filesystem::exists(path, failure))
        break;
    }
  std::signal(signal, SIG_DFL);
  ::kill(::getpid(), signal);
}

void io::removeUnfinishedOnSignals() {
  static const bool once = [] {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0)
      return false;
    writeEnd = ends[1];
    std::thread([readEnd = ends[0]] {
      unsigned char number;
      if (::read(readEnd, &number, 1) == 1)
        endBy(number);
    }).detach();
    for (int signal : {SIGINT, SIGTERM, SIGHUP}) {
      struct sigaction action = {};
      if (::sigaction(signal, nullptr, &action) != 0 ||
          action.sa_handler != SIG_DFL)
        continue;
      action.sa_handler = passOn;
      action.sa_flags = SA_RESTART;
      ::sigaction(signal, &action, nullptr);
    }
    return true;
  }();
  (void)once;
}
