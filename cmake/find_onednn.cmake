# Optional: another multiplier of matrices, and the one for bf16. Debian calls it libdnnl-dev; its own package file asks
# for OpenCL, which nothing here uses. Sets SWIPEGYM_ONEDNN_LIBRARIES and SWIPEGYM_ONEDNN_INCLUDE where both are found.
set(SWIPEGYM_ONEDNN_LIBRARIES "")
find_path(SWIPEGYM_ONEDNN_INCLUDE oneapi/dnnl/dnnl.hpp)
find_library(SWIPEGYM_ONEDNN_LIBRARY dnnl)
find_package(OpenMP QUIET COMPONENTS CXX)
if(SWIPEGYM_ONEDNN_INCLUDE AND SWIPEGYM_ONEDNN_LIBRARY AND OpenMP_CXX_FOUND)
  set(SWIPEGYM_ONEDNN_LIBRARIES ${SWIPEGYM_ONEDNN_LIBRARY} ${OpenMP_CXX_LIBRARIES})
endif()
