# Debian's libdeflate brings no package file for CMake. Defines swipegym::libdeflate.
if(NOT TARGET swipegym::libdeflate)
  find_path(LIBDEFLATE_INCLUDE_DIR libdeflate.h)
  find_library(LIBDEFLATE_LIBRARY deflate)
  if(NOT LIBDEFLATE_INCLUDE_DIR OR NOT LIBDEFLATE_LIBRARY)
    message(FATAL_ERROR "libdeflate is missing; Debian calls it libdeflate-dev")
  endif()
  add_library(swipegym::libdeflate UNKNOWN IMPORTED)
  set_target_properties(swipegym::libdeflate PROPERTIES
    IMPORTED_LOCATION "${LIBDEFLATE_LIBRARY}" INTERFACE_INCLUDE_DIRECTORIES "${LIBDEFLATE_INCLUDE_DIR}")
endif()
