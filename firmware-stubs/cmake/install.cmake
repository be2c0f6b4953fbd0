# Makes `find_package(mayday)` work, which gives mayday::target, mayday::rescuer and, unless MAYDAY_SIGNATURE is hook,
# mayday::ed25519.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(MAYDAY_PACKAGE_DIR ${CMAKE_INSTALL_LIBDIR}/cmake/mayday)
install(TARGETS ${MAYDAY_INSTALLED} EXPORT mayday-targets)
install(DIRECTORY include/mayday TYPE INCLUDE FILES_MATCHING PATTERN "*.h")
install(DIRECTORY src/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}/mayday/private FILES_MATCHING PATTERN "*.h")
install(EXPORT mayday-targets FILE mayday-config.cmake NAMESPACE mayday:: DESTINATION ${MAYDAY_PACKAGE_DIR})
write_basic_package_version_file(mayday-config-version.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/mayday-config-version.cmake DESTINATION ${MAYDAY_PACKAGE_DIR})
