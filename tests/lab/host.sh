# shellcheck shell=bash
# What the machine must have, and how it gets it. The only list of packages outside the Dockerfile.

declare -rA PACKAGES=(
    [build]="gcc libc6-dev cmake ninja-build pkgconf libssl-dev zlib1g-dev libzstd-dev libyaml-dev libjansson-dev libcap-ng-dev"
    [test]="libcmocka-dev libseccomp2 mandoc python3 python3-pytest python3-yaml python3-jsonschema openssl gnutls-bin strace tini iproute2 iptables util-linux procps"
    [sanitize]="libasan8 libubsan1"
    [lint]="clang clang-tidy clang-format cppcheck shellcheck"
    [fuzz]="clang libclang-rt-dev"
    [lab]="debootstrap debian-archive-keyring iproute2 util-linux procps tar ca-certificates"
    [musl]="make perl autoconf automake libtool xz-utils"
    [arm64]="gcc-aarch64-linux-gnu libc6-dev-arm64-cross qemu-user-static qemu-system-arm busybox-static cpio kmod xz-utils"
    [vm]="qemu-system-x86 busybox-static cpio kmod xz-utils e2fsprogs"
)

package_installed() { [[ $(dpkg-query -W -f '${db:Status-Status}' "$1" 2>/dev/null) == installed ]]; }

# need_packages GROUP...: installs what is missing of these groups, and nothing else.
need_packages() {
    command -v apt-get >/dev/null || die "this machine has no apt-get: Debian 12, Ubuntu 24.04 or newer are expected"
    local group package missing=()
    for group in "$@"; do
        for package in ${PACKAGES[$group]}; do
            package_installed "$package" || missing+=("$package")
        done
    done
    ((${#missing[@]})) || return 0
    need_root "installing packages (${missing[*]})"
    step "installing: ${missing[*]}"
    local install=(env DEBIAN_FRONTEND=noninteractive apt-get -o DPkg::Lock::Timeout=300 -y -q
        --no-install-recommends install "${missing[@]}")
    # Package lists may be missing or stale: they are fetched only if the first try shows it.
    "${install[@]}" >"$LAB/apt.log" 2>&1 </dev/null && return 0
    quiet "$LAB/apt-update.log" apt-get -q update
    quiet "$LAB/apt.log" "${install[@]}"
}

# need_cmake: presets of version 6 and several generator expressions need 3.25.
need_cmake() {
    local version
    version=$(cmake --version | sed -n '1s/.* //p')
    [[ $(printf '3.25\n%s\n' "$version" | sort -V | head -n 1) == 3.25 ]] ||
        die "cmake $version is too old: 3.25 is needed (Debian 12, Ubuntu 24.04 or newer have it)"
}
