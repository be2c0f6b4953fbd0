# The strict Ed25519 check with libsodium's code (hooks/ed25519). Nothing of libsodium is in this repository: its source is
# fetched when a build is configured.
#
#   include(cmake/libsodium.cmake)
#   if(MAYDAY_SIGNATURE STREQUAL "libsodium")
#     mayday_add_ed25519()            # the static library mayday_ed25519, for mayday/ed25519.h
#   endif()
#   target_link_libraries(app PRIVATE mayday_ed25519)
#
# Tests that look into the hook (tests/test_ed25519.c) link mayday_ed25519_internals as well, which has only include folders.
# Link with -Wl,--gc-sections: libsodium's files hold 40 KiB that nobody calls.
#
# MAYDAY_LIBSODIUM_SOURCE  a folder with libsodium_1.0.18.orig.tar.gz, or with that unpacked: nothing is downloaded. The hash of
#                          the packed one is compared, an unpacked one is believed.
#
# mayday_fetch_libsodium(RESULT) sets RESULT to the folder src/libsodium of the source. It asks apt for the source package, with
# lists, cache and source entries of its own in the build folder: it needs no root, and the system's apt stays as it is. What
# was fetched by an earlier configuration of this build folder is used again.

set(MAYDAY_LIBSODIUM_SOURCE "" CACHE PATH "Folder with libsodium 1.0.18, packed or unpacked; empty: fetched with apt-get")

set(MAYDAY_LIBSODIUM_PACKAGE "libsodium=1.0.18-1+deb12u1")
set(MAYDAY_LIBSODIUM_TARBALL "libsodium_1.0.18.orig.tar.gz")
set(MAYDAY_LIBSODIUM_SHA256 "d59323c6b712a1519a5daf710b68f5e7fde57040845ffec53850911f10a5d4f4")
set(MAYDAY_LIBSODIUM_FOLDER "libsodium-1.0.18")

set(MAYDAY_LIBSODIUM_WAYS_OUT "\
Either give -DMAYDAY_LIBSODIUM_SOURCE=DIR, a folder with ${MAYDAY_LIBSODIUM_TARBALL} or with that unpacked, \
or build without this check: -DMAYDAY_SIGNATURE=hook, and give the port a `verify` of your own.")

set(MAYDAY_STUBS_ROOT "${CMAKE_CURRENT_LIST_DIR}/..")

# Whether a folder is the root of libsodium's source.
function(mayday_is_libsodium folder result)
  set(is_there TRUE)
  foreach(file crypto_sign/ed25519/ref10/open.c crypto_core/ed25519/ref10/ed25519_ref10.c crypto_verify/sodium/verify.c)
    if(NOT EXISTS "${folder}/src/libsodium/${file}")
      set(is_there FALSE)
    endif()
  endforeach()
  set(${result} ${is_there} PARENT_SCOPE)
endfunction()

# Unpacks the tarball of a folder below `into`, if it is the right one. Sets `result` to the root of the source, or to "".
function(mayday_unpack_libsodium folder into result)
  set(${result} "" PARENT_SCOPE)
  set(tarball "${folder}/${MAYDAY_LIBSODIUM_TARBALL}")
  if(NOT EXISTS "${tarball}")
    return()
  endif()
  file(SHA256 "${tarball}" sha256)
  if(NOT sha256 STREQUAL MAYDAY_LIBSODIUM_SHA256)
    message(FATAL_ERROR "${tarball} is not libsodium 1.0.18: its SHA-256 is ${sha256}, and not ${MAYDAY_LIBSODIUM_SHA256}. "
                        "Delete it, and configure again. ${MAYDAY_LIBSODIUM_WAYS_OUT}")
  endif()
  # Renamed when it is complete, so that no half of it is used after an interruption.
  file(REMOVE_RECURSE "${into}/unpacking" "${into}/${MAYDAY_LIBSODIUM_FOLDER}")
  file(MAKE_DIRECTORY "${into}/unpacking")
  execute_process(COMMAND "${CMAKE_COMMAND}" -E tar xzf "${tarball}" WORKING_DIRECTORY "${into}/unpacking" RESULT_VARIABLE code)
  mayday_is_libsodium("${into}/unpacking/${MAYDAY_LIBSODIUM_FOLDER}" is_there)
  if(NOT code EQUAL 0 OR NOT is_there)
    message(FATAL_ERROR "${tarball} cannot be unpacked into ${into}: is the disk full?")
  endif()
  file(RENAME "${into}/unpacking/${MAYDAY_LIBSODIUM_FOLDER}" "${into}/${MAYDAY_LIBSODIUM_FOLDER}")
  file(REMOVE_RECURSE "${into}/unpacking")
  set(${result} "${into}/${MAYDAY_LIBSODIUM_FOLDER}" PARENT_SCOPE)
endfunction()

