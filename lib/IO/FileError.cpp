//===- FileError.cpp - errors from the operating system -------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/FileError.h"

#include <cerrno>
#include <fcntl.h>
#include <system_error>
#include <unistd.h>

using namespace awq;
using namespace awq::io;

std::string io::systemMessage(int number) {
  return std::generic_category().message(number);
}

Error io::readError(const std::string &path, int number) {
  if (number == ENOENT || number == ENOTDIR)
    return {ErrorKind::Usage, "AWQ1001", "the file does not exist", path,
            "check the spelling of the path"};
  std::string help = "check that the path is right and the disk is healthy";
  if (number == EACCES || number == EPERM)
    help = "give this user the permission to read it";
  else if (number == EMFILE || number == ENFILE)
    help = "raise the limit of open files (ulimit -n)";
  else if (number == ELOOP)
    help = "the symbolic links form a loop; link to the real file";
  return {ErrorKind::Resources, "AWQ1002",
          "cannot read the file: " + systemMessage(number), path, help};
}

Error io::writeError(const std::string &action, const std::string &path,
                     int number) {
  std::string message = "cannot " + action + ": " + systemMessage(number);
  if (number == ENOSPC || number == EDQUOT || number == EFBIG) {
    std::string help = "free space on that disk or choose an output elsewhere";
    if (number == EDQUOT)
      help = "the disk quota is used up; remove files or choose another disk";
    else if (number == EFBIG)
      help = "the file is larger than this process (ulimit -f) or the file "
             "system allows";
    return {ErrorKind::Resources, "AWQ1041", message, path, help};
  }
  std::string help = "check that the folder exists and can be written to";
  if (number == EACCES || number == EPERM || number == EROFS)
    help = "choose an output folder that this user may write to";
  else if (number == ENOENT || number == ENOTDIR)
    help = "create the parent folder first";
  else if (number == ENAMETOOLONG)
    help = "choose a shorter output name";
  else if (number == EIO)
    help = "the disk reports a failure; choose another disk";
  return {ErrorKind::Resources, "AWQ1040", message, path, help};
}

Status io::syncDirectory(const std::string &path) {
  int descriptor = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (descriptor < 0)
    return writeError("open the folder", path, errno);
  int result = ::fsync(descriptor);
  int number = errno;
  ::close(descriptor);
  // Some network file systems have no fsync for folders; their rename is
  // durable by itself.
  if (result != 0 && number != EINVAL && number != EROFS && number != ENOTSUP)
    return writeError("make the folder durable", path, number);
  return {};
}

std::string io::parentOf(const std::string &path) {
  size_t slash = path.find_last_of('/');
  if (slash == std::string::npos)
    return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}
