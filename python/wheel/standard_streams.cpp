// Debian compiles HDF5's archive for programs, not for shared libraries: it reaches for the C library's `stdout` and
// `stderr` as if they lay beside it. The linker's --wrap sends it to these two instead, which do.
#include <cstdio>

extern "C" {

extern FILE* __real_stdout;
extern FILE* __real_stderr;

[[gnu::visibility("hidden")]] FILE* __wrap_stdout = nullptr;
[[gnu::visibility("hidden")]] FILE* __wrap_stderr = nullptr;

[[gnu::constructor]] static void take_standard_streams() {
  __wrap_stdout = __real_stdout;
  __wrap_stderr = __real_stderr;
}

}  // extern "C"
