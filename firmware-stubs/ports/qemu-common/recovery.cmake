# What the projects of the QEMU ports share. Each is a project of its own that takes mayday as a subfolder, as yours would.

set(MAYDAY_SIGNATURE libsodium CACHE STRING "")
add_subdirectory(${CMAKE_CURRENT_LIST_DIR}/../.. mayday EXCLUDE_FROM_ALL)

include(${CMAKE_CURRENT_LIST_DIR}/trusted-key.cmake)

set(PORT_COMMON ${CMAKE_CURRENT_LIST_DIR})

# A program for the machine: an ELF file, and beside it NAME.bin.
function(port_program name script)
  add_executable(${name} ${ARGN})
  target_include_directories(${name} PRIVATE ${PORT_COMMON} ${PORT_COMMON}/../bootloader ${PORT_COMMON}/../template
    ${PORT_COMMON}/../../include ${PORT_COMMON}/../../src)
  target_compile_options(${name} PRIVATE -ffunction-sections -fdata-sections -Wall -Wextra)
  target_link_options(${name} PRIVATE -nostartfiles --specs=nano.specs --specs=nosys.specs -Wl,--gc-sections
    -Wl,-Map=${name}.map -T ${CMAKE_CURRENT_SOURCE_DIR}/${script})
  set_target_properties(${name} PROPERTIES SUFFIX .elf LINK_DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${script})
  add_custom_command(TARGET ${name} POST_BUILD
    COMMAND ${CMAKE_OBJCOPY} -O binary $<TARGET_FILE:${name}> ${CMAKE_CURRENT_BINARY_DIR}/${name}.bin)
endfunction()

# A recovery image. Definitions behind DEFINES, options of the linker behind LINK.
function(port_recovery name script)
  cmake_parse_arguments(arg "" "" "SOURCES;DEFINES;LINK" ${ARGN})
  port_program(${name} ${script} ${arg_SOURCES} ${PORT_COMMON}/pl011.c ${PORT_COMMON}/print.c ${PORT_COMMON}/../bootloader/loop.c
    ${PORT_COMMON}/../template/selftest.c)
  target_compile_definitions(${name} PRIVATE "TRUSTED_KEY=${TRUSTED_KEY_BYTES}" ${arg_DEFINES})
  target_link_options(${name} PRIVATE ${arg_LINK})
  target_link_libraries(${name} PRIVATE mayday::target mayday::ed25519)
endfunction()

# An application that lies in the slot.
function(port_app name version words)
  port_program(${name} app/app.ld ${ARGN} ${PORT_COMMON}/filling.S ${PORT_COMMON}/pl011.c ${PORT_COMMON}/print.c)
  target_compile_definitions(${name} PRIVATE APP_VERSION="${version}" FILLING_WORDS=${words} FILLING_SEED=1)
endfunction()