# Writes the system's source entries, as entries of source packages, below `apt`.
function(mayday_write_apt_sources apt)
  file(REMOVE_RECURSE "${apt}/sources.list.d")
  file(MAKE_DIRECTORY "${apt}/sources.list.d")
  file(WRITE "${apt}/sources.list" "")
  file(GLOB one_line /etc/apt/sources.list /etc/apt/sources.list.d/*.list)
  foreach(file ${one_line})
    file(READ "${file}" text)
    string(REGEX REPLACE "(^|\n)[ \t]*deb([ \t])" "\\1deb-src\\2" text "${text}")
    file(APPEND "${apt}/sources.list" "${text}\n")
  endforeach()
  file(GLOB deb822 /etc/apt/sources.list.d/*.sources)
  foreach(file ${deb822})
    get_filename_component(name "${file}" NAME)
    file(READ "${file}" text)
    string(REGEX REPLACE "(^|\n)[Tt]ypes:[^\n]*" "\\1Types: deb-src" text "${text}")
    file(WRITE "${apt}/sources.list.d/${name}" "${text}")
  endforeach()
endfunction()

# Downloads the source package into `folder`.
function(mayday_download_libsodium folder)
  find_program(MAYDAY_APT_GET apt-get)
  mark_as_advanced(MAYDAY_APT_GET)
  if(NOT MAYDAY_APT_GET)
    message(FATAL_ERROR "libsodium's source is fetched with apt-get, which this system does not have. ${MAYDAY_LIBSODIUM_WAYS_OUT}")
  endif()
  set(apt "${folder}/apt")
  mayday_write_apt_sources("${apt}")
  file(MAKE_DIRECTORY "${apt}/lists/partial" "${apt}/cache/archives/partial")
  set(apt_get "${CMAKE_COMMAND}" -E env LC_ALL=C "${MAYDAY_APT_GET}" --quiet
      -o "Dir::Etc::sourcelist=${apt}/sources.list" -o "Dir::Etc::sourceparts=${apt}/sources.list.d"
      -o "Dir::State::lists=${apt}/lists" -o "Dir::Cache=${apt}/cache" -o "Acquire::Languages=none")
  message(STATUS "Fetching ${MAYDAY_LIBSODIUM_TARBALL} with apt-get")
  # Its result does not matter: some repositories have no source packages.
  execute_process(COMMAND ${apt_get} update OUTPUT_VARIABLE log ERROR_VARIABLE log)
  # Any package of the same tarball will do, as its hash is compared.
  foreach(package "${MAYDAY_LIBSODIUM_PACKAGE}" libsodium)
    if(NOT EXISTS "${folder}/${MAYDAY_LIBSODIUM_TARBALL}")
      execute_process(COMMAND ${apt_get} source --download-only "${package}" WORKING_DIRECTORY "${folder}"
                      OUTPUT_VARIABLE more ERROR_VARIABLE more)
      string(APPEND log "${more}")
    endif()
  endforeach()
  if(NOT EXISTS "${folder}/${MAYDAY_LIBSODIUM_TARBALL}")
    message(FATAL_ERROR "apt-get brought no ${MAYDAY_LIBSODIUM_TARBALL}. It said:\n${log}\n${MAYDAY_LIBSODIUM_WAYS_OUT}")
  endif()
  file(REMOVE_RECURSE "${apt}")
endfunction()

function(mayday_fetch_libsodium result)
  set(own "${CMAKE_BINARY_DIR}/libsodium")
  if(MAYDAY_LIBSODIUM_SOURCE)
    set(root "${MAYDAY_LIBSODIUM_SOURCE}")
    mayday_is_libsodium("${root}" is_there)
    if(NOT is_there)
      set(root "${MAYDAY_LIBSODIUM_SOURCE}/${MAYDAY_LIBSODIUM_FOLDER}")
      mayday_is_libsodium("${root}" is_there)
    endif()
    if(NOT is_there)
      mayday_unpack_libsodium("${MAYDAY_LIBSODIUM_SOURCE}" "${own}" root)
    endif()
    if(NOT root)
      message(FATAL_ERROR "MAYDAY_LIBSODIUM_SOURCE is ${MAYDAY_LIBSODIUM_SOURCE}, which holds neither "
                          "${MAYDAY_LIBSODIUM_TARBALL} nor libsodium's source. ${MAYDAY_LIBSODIUM_WAYS_OUT}")
    endif()
  else()
    set(root "${own}/${MAYDAY_LIBSODIUM_FOLDER}")
    mayday_is_libsodium("${root}" is_there)
    if(NOT is_there)
      file(MAKE_DIRECTORY "${own}")
      if(NOT EXISTS "${own}/${MAYDAY_LIBSODIUM_TARBALL}")
        mayday_download_libsodium("${own}")
      endif()
      mayday_unpack_libsodium("${own}" "${own}" root)
    endif()
  endif()
  set(${result} "${root}/src/libsodium" PARENT_SCOPE)
endfunction()

# The libraries mayday_ed25519 and mayday_ed25519_internals.
function(mayday_add_ed25519)
  mayday_fetch_libsodium(sodium)
  set(hook "${MAYDAY_STUBS_ROOT}/hooks/ed25519")
  add_library(mayday_ed25519_internals INTERFACE)
  target_include_directories(mayday_ed25519_internals INTERFACE "${hook}")
  # As system folders, so that warnings are not about libsodium's code.
  target_include_directories(mayday_ed25519_internals SYSTEM INTERFACE
    "${sodium}" "${sodium}/include" "${sodium}/include/sodium")
  target_compile_definitions(mayday_ed25519_internals INTERFACE SODIUM_STATIC=1)
  add_library(mayday_ed25519 STATIC
    "${hook}/verify.c" "${hook}/libsodium.c" "${hook}/sha512.c" "${hook}/reduce.c")
  target_include_directories(mayday_ed25519 PUBLIC "${MAYDAY_STUBS_ROOT}/include")
  target_link_libraries(mayday_ed25519 PRIVATE mayday_ed25519_internals)
  set_target_properties(mayday_ed25519 PROPERTIES C_STANDARD 99 C_STANDARD_REQUIRED ON)
  target_compile_options(mayday_ed25519 PRIVATE $<$<C_COMPILER_ID:GNU,Clang>:-ffunction-sections -fdata-sections>)
endfunction()
