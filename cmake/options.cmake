# Warnings and hardening, each flag probed: an older or another compiler builds too, only with fewer of them.
include(CheckCCompilerFlag)
include(CheckLinkerFlag)

add_library(project_options INTERFACE)
target_compile_definitions(project_options INTERFACE _GNU_SOURCE)

function(project_compile_flags)
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "HAVE_C${flag}" name)
        check_c_compiler_flag("${flag}" ${name})
        if(${name})
            target_compile_options(project_options INTERFACE "${flag}")
        endif()
    endforeach()
endfunction()

function(project_link_flags)
    foreach(flag IN LISTS ARGN)
        string(MAKE_C_IDENTIFIER "HAVE_LD${flag}" name)
        # GNU ld only warns of a -z that it lacks for the processor.
        check_linker_flag(C "-Wl,--fatal-warnings;${flag}" ${name})
        if(${name})
            target_link_options(project_options INTERFACE "${flag}")
        endif()
    endforeach()
endfunction()

project_compile_flags(
    -Wall -Wextra -Wpedantic -Wconversion -Wsign-conversion -Wshadow -Wformat=2 -Wcast-qual -Wundef -Wvla
    -Wstrict-prototypes -Wmissing-prototypes -Wnull-dereference -Wswitch-enum -Werror=implicit-function-declaration
    -Werror=incompatible-pointer-types -fno-strict-aliasing)

if(DIND_SANITIZE)
    target_compile_options(project_options INTERFACE -fsanitize=${DIND_SANITIZE} -fno-omit-frame-pointer
        -fno-sanitize-recover=all)
    target_link_options(project_options INTERFACE -fsanitize=${DIND_SANITIZE})
else()
    project_compile_flags(-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero
        -fzero-call-used-regs=used-gpr)
    if(CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
        project_compile_flags(-fcf-protection=full)
    elseif(CMAKE_SYSTEM_PROCESSOR MATCHES "aarch64|arm64")
        project_compile_flags(-mbranch-protection=standard)
    endif()
    # _FORTIFY_SOURCE needs optimisation; without it glibc only warns.
    target_compile_options(project_options INTERFACE
        $<$<CONFIG:Release,RelWithDebInfo>:-U_FORTIFY_SOURCE> $<$<CONFIG:Release,RelWithDebInfo>:-D_FORTIFY_SOURCE=3>)
    project_link_flags(-Wl,-z,relro -Wl,-z,now -Wl,-z,noexecstack -Wl,-z,pack-relative-relocs)
endif()

# Reproducible: no build folder in the binary, no date, no random build id.
target_compile_options(project_options INTERFACE -ffile-prefix-map=${PROJECT_SOURCE_DIR}/=
    -ffile-prefix-map=${PROJECT_BINARY_DIR}/=)
target_compile_options(project_options INTERFACE $<$<CONFIG:Release>:-ffunction-sections>
    $<$<CONFIG:Release>:-fdata-sections>)
target_link_options(project_options INTERFACE $<$<CONFIG:Release>:-Wl,--gc-sections>
    $<$<CONFIG:Release>:-Wl,--build-id=none>)
