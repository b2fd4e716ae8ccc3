# shellcheck shell=bash
# What an arm64 build needs beside the cross compiler and its C library: our libraries, as Debian builds them for arm64, and the
# busybox of its virtual machines. Fetched once, into $ROOTS.

# The oldest release that we build on: its archives fit every later compiler and C library.
ARM64_SUITE=bookworm
ARM64_PACKAGES=(libssl-dev zlib1g-dev libzstd-dev libyaml-dev libjansson-dev libcap-ng-dev libcmocka-dev libcmocka0 busybox-static)
arm64_recipe() { printf '%s' "$ARM64_SUITE ${ARM64_PACKAGES[*]} 2" | sha256sum | cut -c1-12; }
ARM64=$ROOTS/arm64-$(arm64_recipe)

# arm64_libraries: makes $ARM64. Fails where the mirror lacks one of the packages.
arm64_libraries() {
    local home=$ARM64.new
    [[ ! -d $ARM64 ]] || return 0
    step "fetching the libraries for arm64"
    rm -rf "$home"
    packages_lists "$home" arm64 "$ARM64_SUITE" &&
        packages_unpack "$home" arm64 "$home/root" "${ARM64_PACKAGES[@]}" || return
    mv "$home/root" "$ARM64"
    rm -rf "$home"
}
