# Cortex-A15 without MMU: all memory is strongly ordered, so nothing may be accessed unaligned.
include(${CMAKE_CURRENT_LIST_DIR}/../../cmake/arm-none-eabi.cmake)
set(CMAKE_SYSTEM_PROCESSOR cortex-a15)
set(CMAKE_C_FLAGS_INIT "-mcpu=cortex-a15 -marm -mfloat-abi=soft -mno-unaligned-access")
set(CMAKE_ASM_FLAGS_INIT "${CMAKE_C_FLAGS_INIT}")
