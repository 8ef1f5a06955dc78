//===- SafetensorsWriter.cpp - writing safetensors files as a stream ------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/IO/SafetensorsWriter.h"

#include "SafetensorsHeader.h"
#include "Utf8.h"
#include "awq/IO/FileError.h"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <numeric>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <utility>

using namespace awq;
using namespace awq::io;
using nlohmann::ordered_json;

/// Data begin at a multiple of this, so that vector loads of the first tensors
/// are aligned; the padding is part of the header (spaces), as the format asks.
static constexpr uint64_t dataAlignment = 64;

static Error badSpecification(const std::string &path, std::string_view name,
                              std::string message) {
  return {ErrorKind::Internal, "AWQ1042", std::move(message),
          path + ", tensor " + printable(name),
          "this is a defect of the program that writes the file; report it"};
}

/// What the reader would refuse is refused here.
static Status checkSpecs(const std::string &path,
                         const std::vector<TensorSpec> &specs,
                         const std::map<std::string, std::string> &metadata) {
  std::unordered_map<std::string_view, size_t> seen;
  for (const TensorSpec &spec : specs) {
    if (findInvalidUtf8(spec.name) != std::string_view::npos)
      return badSpecification(path, spec.name, "the name is not UTF-8");
    if (spec.name == "__metadata__")
      return badSpecification(path, spec.name, "the name is reserved");
    if (!seen.emplace(spec.name, seen.size()).second)
      return badSpecification(path, spec.name, "the name is given twice");
    if (!tensorBytes(spec.dtype, spec.shape))
      return badSpecification(path, spec.name,
                              "the shape is negative, overflows or does not "
                              "fill whole bytes");
  }
  for (const auto &[key, value] : metadata)
    if (findInvalidUtf8(key) != std::string_view::npos ||
        findInvalidUtf8(value) != std::string_view::npos)
      return badSpecification(path, "__metadata__",
                              "the entry " + printable(key) + " is not UTF-8");
  return {};
}

Status
SafetensorsWriter::layOut(const std::vector<TensorSpec> &specs,
                          const std::map<std::string, std::string> &metadata,
                          std::string &header) {
  std::vector<size_t> order(specs.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return bitWidth(specs[a].dtype) > bitWidth(specs[b].dtype);
  });
  ordered_json root = ordered_json::object();
  if (!metadata.empty())
    root["__metadata__"] = metadata;
  uint64_t end = 0;
  slots.reserve(specs.size());
  for (size_t index : order) {
    const TensorSpec &spec = specs[index];
    uint64_t begin = end;
    uint64_t bytes = *tensorBytes(spec.dtype, spec.shape);
    if (__builtin_add_overflow(begin, bytes, &end) || end > uint64_t(1) << 62)
      return badSpecification(destination, spec.name,
                              "the file would exceed 2^62 bytes");
    // push_back: ordered_json's own lookup by key is linear.
    auto &entries = root.get_ref<ordered_json::object_t &>();
    entries.emplace_back(spec.name,
                         ordered_json{{"dtype", std::string(name(spec.dtype))},
                                      {"shape", spec.shape},
                                      {"data_offsets", {begin, end}}});
    indices.emplace(spec.name, slots.size());
    slots.push_back({spec.name, begin, bytes, 0});
  }
  header = root.dump();
  uint64_t padded = (lengthBytes + header.size() + dataAlignment - 1) /
                    dataAlignment * dataAlignment;
  header.resize(padded - lengthBytes, ' ');
  if (header.size() > maxHeaderBytes)
    return badSpecification(destination, specs.front().name,
                            "the header would exceed the format's limit of " +
                                std::to_string(maxHeaderBytes) + " bytes");
  for (Slot &slot : slots)
    slot.begin += padded;
  total = padded + end;
  return {};
}

/// Opens "<path>.partial" and locks it against a second writer. The file may
/// be left from a run that was killed: then nobody holds its lock.
Status SafetensorsWriter::openPartial() {
  for (int attempt = 0; attempt < 8; ++attempt) {
    int opened = ::open(partial.c_str(),
                        O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0666);
    if (opened < 0)
      return writeError("create the file", partial, errno);
    if (::flock(opened, LOCK_EX | LOCK_NB) != 0) {
      int number = errno;
      ::close(opened);
      if (number != EWOULDBLOCK)
        return writeError("lock the file", partial, number);
      return Error{ErrorKind::Resources, "AWQ1044",
                   "another process is writing this file", partial,
                   "wait for it to end or choose another output"};
    }
    // Its former owner may have renamed or removed it before we held the lock.
    struct stat held, named;
    if (::fstat(opened, &held) == 0 && ::lstat(partial.c_str(), &named) == 0 &&
        held.st_ino == named.st_ino && held.st_dev == named.st_dev) {
      descriptor = opened;
      return {};
    }
    ::close(opened);
  }
  return Error{ErrorKind::Resources, "AWQ1044",
               "other processes keep writing this file", partial,
               "choose another output"};
}

/// Refuses to give the new file a name that is taken by a folder, pipe or
/// device: renaming onto /dev/null would replace the device for everybody.
static Status checkDestination(const std::string &path) {
  struct stat info;
  if (::stat(path.c_str(), &info) != 0 || S_ISREG(info.st_mode))
    return {};
  return Error{ErrorKind::Usage, "AWQ1047",
               "a folder, pipe or device stands where a file is to be written",
               path, "name a file"};
}

