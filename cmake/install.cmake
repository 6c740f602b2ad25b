# cmake --install build/release --prefix DIR: the program, the libraries, their headers under include/swipegym, and a
# package file, so that find_package(swipegym) offers swipegym::swipegym (everything) and one target a folder.
include(CMakePackageConfigHelpers)
include(GNUInstallDirs)

get_property(libraries GLOBAL PROPERTY SWIPEGYM_LIBRARIES)
list(REMOVE_ITEM libraries swipegym_cli)  # the program's own; others link the libraries below it

add_library(swipegym_all INTERFACE)
add_library(swipegym::swipegym ALIAS swipegym_all)
set_target_properties(swipegym_all PROPERTIES EXPORT_NAME swipegym)
target_link_libraries(swipegym_all INTERFACE ${libraries})

install(TARGETS swipegym RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(TARGETS swipegym_all ${libraries} EXPORT swipegymTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
foreach(folder core sim_data nn env policy replay agents evaluation)
  install(DIRECTORY ${folder} DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/swipegym FILES_MATCHING PATTERN "*.h")
endforeach()
install(DIRECTORY configs DESTINATION ${CMAKE_INSTALL_DATADIR}/swipegym)
install(FILES LICENSE README.md DESTINATION ${CMAKE_INSTALL_DOCDIR})

set(package_folder ${CMAKE_INSTALL_LIBDIR}/cmake/swipegym)
install(EXPORT swipegymTargets NAMESPACE swipegym:: DESTINATION ${package_folder})
configure_package_config_file(cmake/swipegymConfig.cmake.in ${CMAKE_CURRENT_BINARY_DIR}/swipegymConfig.cmake
  INSTALL_DESTINATION ${package_folder})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/swipegymConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/swipegymConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/swipegymConfigVersion.cmake
  cmake/find_compressors.cmake DESTINATION ${package_folder})
