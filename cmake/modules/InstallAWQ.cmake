# Installs libraries, headers, .td files and the CMake package AWQ.

include(CMakePackageConfigHelpers)

get_property(AWQ_EXPORTED_LIBRARIES GLOBAL PROPERTY AWQ_LIBRARIES)
list(REMOVE_ITEM AWQ_EXPORTED_LIBRARIES AWQTestPasses)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/awq")

install(TARGETS ${AWQ_EXPORTED_LIBRARIES} awq_cblas awq_openmp EXPORT AWQTargets
  ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR}
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT AWQTargets DESTINATION ${package_dir})
install(DIRECTORY "${PROJECT_SOURCE_DIR}/include/awq" "${PROJECT_SOURCE_DIR}/include/awq-c"
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.h" PATTERN "*.td")
install(DIRECTORY "${PROJECT_BINARY_DIR}/include/awq" DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  FILES_MATCHING PATTERN "*.inc" PATTERN "CMakeFiles" EXCLUDE)

configure_package_config_file(
  "${CMAKE_CURRENT_LIST_DIR}/AWQConfig.cmake.in" "${PROJECT_BINARY_DIR}/AWQConfig.cmake"
  INSTALL_DESTINATION ${package_dir}
  PATH_VARS CMAKE_INSTALL_INCLUDEDIR CMAKE_INSTALL_BINDIR)
write_basic_package_version_file("${PROJECT_BINARY_DIR}/AWQConfigVersion.cmake"
  VERSION ${PROJECT_VERSION} COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/AWQConfig.cmake"
  "${PROJECT_BINARY_DIR}/AWQConfigVersion.cmake" DESTINATION ${package_dir})
