# mayday-posix: one file without any shared library, so that it also runs in an initramfs.
if(NOT UNIX)
  message(FATAL_ERROR "mayday-posix needs a POSIX system: build it there, or set -DMAYDAY_BUILD_POSIX=OFF")
endif()
if(NOT TARGET mayday_ed25519)
  message(FATAL_ERROR
    "mayday-posix checks signatures with libsodium: set -DMAYDAY_SIGNATURE=libsodium, or -DMAYDAY_BUILD_POSIX=OFF")
endif()

include(CheckCSourceCompiles)
set(CMAKE_REQUIRED_FLAGS "${CMAKE_C_FLAGS}")
set(CMAKE_REQUIRED_LINK_OPTIONS -static)
check_c_source_compiles("#include <termios.h>\nint main(void) { return (int)cfgetispeed(0); }" MAYDAY_LINKS_STATIC)
unset(CMAKE_REQUIRED_LINK_OPTIONS)
unset(CMAKE_REQUIRED_FLAGS)
if(NOT MAYDAY_LINKS_STATIC)
  message(FATAL_ERROR
    "mayday-posix is linked statically, and no static C library was found: install libc6-dev (Debian) or glibc-static (Fedora), "
    "or set -DMAYDAY_BUILD_POSIX=OFF")
endif()

# It has all sources of its own, as structs depend on what it is built with: its rescuer has the longest frames and serves all images,
# and both roles have the second form of frames.
function(mayday_add_posix)
  set(MAYDAY_WITH_FEC ${MAYDAY_POSIX_FEC})
  set(sources ${MAYDAY_COMMON_SOURCES} ${MAYDAY_TARGET_SOURCES} ${MAYDAY_RESCUER_SOURCES} ${MAYDAY_POSIX_SOURCES})
  if(MAYDAY_POSIX_FEC)
    list(APPEND sources ${MAYDAY_FEC_SOURCES})
    list(REMOVE_DUPLICATES sources)
  endif()
  add_executable(mayday-posix ${sources})
  mayday_configure(mayday-posix)
endfunction()
mayday_add_posix()
target_include_directories(mayday-posix PRIVATE include src)
target_compile_options(mayday-posix PRIVATE -ffunction-sections -fdata-sections)
set_target_properties(mayday-posix PROPERTIES INTERPROCEDURAL_OPTIMIZATION ${MAYDAY_LTO})
target_compile_definitions(mayday-posix PRIVATE _POSIX_C_SOURCE=200809L _DEFAULT_SOURCE)
target_compile_definitions(mayday-posix PRIVATE
  MAYDAY_RESCUER_PAYLOAD=4096
  MAYDAY_RESCUER_PACKETS=1026
  MAYDAY_RESCUER_ITEMS=40
  MAYDAY_RESCUER_BLOCK_MAX=65536
  MAYDAY_RESCUER_FOLDED=17)
target_link_libraries(mayday-posix PRIVATE mayday_ed25519)
target_link_options(mayday-posix PRIVATE -static -Wl,--gc-sections)
mayday_warn(mayday-posix)
install(TARGETS mayday-posix)
