# The toolchain of the preset arm64: Debian's cross compiler with its C library, and the other libraries in a folder with Debian's
# arm64 packages, which tests/lab/check-arm64 unpacks. What was built runs in user-mode emulation.
set(DIND_ARM64 "" CACHE PATH "Where the libraries for arm64 are unpacked")
list(APPEND CMAKE_TRY_COMPILE_PLATFORM_VARIABLES DIND_ARM64)
if(NOT DIND_ARM64)
    message(FATAL_ERROR "the preset arm64 needs -DDIND_ARM64=FOLDER: ./dev test arm64 makes one")
endif()
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)

set(libraries ${DIND_ARM64}/usr/lib/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH ${DIND_ARM64})
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
# Headers that differ between processors (opensslconf.h) lie in a folder of their own.
set(CMAKE_C_FLAGS_INIT "-idirafter ${DIND_ARM64}/usr/include/aarch64-linux-gnu")
set(CMAKE_EXE_LINKER_FLAGS_INIT -L${libraries})
set(ENV{PKG_CONFIG_LIBDIR} ${libraries}/pkgconfig)
set(ENV{PKG_CONFIG_SYSROOT_DIR} ${DIND_ARM64})

# What is not static (cmocka, and with it the unit tests) is run by the compiler's own loader. Not by qemu's -L: that shows a
# program another folder in place of /, too.
set(CMAKE_CROSSCOMPILING_EMULATOR qemu-aarch64-static /usr/aarch64-linux-gnu/lib/ld-linux-aarch64.so.1
    --library-path /usr/aarch64-linux-gnu/lib:${libraries})
