//===- ExternalData.cpp - tensors in files beside an ONNX model -----------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "ExternalData.h"

#include "../Utf8.h"
#include "OnnxError.h"
#include "Sha1.h"

#include <algorithm>
#include <cctype>
#include <set>
#include <tuple>
#include <unistd.h>

using namespace awq;
using namespace awq::io;

static constexpr const char *besideModel =
    "export the model again with its data in a file beside it";

static bool begins(std::string_view text, std::string_view prefix) {
  return text.substr(0, prefix.size()) == prefix;
}

static bool isHex(char c) {
  return std::isxdigit(static_cast<unsigned char>(c)) != 0;
}

/// Whether a browser or a URL library would read another character there.
static bool hasPercentEscape(std::string_view text) {
  for (size_t at = text.find('%'); at != std::string_view::npos;
       at = text.find('%', at + 1))
    if (at + 2 < text.size() && isHex(text[at + 1]) && isHex(text[at + 2]))
      return true;
  return false;
}

/// What is wrong with a location whose names lie between slashes; or nothing.
static std::string problemOfNames(std::string_view location) {
  for (size_t at = 0; at <= location.size();) {
    size_t slash = std::min(location.find('/', at), location.size());
    std::string_view name = location.substr(at, slash - at);
    if (name == "..")
      return "leaves the folder with \"..\"";
    if (name == "." || name.empty())
      return "names no file: a part of it is empty or \".\"";
    if (name.size() > 255)
      return "has a part of more than 255 bytes";
    at = slash + 1;
  }
  return "";
}

static std::string problemOf(std::string_view location) {
  if (location.empty())
    return "is empty";
  if (location.size() > 4096)
    return "has more than 4096 bytes";
  if (begins(location, "*/_ORT_MEM_ADDR_/*") || location[0] == '#')
    return "is a marker of another program, not a file";
  if (location[0] == '/')
    return "is absolute";
  if (std::any_of(location.begin(), location.end(),
                  [](unsigned char c) { return c < 0x20 || c == 0x7f; }))
    return "holds control characters";
  if (findInvalidUtf8(location) != std::string_view::npos)
    return "is not UTF-8";
  if (location.find('\\') != std::string_view::npos)
    return "holds a backslash, which separates folders on some systems only";
  if (hasPercentEscape(location))
    return "is percent-encoded";
  return problemOfNames(location);
}

/// A number of bytes as the format writes it: decimal digits only.
static Result<uint64_t> readCount(const std::string &key,
                                  const std::string &text,
                                  const std::string &where) {
  uint64_t value = 0;
  bool valid = !text.empty() && text.size() <= 19;
  for (char c : text) {
    valid = valid && c >= '0' && c <= '9';
    value = valid ? value * 10 + uint64_t(c - '0') : 0;
  }
  if (valid && value <= uint64_t(INT64_MAX))
    return value;
  return malformedOnnx("AWQ1096",
                       "the external data's " + key +
                           " is no number of bytes: " + printable(text),
                       where);
}

static Status readKey(const std::string &key, const std::string &value,
                      ExternalPlace &place, const std::string &where) {
  if (key == "offset" || key == "length") {
    Result<uint64_t> count = readCount(key, value, where);
    if (!count)
      return count.error();
    if (key == "offset")
      place.offset = *count;
    else
      place.length = *count;
    return {};
  }
  if (key == "location") {
    place.location = value;
    // The one harmless way to write a path differently that exporters use.
    while (begins(place.location, "./"))
      place.location.erase(0, 2);
    std::string problem = problemOf(place.location);
    if (problem.empty())
      return {};
    return malformedOnnx("AWQ1090",
                         "the location of external data " + problem + ": " +
                             printable(value),
                         where, besideModel);
  }
  if (key != "checksum")
    return malformedOnnx("AWQ1095",
                         "external data have no key " + printable(key) +
                             "; there are location, offset, length and "
                             "checksum",
                         where);
  place.checksum = value;
  for (char &c : place.checksum)
    c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  if (value.size() == 40 && std::all_of(value.begin(), value.end(), isHex))
    return {};
  return malformedOnnx(
      "AWQ1098", "the checksum is no SHA-1 in hexadecimal: " + printable(value),
      where);
}

