#!/usr/bin/env bash
# Installs the build into a temporary prefix and does with it what docs/guide/cpp.md says: a simulator is fitted by the
# installed program, examples/my_policy.cpp and the page's own C++ example are built by find_package and run on it.
#   install_and_use.sh BUILD_DIR SOURCE_DIR CXX_COMPILER
set -euo pipefail
build=$1 source=$2 compiler=$3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

cmake --install "$build" --prefix "$work/prefix" > install.log
swipegym=$work/prefix/bin/swipegym
echo '{"max_updates": 20}' > quick.json
"$swipegym" data synth --preset tiny --seed 1 --out data --quiet > /dev/null
"$swipegym" fit --data data --until 20220501 --config quick.json --out sim.h5 --quiet > /dev/null

cp -r "$source/examples" examples
awk '/^```cpp$/ {inside = 1; next} /^```$/ {inside = 0} inside' "$source/docs/guide/cpp.md" > examples/page.cpp
cat >> examples/CMakeLists.txt << 'END'
add_executable(page page.cpp)
target_link_libraries(page PRIVATE swipegym::swipegym)
END
cmake -S examples -B examples/build -G Ninja -DCMAKE_BUILD_TYPE=Release -DCMAKE_CXX_COMPILER="$compiler" \
  -DCMAKE_PREFIX_PATH="$work/prefix" > configure.log || { cat configure.log; exit 1; }
cmake --build examples/build

examples/build/my_policy sim.h5 | tee table.txt
grep -q '^ *mine' table.txt
examples/build/page sim.h5 | grep -E '^the user left after [0-9.]+ s$'
