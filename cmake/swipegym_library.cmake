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

function(swipegym_library name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(NOT ARG_SOURCES)
    return()  # a folder that is still empty
  endif()
  foreach(link ${ARG_LINKS})
    if(link MATCHES "^swipegym::" AND NOT TARGET ${link})
      list(REMOVE_ITEM ARG_LINKS ${link})
    endif()
  endforeach()
  add_library(swipegym_${name} STATIC ${ARG_SOURCES})
  add_library(swipegym::${name} ALIAS swipegym_${name})
  set_target_properties(swipegym_${name} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(swipegym_${name} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}> $<INSTALL_INTERFACE:include/swipegym>)
  target_compile_features(swipegym_${name} PUBLIC cxx_std_20)
  # Eigen's layout depends on the vector width, so whoever links against the library compiles with the same one.
  target_compile_options(swipegym_${name} PUBLIC ${SWIPEGYM_SANITIZE_FLAGS} -march=${SWIPEGYM_MARCH}
    PRIVATE ${SWIPEGYM_FLAGS})
  target_link_options(swipegym_${name} PUBLIC ${SWIPEGYM_SANITIZE_FLAGS})
  target_link_libraries(swipegym_${name} PUBLIC ${ARG_LINKS})
  set_property(GLOBAL APPEND PROPERTY SWIPEGYM_LIBRARIES swipegym_${name})
endfunction()
