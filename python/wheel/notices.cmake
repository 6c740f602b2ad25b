# Who hands a wheel on hands on other people's code, and their terms ask for their notices beside it. Debian keeps these.
foreach(library libhdf5 libaec libtbb libfmt libdeflate zlib1g libzstd libboost-program-options1.74 libeigen3 nlohmann-json3
        libhnswlib)
  set(notice /usr/share/doc/${library}-dev/copyright)
  if(EXISTS ${notice})
    install(FILES ${notice} DESTINATION swipegym/notices RENAME ${library}.txt COMPONENT python)
  endif()
endforeach()
file(GLOB notice ${nanobind_ROOT}/../../nanobind-*.dist-info/licenses/LICENSE)
if(notice)
  install(FILES ${notice} DESTINATION swipegym/notices RENAME nanobind.txt COMPONENT python)
endif()
