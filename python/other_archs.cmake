# The module again for each of ${other_archs}: all libraries are compiled for one architecture, so that every other one
# is a build of the same tree of its own, of which the module alone is installed.
include(ExternalProject)
set(settings -DSWIPEGYM_PYTHON=ON -DSWIPEGYM_TESTS=OFF)
foreach(name CMAKE_BUILD_TYPE CMAKE_UNITY_BUILD CMAKE_CXX_COMPILER CMAKE_CXX_COMPILER_LAUNCHER Python_EXECUTABLE
        SWIPEGYM_STATIC_HDF5 SWIPEGYM_ONEDNN SWIPEGYM_TBB SWIPEGYM_QUICK_BUILD)
  list(APPEND settings -D${name}=${${name}})
endforeach()
foreach(arch ${other_archs})
  set(build ${CMAKE_CURRENT_BINARY_DIR}/${arch})
  ExternalProject_Add(module_${arch}
    SOURCE_DIR ${PROJECT_SOURCE_DIR} BINARY_DIR ${build} PREFIX ${build}/external
    CMAKE_ARGS ${settings} -DSWIPEGYM_ARCH=${arch}
    BUILD_COMMAND ${CMAKE_COMMAND} --build ${build} --target _core INSTALL_COMMAND "" BUILD_ALWAYS ON
    DEPENDS _core swipegym)  # after this build's own sources: each keeps all cores busy
  add_dependencies(python_package module_${arch})
  install(DIRECTORY ${build}/python/package/swipegym/ DESTINATION swipegym/${arch} COMPONENT python
          USE_SOURCE_PERMISSIONS FILES_MATCHING PATTERN "_core*")
endforeach()
