"""The lit suite: IR in, IR out, on the tools of a build folder."""

import os
import shutil
from pathlib import Path

import lit.formats

config.name = "awq-mlir"
config.test_format = lit.formats.ShTest(execute_external=False)
config.suffixes = [".mlir", ".test"]
config.excludes = ["lib", "Inputs"]
source = Path(__file__).resolve().parent
config.test_source_root = str(source)

build = str(Path(lit_config.params.get("build", source.parent / "build")).resolve())
config.test_exec_root = str(Path(build) / "test")

# The project's tools first, then FileCheck and mlir-opt of the LLVM in use.
llvm_bin = lit_config.params.get("llvm_bin", "/usr/lib/llvm-22/bin")
config.environment["PATH"] = os.pathsep.join([str(Path(build) / "bin"), llvm_bin, config.environment["PATH"]])
for name in ("HOME", "ASAN_OPTIONS", "UBSAN_OPTIONS"):
    if name in os.environ:
        config.environment[name] = os.environ[name]
# LLVM's allocators poison memory from our side of their headers and do not take it
# back in its libraries, which are built without sanitizers.
config.environment.setdefault("ASAN_OPTIONS", "allow_user_poisoning=0")
config.environment["AWQ_BUILD"] = build
config.substitutions.append(("%build", build))
config.substitutions.append(("%llvm", str(Path(llvm_bin).parent)))
config.substitutions.append(("%root", str(source.parent)))
# LLVM's own mlir-opt, which has nothing of this project but what it loads.
plugin = f"{build}/lib/libAWQPlugin.so"
config.substitutions.append(("%awq_plugin", f"--load-dialect-plugin={plugin} --load-pass-plugin={plugin}"))
config.substitutions.append(("%mlir_opt", f"{llvm_bin}/mlir-opt"))

if shutil.which("ptxas", path=config.environment["PATH"]):
    config.available_features.add("ptxas")
