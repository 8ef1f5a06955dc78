//===- Translation.cpp - "import-hf" for translation tools ----------------===//
//
// Part of the awq-mlir project, under the Apache License v2.0 with LLVM
// Exceptions. See LICENSE for license information.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//

#include "awq/Target/HuggingFace/Import.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/Tools/mlir-translate/Translation.h"
#include "llvm/Support/SourceMgr.h"

using namespace mlir;
using namespace awq;

/// The error as an MLIR diagnostic, with place and remedy as notes.
static void report(MLIRContext *context, StringRef file, const Error &error) {
  // Line 0: with a line, the tool would quote it, and a bad file's first line
  // can be anything.
  Location loc = FileLineColLoc::get(context, file, 0, 0);
  InFlightDiagnostic diagnostic = emitError(loc);
  diagnostic << "[" << error.code << "] " << error.message;
  if (!error.where.empty())
    diagnostic.attachNote(UnknownLoc::get(context)) << "where: " << error.where;
  if (!error.help.empty())
    diagnostic.attachNote(UnknownLoc::get(context)) << "help: " << error.help;
}

void awq::registerHuggingFaceImport(const HuggingFaceImportOptions &options,
                                    int *exitCode) {
  TranslateToMLIRRegistration registration(
      "import-hf", "import the Hugging Face model of a config.json",
      [&options, exitCode](llvm::SourceMgr &sources,
                           MLIRContext *context) -> OwningOpRef<Operation *> {
        // The weights lie beside the file, so its name is needed, not its text.
        StringRef file = sources.getMemoryBuffer(sources.getMainFileID())
                             ->getBufferIdentifier();
        Result<OwningOpRef<ModuleOp>> module =
            importHuggingFace(context, file.str(), options);
        if (module)
          return OwningOpRef<Operation *>(module->release());
        report(context, file, module.error());
        if (exitCode)
          *exitCode = module.error().exitCode();
        return nullptr;
      },
      registerHuggingFaceDialects);
}
