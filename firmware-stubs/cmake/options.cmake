# What a build contains. Features and sizes are macros of the same names, explained in include/mayday/config.h, those of the
# rescuer in include/mayday/rescuer.h and src/link/sender.h; a test compares names and defaults. Who links the libraries is compiled with the same values, as structs depend on them.

option(MAYDAY_WITH_AB "Layout ab: two slots" ON)
option(MAYDAY_WITH_QUARANTINE "Images that failed to confirm are taken later" ON)
option(MAYDAY_WITH_RECORD_MANIFESTS "Manifests in the sectors of the boot record" ON)
option(MAYDAY_WITH_LINK_KEY "A secret of both ends of a link" OFF)
option(MAYDAY_WITH_FEC "The second form of frames, which mends wrong bytes" OFF)
option(MAYDAY_WITH_SHA256 "SHA-256 in software" ON)
set(MAYDAY_WRITE_UNIT_MAX 256 CACHE STRING "Largest write unit of the flash, in bytes")
set(MAYDAY_SECTOR_BITS 16 CACHE STRING "Bits of a sector's number: 32 for flash of 65,535 sectors or more")
set(MAYDAY_TREE_LEVELS_MAX 20 CACHE STRING "Levels of a hash tree that a target walks down: slots of up to 2^levels KiB")
set(MAYDAY_OPEN_BLOCKS_MAX 16 CACHE STRING "Most blocks that a target keeps unfinished")
set(MAYDAY_SPENT_OFFERS_MAX 4 CACHE STRING "Offers that a target with a link key remembers as spent")
set(MAYDAY_TX_BYTES 192 CACHE STRING "Bytes that wait for the UART")

set(MAYDAY_RESCUER_PAYLOAD "" CACHE STRING "Largest payload of a frame that a rescuer sends, in bytes; 256 where this is empty")
set(MAYDAY_RESCUER_FOLDED "" CACHE STRING "Levels of the tree that a rescuer folds: 17 for all images; 5 where this is empty")
set(MAYDAY_RESCUER_OFFERS "" CACHE STRING "Offers of a rescuer that may still be accepted; 3 where this is empty")
set(MAYDAY_RESCUER_NEIGHBOURS "" CACHE STRING "Neighbours that a rescuer remembers; 4 where this is empty")
set(MAYDAY_RESCUER_PACKETS "" CACHE STRING "Packets of a rescuer that may be in flight; 48 where this is empty")
set(MAYDAY_RESCUER_ITEMS "" CACHE STRING "Blocks and objects that a rescuer sends at the same time; 8 where this is empty")
set(MAYDAY_RESCUER_BLOCK_MAX "" CACHE STRING "Largest block of a rescuer's image, in bytes; 4096 where this is empty")

set(MAYDAY_FEATURES
  MAYDAY_WITH_AB
  MAYDAY_WITH_QUARANTINE
  MAYDAY_WITH_RECORD_MANIFESTS
  MAYDAY_WITH_LINK_KEY
  MAYDAY_WITH_FEC
  MAYDAY_WITH_SHA256
)
set(MAYDAY_SIZES
  MAYDAY_WRITE_UNIT_MAX
  MAYDAY_SECTOR_BITS
  MAYDAY_TREE_LEVELS_MAX
  MAYDAY_OPEN_BLOCKS_MAX
  MAYDAY_SPENT_OFFERS_MAX
  MAYDAY_TX_BYTES
)
# Of mayday::rescuer alone.
set(MAYDAY_RESCUER_SIZES
  MAYDAY_RESCUER_PAYLOAD
  MAYDAY_RESCUER_FOLDED
  MAYDAY_RESCUER_OFFERS
  MAYDAY_RESCUER_NEIGHBOURS
  MAYDAY_RESCUER_PACKETS
  MAYDAY_RESCUER_ITEMS
  MAYDAY_RESCUER_BLOCK_MAX
)

set(MAYDAY_CONFIG_HEADER "" CACHE STRING "A header with these macros, for instance mayday_config.h; then the options above are not used")

if(PROJECT_IS_TOP_LEVEL)
  set(MAYDAY_SIGNATURE_DEFAULT libsodium)
else()
  set(MAYDAY_SIGNATURE_DEFAULT hook)
endif()
set(MAYDAY_SIGNATURE ${MAYDAY_SIGNATURE_DEFAULT} CACHE STRING "Who checks signatures: libsodium, or hook for a function of yours")
set_property(CACHE MAYDAY_SIGNATURE PROPERTY STRINGS libsodium hook)
if(NOT MAYDAY_SIGNATURE MATCHES "^(libsodium|hook)$")
  message(FATAL_ERROR "MAYDAY_SIGNATURE is \"${MAYDAY_SIGNATURE}\": it has to be libsodium or hook")
endif()

set(MAYDAY_IS_NATIVE OFF)
if(PROJECT_IS_TOP_LEVEL AND NOT CMAKE_CROSSCOMPILING)
  set(MAYDAY_IS_NATIVE ON)
endif()
# It checks signatures itself, and so is left out where a function of yours does.
set(MAYDAY_BUILDS_POSIX OFF)
if(MAYDAY_IS_NATIVE AND MAYDAY_SIGNATURE STREQUAL "libsodium")
  set(MAYDAY_BUILDS_POSIX ON)
endif()
option(MAYDAY_BUILD_POSIX "The program mayday-posix" ${MAYDAY_BUILDS_POSIX})
option(MAYDAY_POSIX_FEC "mayday-posix has the second form of frames, whatever the libraries have" ON)
# The npm package has no tests.
set(MAYDAY_HAS_TESTS OFF)
if(MAYDAY_IS_NATIVE AND EXISTS "${CMAKE_CURRENT_SOURCE_DIR}/tests")
  set(MAYDAY_HAS_TESTS ON)
endif()
option(MAYDAY_BUILD_TESTS "Tests, to be run by ctest" ${MAYDAY_HAS_TESTS})
option(MAYDAY_STRICT "Warnings are errors" OFF)
option(MAYDAY_LTO "Libraries for a link with -flto, which takes a target of 0.8 KiB less" OFF)
set(MAYDAY_VECTORS "${CMAKE_CURRENT_SOURCE_DIR}/../vectors" CACHE PATH "The folder of the vectors that tests read")

# Adds the macros above to a library, and those that are named besides.
function(mayday_configure library)
  target_compile_features(${library} PUBLIC c_std_99)
  set_target_properties(${library} PROPERTIES C_EXTENSIONS OFF)
  if(MAYDAY_CONFIG_HEADER STREQUAL "")
    foreach(feature IN LISTS MAYDAY_FEATURES)
      target_compile_definitions(${library} PUBLIC ${feature}=$<BOOL:${${feature}}>)
    endforeach()
    foreach(size IN LISTS MAYDAY_SIZES ITEMS ${ARGN})
      # Empty: as the header says.
      if(NOT ${size} STREQUAL "")
        target_compile_definitions(${library} PUBLIC ${size}=${${size}})
      endif()
    endforeach()
  else()
    target_compile_definitions(${library} PUBLIC MAYDAY_CONFIG_HEADER="${MAYDAY_CONFIG_HEADER}")
  endif()
endfunction()

# Warnings of the project's own sources.
function(mayday_warn target)
  target_compile_options(${target} PRIVATE -Wall -Wextra -pedantic -Wconversion -Wsign-conversion)
  if(MAYDAY_STRICT)
    target_compile_options(${target} PRIVATE -Werror)
  endif()
endfunction()
