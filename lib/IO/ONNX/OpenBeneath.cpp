//===- OpenBeneath.cpp - opening files of a folder and no others ----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
// Linux 5.6 resolves a path beneath a folder and without links in one call.
// Older systems, and sandboxes that forbid the call, are walked step by step:
// each folder is opened by its own name, and a link is refused there and then.
// Either way what is checked afterwards is the descriptor, not the path.
//
//===----------------------------------------------------------------------===//

#include "../Utf8.h"
#include "ExternalData.h"
#include "OnnxError.h"
#include "awq/IO/FileError.h"

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

using namespace awq;
using namespace awq::io;

// O_PATH: nothing happens to what is opened, even if it is a pipe or a device.
static constexpr int flags = O_PATH | O_CLOEXEC;

static int openByKernel(int folder, const std::string &location) {
  struct open_how how = {};
  // Without O_NOFOLLOW: that would open the link itself.
  how.flags = flags;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  return static_cast<int>(
      ::syscall(SYS_openat2, folder, location.c_str(), &how, sizeof(how)));
}

static bool isLink(int descriptor) {
  struct stat info;
  return ::fstat(descriptor, &info) != 0 || S_ISLNK(info.st_mode);
}

static int openStepByStep(int folder, const std::string &location) {
  int current = folder;
  for (size_t at = 0; at < location.size();) {
    size_t slash = std::min(location.find('/', at), location.size());
    std::string name = location.substr(at, slash - at);
    int next = ::openat(current, name.c_str(), flags | O_NOFOLLOW);
    int number = errno;
    if (current != folder)
      ::close(current);
    if (next >= 0 && isLink(next)) {
      ::close(next);
      next = -1;
      number = ELOOP;
    }
    errno = number;
    if (next < 0)
      return next;
    current = next;
    at = slash + 1;
  }
  return current;
}

Error io::cannotOpenExternal(int number, const std::string &where) {
  switch (number) {
  case ELOOP:
    return malformedOnnx("AWQ1091",
                         "the external file is a symbolic link, or lies behind "
                         "one; links are not followed",
                         where,
                         "put the file itself there; \"hf download "
                         "--local-dir\" makes a folder without links");
  case EXDEV:
    return malformedOnnx("AWQ1090",
                         "the external file lies outside the model's folder",
                         where, "put it beside the model");
  case ENOENT:
  case ENOTDIR:
    return malformedOnnx("AWQ1093", "the external file does not exist", where,
                         "fetch all files of the model into one folder");
  default:
    return {ErrorKind::Resources, "AWQ1094",
            "cannot read the external file: " + systemMessage(number), where,
            number == EACCES || number == EPERM
                ? "give this user the permission to read it"
                : "check that the disk is healthy and that enough files may "
                  "be open (ulimit -n)"};
  }
}

/// The descriptor's file must be an ordinary one, known by one name only.
static Status checkFile(int descriptor, const std::string &where) {
  struct stat info;
  if (::fstat(descriptor, &info) != 0)
    return cannotOpenExternal(errno, where);
  if (!S_ISREG(info.st_mode)) {
    const char *what = S_ISDIR(info.st_mode)    ? "a folder"
                       : S_ISFIFO(info.st_mode) ? "a pipe"
                                                : "a device or a socket";
    return malformedOnnx("AWQ1092", std::string("the external file is ") + what,
                         where, "the model must name the file itself");
  }
  if (info.st_nlink != 1)
    return malformedOnnx("AWQ1091",
                         "the external file has " +
                             std::to_string(info.st_nlink) +
                             " names (hard links), so that it may be a file "
                             "from elsewhere",
                         where, "copy the file: cp FILE COPY; mv COPY FILE");
  return {};
}

Result<int> io::openBeneath(const std::string &folder,
                            const std::string &location,
                            const std::string &where, BeneathCheck check) {
  std::string place =
      where + ", external data " + printable(folder + "/" + location);
  int root = ::open(folder.c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0)
    return cannotOpenExternal(errno, place);
  int descriptor = -1;
  errno = ENOSYS;
  if (check == BeneathCheck::Kernel)
    descriptor = openByKernel(root, location);
  // EPERM is also what sandboxes answer to a call that they do not know.
  if (descriptor < 0 && (errno == ENOSYS || errno == EPERM))
    descriptor = openStepByStep(root, location);
  int number = errno;
  ::close(root);
  if (descriptor < 0)
    return cannotOpenExternal(number, place);
  if (Status status = checkFile(descriptor, place); !status) {
    ::close(descriptor);
    return status.error();
  }
  return descriptor;
}
