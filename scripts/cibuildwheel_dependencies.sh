#!/usr/bin/env bash
# Untested, as pyproject.toml says: what a build needs, in cibuildwheel's image manylinux_2_34
# (AlmaLinux 9). What that system lacks, or has too old, is made from its release, the version that Debian 12 has.
set -euo pipefail

dnf install -y epel-release dnf-plugins-core
dnf config-manager --set-enabled crb
dnf install -y eigen3-devel boost-devel hdf5-devel hdf5-static libdeflate-devel libzstd-devel zlib-devel libaec-devel git

# from_release REPOSITORY TAG [-DNAME=VALUE...]
from_release() {
  local source
  source=$(mktemp -d)
  git clone -q --depth 1 --branch "$2" "https://github.com/$1" "$source"
  cmake -S "$source" -B "$source/build" -DCMAKE_BUILD_TYPE=Release -DCMAKE_POSITION_INDEPENDENT_CODE=ON "${@:3}"
  cmake --build "$source/build" --parallel --target install
  rm -rf "$source"
}
from_release fmtlib/fmt 9.1.0 -DFMT_TEST=OFF -DFMT_DOC=OFF
from_release nlohmann/json v3.11.2 -DJSON_BuildTests=OFF
from_release nmslib/hnswlib v0.8.0 -DHNSWLIB_EXAMPLES=OFF
