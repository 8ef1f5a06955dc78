//===- Tensors.h - tensors of ONNX models -----------------------*- C++ -*-===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#ifndef AWQ_LIB_IO_ONNX_TENSORS_H
#define AWQ_LIB_IO_ONNX_TENSORS_H

#include "ExternalData.h"
#include "Outline.h"
#include "awq/IO/Onnx.h"

namespace awq::onnx {
class TensorProto;
} // namespace awq::onnx

namespace awq::io {

/// Checks tensors and finds their bytes, wherever a model may have them.
class TensorReader {
public:
  /// Inline tensors of fewer bytes are not worth their place in the file.
  static constexpr uint64_t placeBytes = 1024;

  TensorReader(const MappedFile &file, ExternalFiles &external,
               Outliner &outliner, std::deque<std::vector<uint8_t>> &owned)
      : file(file), external(external), outliner(outliner), owned(owned) {}

  /// Errors: AWQ1062, AWQ1068, AWQ1079 to AWQ1085, AWQ1090 to AWQ1098.
  Result<OnnxTensor> read(const onnx::TensorProto &proto,
                          const std::string &where);

private:
  struct Payload;

  Result<Payload> findPayload(const onnx::TensorProto &proto,
                              const std::string &where);
  Status readExternal(const onnx::TensorProto &proto, OnnxTensor &tensor,
                      const std::string &where);
  Status readStrings(const Payload &payload, OnnxTensor &tensor,
                     const std::string &where);
  Status readInline(const Payload &payload, OnnxTensor &tensor,
                    const std::string &where);
  Status decodeVarints(const Payload &payload, const OnnxTensor &tensor,
                       uint8_t *to, const std::string &where);
  Status decode(const Payload &payload, OnnxTensor &tensor,
                const std::string &where);
  void useFile(OnnxTensor &tensor, uint64_t begin);

  const MappedFile &file;
  ExternalFiles &external;
  Outliner &outliner;
  std::deque<std::vector<uint8_t>> &owned;
};

} // namespace awq::io

#endif // AWQ_LIB_IO_ONNX_TENSORS_H
