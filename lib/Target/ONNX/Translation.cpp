//===- Translation.cpp - awq-translate's --import-onnx --------------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Dialect/AWQ/Transforms/Diagnostics.h"
#include "awq/Target/ONNX/Import.h"

#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace awq;

void awq::registerONNXImport(int *exitCode) {
  TranslateToMLIRRegistration registration(
      "import-onnx", "import an ONNX model",
      [exitCode](llvm::SourceMgr &sources,
                 MLIRContext *context) -> OwningOpRef<Operation *> {
        // External data lie beside the file, so its name is needed.
        StringRef file = sources.getMemoryBuffer(sources.getMainFileID())
                             ->getBufferIdentifier();
        Result<OwningOpRef<ModuleOp>> module = importONNX(context, file.str());
        if (module)
          return OwningOpRef<Operation *>(module->release());
        // Line 0: with a line, the tool would quote it.
        (void)awq::emitError(FileLineColLoc::get(context, file, 0, 0),
                             module.error());
        if (exitCode)
          *exitCode = module.error().exitCode();
        return nullptr;
      },
      [](DialectRegistry &) {});
}