Result<SafetensorsWriter>
SafetensorsWriter::create(const std::string &path,
                          const std::vector<TensorSpec> &specs,
                          const std::map<std::string, std::string> &metadata) {
  if (Status status = checkSpecs(path, specs, metadata); !status)
    return status.error();
  if (Status status = checkDestination(path); !status)
    return status.error();
  SafetensorsWriter writer;
  writer.destination = path;
  writer.partial = path + ".partial";
  std::string header;
  if (Status status = writer.layOut(specs, metadata, header); !status)
    return status.error();
  if (Status status = writer.openPartial(); !status)
    return status.error();
  if (::ftruncate(writer.descriptor, 0) != 0)
    return writer.fail(writeError("write the file", path, errno)).error();
  // Reserve the space now. File systems that cannot are served without; the
  // call is interrupted by signals only before it did anything.
  int result;
  do
    result =
        ::fallocate(writer.descriptor, 0, 0, static_cast<off_t>(writer.total));
  while (result != 0 && errno == EINTR);
  if (result != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
    return writer
        .fail(writeError("reserve " + std::to_string(writer.total) +
                             " bytes for the file",
                         path, errno))
        .error();
  uint8_t length[lengthBytes];
  for (uint64_t i = 0; i < lengthBytes; ++i)
    length[i] = static_cast<uint8_t>(uint64_t(header.size()) >> (8 * i));
  if (Status status = writer.writeAt(0, length, lengthBytes); !status)
    return status.error();
  if (Status status = writer.writeAt(lengthBytes, header.data(), header.size());
      !status)
    return status.error();
  return writer;
}

SafetensorsWriter::SafetensorsWriter(SafetensorsWriter &&other) noexcept {
  *this = std::move(other);
}

SafetensorsWriter &
SafetensorsWriter::operator=(SafetensorsWriter &&other) noexcept {
  if (this == &other)
    return *this;
  discard();
  destination = std::move(other.destination);
  partial = std::move(other.partial);
  slots = std::move(other.slots);
  indices = std::move(other.indices);
  total = other.total;
  descriptor = std::exchange(other.descriptor, -1);
  return *this;
}

SafetensorsWriter::~SafetensorsWriter() { discard(); }

void SafetensorsWriter::discard() {
  if (descriptor < 0)
    return;
  // Unlink first: the lock, which closing gives up, protects the name.
  ::unlink(partial.c_str());
  ::close(descriptor);
  descriptor = -1;
}

Status SafetensorsWriter::fail(Error error) {
  discard();
  return error;
}

Error SafetensorsWriter::misuse(std::string_view name,
                                std::string message) const {
  return {ErrorKind::Internal, "AWQ1043", std::move(message),
          destination + ", tensor " + printable(name),
          "this is a defect of the program that writes the file; report it"};
}

Status SafetensorsWriter::writeAt(uint64_t offset, const void *data,
                                  uint64_t bytes) {
  // Linux transfers at most 0x7ffff000 bytes a call; smaller pieces also let
  // signals through.
  constexpr uint64_t piece = uint64_t(64) << 20;
  auto *next = static_cast<const uint8_t *>(data);
  while (bytes != 0) {
    ssize_t done = ::pwrite(descriptor, next, std::min(bytes, piece),
                            static_cast<off_t>(offset));
    if (done < 0 && errno == EINTR)
      continue;
    if (done <= 0)
      return fail(writeError("write the file at byte " +
                                 std::to_string(offset) + " of " +
                                 std::to_string(total),
                             destination, done < 0 ? errno : EIO));
    next += done;
    offset += static_cast<uint64_t>(done);
    bytes -= static_cast<uint64_t>(done);
  }
  return {};
}

Status SafetensorsWriter::append(std::string_view name, const void *data,
                                 uint64_t bytes) {
  if (descriptor < 0)
    return misuse(name, "the file was already committed or has failed");
  auto found = indices.find(std::string(name));
  if (found == indices.end())
    return fail(misuse(name, "the tensor was not announced"));
  Slot &slot = slots[found->second];
  if (bytes > slot.bytes - slot.written)
    return fail(misuse(name, std::to_string(slot.written + bytes) +
                                 " bytes were given, the tensor has " +
                                 std::to_string(slot.bytes)));
  Status status = writeAt(slot.begin + slot.written, data, bytes);
  slot.written += bytes;
  return status;
}

Status SafetensorsWriter::write(std::string_view name, const void *data,
                                uint64_t bytes) {
  auto found = indices.find(std::string(name));
  if (descriptor >= 0 && found != indices.end()) {
    const Slot &slot = slots[found->second];
    if (slot.written != 0)
      return fail(misuse(name, "the tensor was written before"));
    if (bytes != slot.bytes)
      return fail(misuse(name, std::to_string(bytes) +
                                   " bytes were given, the tensor has " +
                                   std::to_string(slot.bytes)));
  }
  return append(name, data, bytes);
}

Status SafetensorsWriter::commit() {
  if (descriptor < 0)
    return misuse("", "the file was already committed or has failed");
  for (const Slot &slot : slots)
    if (slot.written != slot.bytes)
      return fail(misuse(slot.name, "only " + std::to_string(slot.written) +
                                        " of " + std::to_string(slot.bytes) +
                                        " bytes were written"));
  if (::fsync(descriptor) != 0)
    return fail(writeError("make the file durable", destination, errno));
  if (::rename(partial.c_str(), destination.c_str()) != 0)
    return fail(writeError("give the file its name", destination, errno));
  // Network file systems report late write errors here.
  if (::close(std::exchange(descriptor, -1)) != 0)
    return writeError("close the file", destination, errno);
  return syncDirectory(parentOf(destination));
}
