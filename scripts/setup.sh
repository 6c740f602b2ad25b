# shellcheck shell=bash disable=SC2034
# Sourced by quickstart.sh, test.sh and .ci/run: what the project needs from Debian, and how it gets there.

kProgramPackages=(cmake ninja-build g++ git pkg-config libeigen3-dev libboost-program-options-dev libtbb-dev
  nlohmann-json3-dev libhdf5-dev libdeflate-dev zlib1g-dev libzstd-dev libfmt-dev libhnswlib-dev)
kTestPackages=("${kProgramPackages[@]}" catch2 libbenchmark-dev python3-dev python3-venv)
kClangPackages=(clang libclang-rt-dev llvm)  # for the asan preset; llvm names what crashes
kFormatPackages=(clang-format)
kTidyPackages=(clang-tidy)
kGatePackages=(ccache)
kPythonPackages=(nanobind gymnasium numpy pytest pandas pyarrow "minari[hdf5]" matplotlib lightgbm moviepy altair vl-convert-python tensorboardX)  # from PyPI, into build/venv
kReportPackages=("altair>=5.5" "vl-convert-python>=1.7")  # from PyPI, into build/venv-report: the page of a run
kDocsPackages=("mkdocs>=1.6,<2" "mkdocs-material>=9,<10")  # from PyPI, into build/venv-docs
kOptionalPackages=(libdnnl-dev)  # used where it is found; nothing installs it unasked

# install_missing PACKAGE...: installs those that are absent, as root or by sudo. Without either it prints the one line
# that does it and exits with 2.
install_missing() {
  if ! command -v dpkg-query > /dev/null; then
    echo "This is not a Debian system; going on with the libraries it has. Debian calls what is needed: $*" >&2
    return 0
  fi
  local missing=() package
  for package in "$@"; do
    if [ "$(dpkg-query -W -f='${db:Status-Status}' "$package" 2> /dev/null)" != installed ]; then
      missing+=("$package")
    fi
  done
  [ ${#missing[@]} -eq 0 ] && return 0

  local as_root=()
  if [ "$(id -u)" -ne 0 ]; then
    if command -v sudo > /dev/null && { [ -t 0 ] || sudo -n true 2> /dev/null; }; then
      as_root=(sudo)
    else
      echo "Some packages are missing. Install them as root, then run this again:" >&2
      echo "  apt-get update && apt-get install -y --no-install-recommends ${missing[*]}" >&2
      exit 2
    fi
  fi
  echo "Installing ${missing[*]}"
  "${as_root[@]}" apt-get update -qq
  "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "${missing[@]}" \
    > /dev/null
}

# configure PRESET [-DNAME=VALUE...]: quiet unless it fails.
configure() {
  local output
  if ! output=$(cmake --preset "$@" 2>&1); then
    echo "$output" >&2
    return 1
  fi
}

# python_for_reports: prints the interpreter of build/venv-report, or nothing, after one line, when there can be none.
python_for_reports() {
  local python=build/venv-report/bin/python
  if [ ! -e build/venv-report/complete ]; then
    if ! { python3 -m venv build/venv-report && "$python" -m pip install -q --disable-pip-version-check "${kReportPackages[@]}"; } \
      > /dev/null 2>&1; then
      echo "No page of charts: it needs python3-venv and, from PyPI, ${kReportPackages[*]}, which could not be had." >&2
      return 0
    fi
    touch build/venv-report/complete
  fi
  realpath -s "$python"
}

# python_for_tests: prints the interpreter of build/venv, which holds kPythonPackages, or nothing when they cannot be had.
python_for_tests() {
  local python=build/venv/bin/python
  if [ ! -e build/venv/complete ]; then
    if ! { python3 -m venv build/venv && "$python" -m pip install -q --disable-pip-version-check "${kPythonPackages[@]}"; } \
      > /dev/null 2>&1; then
      echo "The tests of the Python package are skipped: ${kPythonPackages[*]} could not be installed from PyPI." >&2
      return 0
    fi
    touch build/venv/complete
  fi
  realpath -s "$python"
}
