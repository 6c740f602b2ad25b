# Debian's libzstd brings a package file for pkg-config only. Defines swipegym::zstd.
if(NOT TARGET swipegym::zstd)
  find_path(ZSTD_INCLUDE_DIR zstd.h)
  find_library(ZSTD_LIBRARY zstd)
  if(NOT ZSTD_INCLUDE_DIR OR NOT ZSTD_LIBRARY)
    message(FATAL_ERROR "zstd is missing; Debian calls it libzstd-dev")
  endif()
  add_library(swipegym::zstd UNKNOWN IMPORTED)
  set_target_properties(swipegym::zstd PROPERTIES
    IMPORTED_LOCATION "${ZSTD_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${ZSTD_INCLUDE_DIR}")
endif()