Result<ExternalPlace> io::readExternalPlace(
    const std::vector<std::pair<std::string, std::string>> &keys,
    const std::string &where) {
  ExternalPlace place;
  std::set<std::string> seen;
  for (const auto &[key, value] : keys) {
    if (!seen.insert(key).second)
      return malformedOnnx("AWQ1095",
                           "the key " + printable(key) +
                               " of external data is given twice",
                           where);
    if (Status status = readKey(key, value, place, where); !status)
      return status.error();
  }
  if (!seen.count("location"))
    return malformedOnnx("AWQ1095", "the external data have no location",
                         where);
  return place;
}

Result<size_t> ExternalFiles::open(const std::string &location,
                                   const std::string &where) {
  auto found = indices.find(location);
  if (found != indices.end())
    return found->second;
  Result<int> descriptor = openBeneath(folder, location, where);
  if (!descriptor)
    return descriptor.error();
  // By its descriptor: the file that was checked, whatever its name means now.
  Result<MappedFile> mapped =
      MappedFile::open("/proc/self/fd/" + std::to_string(*descriptor));
  ::close(*descriptor);
  if (!mapped) {
    Error error = mapped.error();
    if (error.code == "AWQ1002")
      error.code = "AWQ1094";
    error.where =
        where + ", external data " + printable(folder + "/" + location);
    return error;
  }
  size_t index = files.size();
  indices[location] = index;
  files.push_back(std::move(*mapped));
  paths.push_back(folder + "/" + location);
  digests.emplace_back();
  return index;
}

Status ExternalFiles::verify(size_t file, const std::string &checksum,
                             const std::string &where) {
  if (digests[file].empty())
    digests[file] = sha1(files[file].data(), files[file].size());
  if (digests[file] == checksum)
    return {};
  return malformedOnnx("AWQ1098",
                       "the external file has another SHA-1, " + digests[file] +
                           ", than the model says, " + checksum,
                       where + ", file " + printable(paths[file]),
                       "fetch model and data of one version");
}

Result<ExternalFiles::Bytes> ExternalFiles::find(const ExternalPlace &place,
                                                 uint64_t bytes,
                                                 const std::string &where) {
  Result<size_t> index = open(place.location, where);
  if (!index)
    return index.error();
  const MappedFile &file = files[*index];
  if (Status status = file.checkUnchanged(); !status)
    return Error{status.error().kind, status.error().code,
                 status.error().message, paths[*index], status.error().help};
  auto outside = [&](const std::string &text) {
    return malformedOnnx("AWQ1096", text,
                         where + ", file " + printable(paths[*index]),
                         "fetch model and data of one version");
  };
  if (place.offset > file.size())
    return outside("the external data begin at " +
                   std::to_string(place.offset) + ", beyond the file's " +
                   std::to_string(file.size()) + " bytes");
  // Without a length, the tensor has what is left of the file.
  uint64_t left = file.size() - place.offset;
  uint64_t length = place.length.value_or(left);
  if (length > left)
    return outside("the external data, " + std::to_string(length) +
                   " bytes at " + std::to_string(place.offset) +
                   ", reach beyond the file's " + std::to_string(file.size()) +
                   " bytes");
  if (length != bytes)
    return outside("the external data have " + std::to_string(length) +
                   " bytes, but type and shape need " + std::to_string(bytes));
  if (!place.checksum.empty())
    if (Status status = verify(*index, place.checksum, where); !status)
      return status.error();
  if (bytes)
    claims.push_back({*index, place.offset, place.offset + bytes, where});
  return Bytes{bytes ? file.data() + place.offset : nullptr, paths[*index]};
}

Status ExternalFiles::checkOverlaps() {
  auto key = [](const Claim &claim) {
    return std::tie(claim.file, claim.begin, claim.end);
  };
  std::sort(claims.begin(), claims.end(),
            [&](const Claim &a, const Claim &b) { return key(a) < key(b); });
  for (size_t i = 1; i < claims.size(); ++i) {
    const Claim &a = claims[i - 1], &b = claims[i];
    if (a.file != b.file || a.end <= b.begin || key(a) == key(b))
      continue;
    return malformedOnnx(
        "AWQ1097",
        "the external data, bytes " + std::to_string(b.begin) + " to " +
            std::to_string(b.end) + ", overlap those of another tensor, " +
            std::to_string(a.begin) + " to " + std::to_string(a.end),
        b.where + ", file " + printable(paths[b.file]) + ", beside " + a.where);
  }
  return {};
}
