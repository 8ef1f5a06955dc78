"""The installed package: tools that start, and a program of somebody else's that is built on it.

Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
"""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from awq_mlir.toolchain import find_program

pytestmark = pytest.mark.tools

PROJECT = """
cmake_minimum_required(VERSION 3.25)
project(consumer LANGUAGES C CXX)
set(CMAKE_CXX_STANDARD 17)
find_package(AWQ REQUIRED)
add_executable(consumer main.cpp)
target_include_directories(consumer SYSTEM PRIVATE ${MLIR_INCLUDE_DIRS} ${LLVM_INCLUDE_DIRS})
target_link_libraries(consumer PRIVATE AWQDecoderDialect AWQTransforms)
"""

PROGRAM = """
#include "awq/Dialect/AWQ/IR/AWQ.h"
#include "awq/Dialect/AWQ/Transforms/Passes.h"
#include "mlir/IR/BuiltinOps.h"
#include "mlir/IR/MLIRContext.h"
#include "mlir/Pass/PassManager.h"

int main() {
  mlir::MLIRContext context;
  context.loadDialect<awq::AWQDialect>();
  auto module = mlir::OwningOpRef<mlir::ModuleOp>(
      mlir::ModuleOp::create(mlir::UnknownLoc::get(&context)));
  mlir::PassManager manager(&context);
  manager.addPass(awq::createFindScalingGroupsPass());
  return mlir::failed(manager.run(*module));
}
"""


def call(*command: object, cwd: Path | None = None) -> str:
    done = subprocess.run([*map(str, command)], cwd=cwd, capture_output=True, encoding="utf8", check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_installed_package_serves_other_projects(tmp_path: Path) -> None:
    prefix = tmp_path / "prefix"
    call("cmake", "--install", find_program("awq-compile").parent.parent, "--prefix", prefix)
    assert "awq-search-scales" in call(prefix / "bin" / "awq-opt", "--help")
    call(prefix / "bin" / "awq-compile", "--help")

    project = tmp_path / "consumer"
    project.mkdir()
    (project / "CMakeLists.txt").write_text(PROJECT)
    (project / "main.cpp").write_text(PROGRAM)
    call("cmake", "-G", "Ninja", "-B", "build", f"-DCMAKE_PREFIX_PATH={prefix}", ".", cwd=project)
    call("cmake", "--build", "build", cwd=project)
    call(project / "build" / "consumer")
