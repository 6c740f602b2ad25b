# One target a folder: swipegym_library(env SOURCES a.cpp b.cpp LINKS swipegym::sim_data ...)
# Links name what stands left of the folder in the architecture and nothing else.
# Settings are written by name, as {.epochs = 3}, and what is left out has its default: no warning of missing fields.
set(SWIPEGYM_FLAGS -Wall -Wextra -Wshadow -Wno-missing-field-initializers -ffp-contract=off)
if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
  # g++ 12 warns falsely of uninitialised and overlapping memory inside its own <string>, <optional> and intrinsics; which
  # of these depends on the processor it compiles for. Clang, in the asan preset, still looks. Vectors wider than the
  # processor's are passed within one build only, so how they are passed (psabi) matters to nobody else.
  list(APPEND SWIPEGYM_FLAGS -Wno-uninitialized -Wno-maybe-uninitialized -Wno-restrict -Wno-psabi)
  if(CMAKE_UNITY_BUILD)  # to g++ sources of one unit are headers, in which anonymous namespaces would be a mistake
    list(APPEND SWIPEGYM_FLAGS -Wno-subobject-linkage)
  endif()
endif()
if(SWIPEGYM_WERROR)
  list(APPEND SWIPEGYM_FLAGS -Werror)
endif()
# A quick build looks for no warnings, which the tests' builds do, and optimises in full only what a step or an update of a
# network waits for: sources named HOT, and folders without a line here. The bits are the same.
set(SWIPEGYM_QUICK_core -O2)
set(SWIPEGYM_QUICK_sim_data -O2)
set(SWIPEGYM_QUICK_policy -O2)
set(SWIPEGYM_QUICK_replay -O2)
set(SWIPEGYM_QUICK_agents -O2)
set(SWIPEGYM_QUICK_env -O1)
set(SWIPEGYM_QUICK_evaluation -O1)
set(SWIPEGYM_QUICK_off_policy -O1)
set(SWIPEGYM_QUICK_cli -O1)
if(SWIPEGYM_QUICK_BUILD)
  set(SWIPEGYM_FLAGS -w -ffp-contract=off)
  if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")  # collects its garbage from 2 GB on, not from 100 MB
    list(APPEND SWIPEGYM_FLAGS "SHELL:--param ggc-min-expand=300" "SHELL:--param ggc-min-heapsize=2000000")
  endif()
endif()
list(GET SWIPEGYM_ARCH 0 SWIPEGYM_MARCH)
list(APPEND SWIPEGYM_FLAGS -march=${SWIPEGYM_MARCH})
set(SWIPEGYM_SANITIZE_FLAGS "")
if(SWIPEGYM_SANITIZE)
  set(SWIPEGYM_SANITIZE_FLAGS -fsanitize=${SWIPEGYM_SANITIZE} -fno-omit-frame-pointer -fno-sanitize-recover=all)
  # Instrumented, Eigen's vector kernels take most of a build's time and are not ours to check: plain loops instead, and
  # no second look at what AddressSanitizer sees already.
  list(APPEND SWIPEGYM_SANITIZE_FLAGS -DEIGEN_DONT_VECTORIZE)
  if(SWIPEGYM_SANITIZE MATCHES "address")
    list(APPEND SWIPEGYM_SANITIZE_FLAGS -fno-sanitize=null,object-size,vptr)
    if(CMAKE_CXX_COMPILER_ID STREQUAL "GNU")
      list(APPEND SWIPEGYM_SANITIZE_FLAGS --param=asan-instrumentation-with-call-threshold=0)
    else()  # asks that no address be computed from an empty matrix's null, although nobody reads there
      list(APPEND SWIPEGYM_SANITIZE_FLAGS -fno-sanitize=pointer-overflow)
    endif()
  endif()
  if(SWIPEGYM_FUZZ)  # what steers the fuzzers is which branches an input took; watching each comparison doubles the time
    list(APPEND SWIPEGYM_SANITIZE_FLAGS -fsanitize=fuzzer-no-link -fno-sanitize-coverage=trace-cmp)
  endif()
endif()

# HOT: sources that a quick build compiles apart and optimises in full, as regular expressions.
function(swipegym_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;HOT" ${ARGN})
  if(NOT ARG_SOURCES)
    return()  # a folder that is still empty
  endif()
  foreach(link ${ARG_LINKS})
    if(link MATCHES "^swipegym::" AND NOT TARGET ${link})
      list(REMOVE_ITEM ARG_LINKS ${link})
    endif()
  endforeach()
  set(target swipegym_${name})
  set(level ${target})  # the target whose sources are optimised as the folder's line says
  if(SWIPEGYM_QUICK_BUILD AND ARG_HOT)
    set(level ${target}_rest)
    set(rest ${ARG_SOURCES})
    foreach(pattern ${ARG_HOT})
      list(FILTER rest EXCLUDE REGEX "${pattern}")
    endforeach()
    list(REMOVE_ITEM ARG_SOURCES ${rest})
    add_library(${level} OBJECT ${rest})
    swipegym_compile(${level} ${ARG_LINKS})
    list(APPEND ARG_SOURCES $<TARGET_OBJECTS:${level}>)
  endif()
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(swipegym::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name})
  swipegym_compile(${target} ${ARG_LINKS})
  if(SWIPEGYM_QUICK_BUILD)
    target_compile_options(${level} PRIVATE ${SWIPEGYM_QUICK_${name}})
  endif()
  target_link_options(${target} PUBLIC ${SWIPEGYM_SANITIZE_FLAGS})
  set_property(GLOBAL APPEND PROPERTY SWIPEGYM_LIBRARIES ${target})
endfunction()

function(swipegym_compile target)
  set_target_properties(${target} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/swipegym>)
  target_compile_features(${target} PUBLIC cxx_std_20)
  # Eigen's layout depends on the vector width, so whoever links against the library compiles with the same one.
  target_compile_options(${target} PUBLIC ${SWIPEGYM_SANITIZE_FLAGS} -march=${SWIPEGYM_MARCH}
    PRIVATE ${SWIPEGYM_FLAGS})
  target_link_libraries(${target} PUBLIC ${ARGN})
endfunction()

# For what links the libraries of a quick build: of a template that several folders instantiate the linker keeps the first
# one it meets, which is to be one that was optimised in full.
function(swipegym_link_hot_first target)
  if(SWIPEGYM_QUICK_BUILD)
    set(archives "")
    foreach(name nn env policy core replay)
      string(APPEND archives ",$<TARGET_FILE:swipegym_${name}>")
    endforeach()
    target_link_options(${target} PRIVATE "LINKER:--whole-archive${archives},--no-whole-archive")
  endif()
endfunction()
