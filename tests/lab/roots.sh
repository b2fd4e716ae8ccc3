# shellcheck shell=bash
# Roots made by debootstrap: where the private engine lives, and what its images are made of when there is no registry.

# root_suite SUITE: which Debian release the functions below are about. The private engine's is the first one.
root_suite() {
    ROOT_SUITE=$1
    ROOT=$ROOTS/$ROOT_SUITE
}
root_suite trixie
ROOT_PACKAGES=docker.io,docker-cli,iptables,iproute2,procps,kmod,rootlesskit,slirp4netns,uidmap,fuse-overlayfs,tini
ROOT_PACKAGES+=,passt,ca-certificates,busybox-static,libcap2-bin,apparmor
ROOT_MIRROR=${DIND_LAB_MIRROR:-http://deb.debian.org/debian}

# The list of packages, in short. A root that was made of another list is made anew.
root_recipe() { printf '%s' "$ROOT_PACKAGES" | sha256sum | cut -c1-12; }
root_current() { [[ -d $ROOT && $(cat "$ROOT.id" 2>/dev/null) == *-"$(root_recipe)" ]]; }

# root_make: makes the root once. $ROOT.id names this very root (images and disks made from it carry it).
root_make() {
    ! root_current || return 0
    need_root "debootstrap"
    step "making a Debian $ROOT_SUITE root with an engine (debootstrap, about half a minute)"
    mkdir -p "$ROOTS/packages"
    rm -rf --one-file-system "$ROOT.old" "$ROOT.id" "$ROOT.new"
    # Ubuntu's debootstrap may not know the suite yet; all scripts of Debian suites are the same one.
    local script=()
    [[ -e /usr/share/debootstrap/scripts/$ROOT_SUITE ]] || script=(/usr/share/debootstrap/scripts/sid)
    quiet "$LAB/debootstrap.log" debootstrap --variant=minbase --cache-dir="$ROOTS/packages" \
        --keyring=/usr/share/keyrings/debian-archive-keyring.gpg --include="$ROOT_PACKAGES" \
        "$ROOT_SUITE" "$ROOT.new" "$ROOT_MIRROR" "${script[@]}"
    root_finish "$ROOT.new"
    # An engine may live in the old one still: it is only out of the way until the next time.
    [[ ! -d $ROOT ]] || mv "$ROOT" "$ROOT.old"
    mv "$ROOT.new" "$ROOT"
    printf '%s-%s\n' "$(cat /proc/sys/kernel/random/uuid)" "$(root_recipe)" >"$ROOT.id"
}

# root_finish DIR: mount points that the engine needs, and nothing that only apt needs.
root_finish() {
    rm -f "$1"/etc/resolv.conf "$1"/var/cache/apt/archives/*.deb "$1"/var/cache/apt/*.bin
    rm -rf "$1"/var/lib/apt/lists/*
    : >"$1/etc/resolv.conf"
    mkdir -p "$1/var/lib/docker" "$1/etc/docker" "$1/opt" "$1/mnt"
}

# root_client FILE: writes a docker client that runs from the root by the root's own loader: the machine needs none.
root_client() {
    local loader library
    loader=$(find "$ROOT"/usr/lib/ "$ROOT"/usr/lib64/ -maxdepth 2 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
    library=$(dirname "$(find "$ROOT"/usr/lib -maxdepth 2 -name libc.so.6 | head -n 1)")
    [[ -n $loader && -n $library ]] || die "no C library in $ROOT"
    cat >"$1" <<END
#!/bin/sh
exec '$loader' --library-path '$library' '$ROOT/usr/bin/docker' "\$@"
END
    chmod 755 "$1"
}

# root_unpack PACKAGE FOLDER: a package of the suite, unpacked there and nowhere installed.
root_unpack() {
    local name=$1 folder=$2 home=$LAB/apt-$ROOT_SUITE architecture
    [[ ! -d $folder ]] || return 0
    architecture=$(dpkg --print-architecture)
    rm -rf "$folder.new" "$home/fetched"
    packages_lists "$home" "$architecture" "$ROOT_SUITE" || return
    packages_unpack "$home" "$architecture" "$folder.new" "$name" || return
    mv "$folder.new" "$folder"
}

# root_source PACKAGE FOLDER: the sources of a package of the suite as they were released, without Debian's changes, unpacked
# there. A mirror may have lost those of a version that it still lists: an older one does.
root_source() {
    local name=$1 folder=$2 home=$LAB/apt-$ROOT_SUITE-src log=$LAB/apt-source-$1.log architecture version
    [[ ! -d $folder ]] || return 0
    architecture=$(dpkg --print-architecture)
    rm -rf "$folder.new" "$home/fetched"
    mkdir -p "$folder.new" "$home/fetched"
    packages_lists "$home" "$architecture" "$ROOT_SUITE" deb-src || return
    while read -r version; do
        (cd "$home/fetched" && packages_apt "$home" "$architecture" apt-get source --download-only --tar-only "$name=$version") \
            >"$log" 2>&1 </dev/null && break
    done < <(packages_apt "$home" "$architecture" apt-cache showsrc "$name" | sed -n 's/^Version: //p' | sort -V -r)
    tar -x --strip-components=1 -C "$folder.new" -f "$home/fetched/${name}"_*.orig.tar.?z 2>>"$log" || return
    mv "$folder.new" "$folder"
    rm -rf "$home/fetched"
}

# root_program NAME FILE: writes a program of the suite's package NAME that the root does not hold, run by the root's loader.
# The root stays as it is; the package is unpacked beside it.
root_program() {
    local name=$1 file=$2 loader library
    root_unpack "$name" "$LAB/$name" || return
    loader=$(find "$ROOT"/usr/lib/ "$ROOT"/usr/lib64/ -maxdepth 2 -name 'ld-linux*.so.*' 2>/dev/null | head -n 1)
    library=$(dirname "$(find "$ROOT"/usr/lib -maxdepth 2 -name libc.so.6 | head -n 1)")
    printf '#!/bin/sh\nexec %q --library-path %q %q "$@"\n' "$loader" "$library" "$LAB/$name/usr/bin/$name" >"$file"
    chmod 755 "$file"
}
