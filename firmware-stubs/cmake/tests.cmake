# Each tests/test_*.c is a program that gets the folder of the vectors, prints "N checks, M failed" last, and fails unless N > 0
# and M = 0.
if(NOT EXISTS "${MAYDAY_VECTORS}/wire-v1.json")
  message(FATAL_ERROR
    "the tests read vectors, and ${MAYDAY_VECTORS} has none: set -DMAYDAY_VECTORS=FOLDER, or -DMAYDAY_BUILD_TESTS=OFF")
endif()

file(GLOB MAYDAY_TESTS CONFIGURE_DEPENDS tests/test_*.c)
if(MAYDAY_TESTS STREQUAL "")
  message(FATAL_ERROR "no tests/test_*.c: set -DMAYDAY_BUILD_TESTS=OFF to build without tests")
endif()
# Shared by tests: what is not a test of its own.
file(GLOB MAYDAY_TEST_SUPPORT CONFIGURE_DEPENDS tests/*.c)
list(FILTER MAYDAY_TEST_SUPPORT EXCLUDE REGEX "/test_[^/]*\\.c$")
add_library(mayday_test_support STATIC ${MAYDAY_TEST_SUPPORT})
target_include_directories(mayday_test_support PUBLIC . tests)
target_link_libraries(mayday_test_support PUBLIC mayday_target mayday_rescuer)
mayday_warn(mayday_test_support)

foreach(source IN LISTS MAYDAY_TESTS)
  get_filename_component(name ${source} NAME_WE)
  file(STRINGS ${source} checks_signatures REGEX "mayday/ed25519\\.h")
  if(checks_signatures AND NOT TARGET mayday_ed25519)
    message(STATUS "${name} is left out: it needs MAYDAY_SIGNATURE=libsodium")
    continue()
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE mayday_test_support)
  if(TARGET mayday_ed25519)
    target_link_libraries(${name} PRIVATE mayday_ed25519)
  endif()
  if(name STREQUAL "test_ed25519")
    target_link_libraries(${name} PRIVATE mayday_ed25519_internals)
  endif()
  mayday_warn(${name})
  add_test(NAME ${name} COMMAND ${name} ${MAYDAY_VECTORS})
  # Under a sanitizer: tests keep what they read of the vectors.
  set_tests_properties(${name} PROPERTIES ENVIRONMENT "ASAN_OPTIONS=detect_leaks=0")
endforeach()
