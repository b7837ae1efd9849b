#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# Installs Galena from build directories, and builds and runs the programs in pkgconfig/ and cmake/ with what is
# installed. Then it builds the one in subproject/, which takes Galena from its sources.
#
# usage: check.sh BUILD_DIRECTORY...
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

fail() {
  echo "check.sh: $*" >&2
  exit 1
}

quietly() { # COMMAND...: its output only if it fails
  "$@" >"$root/log" 2>&1 || { cat "$root/log" >&2; fail "failed: $*"; }
}

same_version() { # WHAT VERSION
  [[ $2 == "$version" ]] || fail "$1 says version '$2', not '$version'"
}

# What a program outside of the library cannot call must not be there to be called.
check_exports() { # SHARED_LIBRARY
  local hidden
  # By mangled names: demangled, instances of the standard library's templates with our types look the same.
  hidden=$(nm -D --defined-only "$1" | cut -d' ' -f3 | grep -E '^_ZNK?6galena(4core|3net|5names)' || true)
  [[ -z $hidden ]] || fail "$1 exports what is not public: $(head -3 <<<"$hidden" | c++filt)"
  readelf -d "$1" | grep -q "SONAME.*libgalena\.so\.${version%.*}\]" || fail "$1 has another SONAME"
}

check_installed() { # BUILD_DIRECTORY
  local prefix=$root/installed/usr/local package shared
  rm -rf "$root/installed" "$root/cmake" "$root/pkgconfig"
  quietly meson install -C "$1" --no-rebuild --destdir "$root/installed"
  package=$(find "$prefix" -name galena.pc)
  shared=$(find "$prefix" -name 'libgalena.so')
  local -x LD_LIBRARY_PATH
  LD_LIBRARY_PATH=$(dirname "$(dirname "$package")")
  local -x PKG_CONFIG_PATH
  PKG_CONFIG_PATH=$(dirname "$package")
  same_version "$package" "$(pkg-config --modversion galena)"
  [[ ! -e $prefix/bin/galena ]] || same_version "galena --version" "$("$prefix/bin/galena" --version | cut -d' ' -f2)"
  [[ -z $shared ]] || check_exports "$shared"

  mkdir "$root/pkgconfig"
  quietly make -C "$root/pkgconfig" -f "$here/pkgconfig/Makefile" VPATH="$here/pkgconfig" \
    PKG_CONFIG="pkg-config --define-variable=prefix=$prefix"
  same_version "the program in pkgconfig/" "$("$root/pkgconfig/outside" | sed -n 's/^galena \(.*\), greeting: hello!$/\1/p')"

  quietly cmake -S "$here/cmake" -B "$root/cmake" -DCMAKE_PREFIX_PATH="$prefix"
  quietly cmake --build "$root/cmake"
  same_version "the program in cmake/" "$("$root/cmake/outside" | sed -n 's/^galena \(.*\), greeting: hello!$/\1/p')"
  same_version "galenaConfigVersion.cmake" \
    "$(sed -n 's/^set(PACKAGE_VERSION "\(.*\)")/\1/p' "$(find "$prefix" -name galenaConfigVersion.cmake)")"
}

# Neither programs nor tests nor what they need, and no -Werror for Galena's files although the project has it.
check_subproject() {
  local targets
  mkdir -p "$root/project/subprojects"
  cp "$here"/subproject/* "$root/project"
  ln -s "$here/../.." "$root/project/subprojects/galena"
  quietly meson setup "$root/build" "$root/project"
  targets=$(meson introspect --targets "$root/build" | grep -o '"name": "[a-z_]*"' | sort | tr -d '\n')
  [[ $targets == '"name": "galena""name": "galena_inside""name": "outside"' ]] || fail "a subproject builds $targets"
  ! grep -o 'libgalena_inside.*-Werror' "$root/build/compile_commands.json" || fail "a subproject is built with -Werror"
  quietly ninja -C "$root/build"
  same_version "the program in subproject/" "$("$root/build/outside" | sed -n 's/^galena \(.*\), greeting: hello!$/\1/p')"
}

# The first thing that an older language level says is what to do.
check_language_level() {
  local first
  first=$(g++ -std=c++17 -I"$here/../../lib" -fsyntax-only "$here/subproject/main.cpp" 2>&1 | grep -m1 error || true)
  [[ $first == *"Galena needs C++20"* ]] || fail "C++17 is told: $first"
}

version=$(sed -n 's/.*version = "\(.*\)".*/\1/p' "$here/../../lib/galena/version.hpp")
for directory in "$@"; do check_installed "$directory"; done
check_subproject
check_language_level
