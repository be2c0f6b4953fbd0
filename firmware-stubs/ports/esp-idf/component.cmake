# mayday as a component of ESP-IDF; its options are in Kconfig. Not tried with idf.py.
set(mayday ${CMAKE_CURRENT_LIST_DIR}/../..)
include(${mayday}/cmake/sources.cmake)
include(${mayday}/Kconfig.cmake)

set(sources ${MAYDAY_COMMON_SOURCES} ${MAYDAY_TARGET_SOURCES} ${MAYDAY_RESCUER_SOURCES})
if(CONFIG_MAYDAY_WITH_LINK_KEY)
  list(APPEND sources ${MAYDAY_LINK_KEY_SOURCES})
endif()
idf_component_register(SRCS ${sources} INCLUDE_DIRS include src)
mayday_kconfig_definitions(definitions)
target_compile_definitions(${COMPONENT_LIB} PUBLIC ${definitions})
