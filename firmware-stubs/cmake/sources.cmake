# Every C source, by what uses it. scripts/firmware/ reads these lists, too: one path a line, no variables. A test compares them
# with the files that there are.

# Both roles.
set(MAYDAY_COMMON_SOURCES
  src/link/rtt.c
)

# A board and the target that heals it.
set(MAYDAY_TARGET_SOURCES
)

# A node that holds an image and heals its neighbour.
set(MAYDAY_RESCUER_SOURCES
)

# With MAYDAY_WITH_LINK_KEY.
set(MAYDAY_LINK_KEY_SOURCES
)

# The program mayday-posix.
set(MAYDAY_POSIX_SOURCES
)
