# make demo      a real model becomes a 4-bit one and writes text (installs and builds what it needs)
# make build     the C++ tools in build/bin, the command in build/venv/bin/awq-mlir
# make test      every test; ends with "N passed, N failed"
# make test-all  the same, long sweeps of models, 2048 shapes of GPU kernels, all node tests of ONNX, everything with AddressSanitizer and UndefinedBehaviorSanitizer
# make bench     speed against PyTorch, as JSON in benchmarks/results
# make bench-quality  what each step of the search gains on the demo's model; QUALITY="--samples 128" and so on
# make bench-gpu-static  what the GPU kernels cost by their machine code, and predicted times, without a GPU
# make bench-gpu  the GPU kernels against cuBLAS on this machine's GPU
# make lint      formatting, types, includes, pass flags;   make format: repairs formatting
# make clean     removes what was built
#
# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception

INSTALL := scripts/install-dependencies.sh
JOBS ?= $(shell nproc)
# What the demo runs, and nothing else: tests, awq-opt and awq-translate are left out.
DEMO_TARGETS := awq-compile AWQRuntime
SOURCES = $(shell git ls-files '*.cpp' '*.h' | grep -v '^test/')

.DEFAULT_GOAL := help
.PHONY: help demo build test test-all bench bench-quality bench-gpu bench-gpu-static lint format clean configure configure-tests

help:
	@sed -n 's/^# make /  make /p' Makefile

build/build.ninja: CMakePresets.json
	@$(INSTALL) build
	@cmake --preset release

configure: build/build.ninja
	@$(INSTALL) build

build: configure
	@cmake --build build -j $(JOBS)

demo: configure
	@$(INSTALL) demo
	@cmake --build build -j $(JOBS) --target $(DEMO_TARGETS)
	@build/venv/bin/python scripts/demo.py

test: configure
	@$(INSTALL) test
	@cmake --build build -j $(JOBS) --target all awq-unittests
	@build/venv/bin/python scripts/demo.py --only-inputs
	@build/test-venv/bin/python scripts/run_tests.py

test-all: test
	@AWQ_SIMULATED_SHAPES=2048 build/unittests/AWQSimulatedLinearsTests --gtest_filter='RandomShapes.*'
	@build/venv/bin/python scripts/demo.py --only-bundles
	@build/test-venv/bin/python scripts/simulate_model.py
	@AWQ_ONNX_NODES=all build/test-venv/bin/python -m pytest -q python/tests/test_onnx_nodes.py
	@PYTHONPATH=python build/test-venv/bin/python -m pytest -q -m long python/tests
	@cmake --preset debug
	@cmake --build build-debug -j $(JOBS) --target all awq-unittests
	@build/test-venv/bin/python scripts/run_tests.py --build build-debug --only lit,ctest
	@build/test-venv/bin/python scripts/fuzz_onnx.py

bench: configure
	@$(INSTALL) test
	@cmake --build build -j $(JOBS) --target $(DEMO_TARGETS)
	@build/venv/bin/python scripts/demo.py --only-bundles
	@build/test-venv/bin/python benchmarks/run.py

bench-quality: configure
	@$(INSTALL) test
	@cmake --build build -j $(JOBS) --target $(DEMO_TARGETS)
	@build/venv/bin/python scripts/demo.py --only-inputs
	@build/venv/bin/python benchmarks/quality.py $(QUALITY)

# GPU_STATIC="--marlin FOLDER" counts Marlin anew, from a checkout of its source.
bench-gpu-static: configure
	@$(INSTALL) test
	@cmake --build build -j $(JOBS) --target awq-compile
	@build/test-venv/bin/python benchmarks/gpu_static.py $(GPU_STATIC)
	@build/test-venv/bin/python benchmarks/gpu_time.py

# GPU_BENCH="--device sim" runs the same launches on the simulator.
bench-gpu: configure
	@$(INSTALL) test
	@cmake --build build -j $(JOBS) --target awq-compile awq-opt awq-sim
	@build/test-venv/bin/python benchmarks/gpu.py $(GPU_BENCH)

lint:
	@$(INSTALL) lint
	clang-format-22 --dry-run -Werror $(SOURCES)
	build/lint-venv/bin/ruff check .
	build/lint-venv/bin/ruff format --check .
	build/lint-venv/bin/mypy
	build/lint-venv/bin/python scripts/check_includes.py
	build/lint-venv/bin/python scripts/check_pass_flags.py

format:
	@$(INSTALL) lint
	clang-format-22 -i $(SOURCES)
	build/lint-venv/bin/ruff check --fix-only .
	build/lint-venv/bin/ruff format .

clean:
	rm -rf build build-debug
