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

# root_apt TYPE COMMAND ARGUMENT...: apt-get or apt-cache about this suite (TYPE: deb or deb-src), with lists and caches of our own.
root_apt() {
    local type=$1 command=$2 apt=$LAB/apt-$ROOT_SUITE-$1
    shift 2
    mkdir -p "$apt/lists/partial" "$apt/archives/partial"
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$type" "$ROOT_MIRROR" "$ROOT_SUITE" \
        >"$apt/sources.list"
    "$command" -o "Dir::Etc::sourcelist=$apt/sources.list" -o Dir::Etc::sourceparts=- -o "Dir::State=$apt" \
        -o Dir::State::status=/dev/null -o "Dir::Cache=$apt" -o APT::Sandbox::User=root -q "$@"
}

# root_unpack PACKAGE FOLDER: a package of the suite, unpacked there and nowhere installed.
root_unpack() {
    local name=$1 folder=$2 packages=$LAB/packages-$1
    [[ ! -d $folder ]] || return 0
    rm -rf "$packages" "$folder.new"
    mkdir -p "$packages" "${folder%/*}"
    quiet "$LAB/apt-$name.log" root_apt deb apt-get update || return
    (cd "$packages" && quiet "$LAB/apt-$name.log" root_apt deb apt-get download "$name") || return
    dpkg-deb -x "$packages/${name}"_*.deb "$folder.new" || return
    mv "$folder.new" "$folder"
    rm -rf "$packages"
}

# root_source PACKAGE FOLDER: the sources of a package of the suite as they were released, without Debian's changes, unpacked
# there. A mirror may have lost those of a version that it still lists: an older one does.
root_source() {
    local name=$1 folder=$2 sources=$LAB/sources-$1 version
    [[ ! -d $folder ]] || return 0
    rm -rf "$sources" "$folder.new"
    mkdir -p "$sources" "$folder.new"
    quiet "$LAB/apt-$name.log" root_apt deb-src apt-get update || return
    while read -r version; do
        (cd "$sources" && root_apt deb-src apt-get source --download-only --tar-only "$name=$version") \
            >"$LAB/apt-$name.log" 2>&1 </dev/null && break
    done < <(root_apt deb-src apt-cache showsrc "$name" | sed -n 's/^Version: //p' | sort -V -r)
    tar -x --strip-components=1 -C "$folder.new" -f "$sources/${name}"_*.orig.tar.?z 2>>"$LAB/apt-$name.log" || return
    mv "$folder.new" "$folder"
    rm -rf "$sources"
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
