# shellcheck shell=bash
# Virtual machines, for what this machine's kernel cannot show: cgroup v2 with every controller, other kernels,
# AppArmor. qemu emulates (no KVM is needed), the kernel comes out of a Debian package, all else is an initramfs.
# Nothing on the machine changes: apt works with lists of its own below build/vm, and packages are only unpacked.

VM=$BUILD/vm
# What a machine with disks loads first, with all that these need.
VM_MODULES=(virtio_pci virtio_blk overlay)

# vm_apt HOME COMMAND ARGUMENT...: apt-get or apt-cache with all of its state in HOME/apt.
vm_apt() {
    local home=$1 command=$2
    shift 2
    "$command" -q -o Dir::State="$home/apt" -o Dir::State::status="$home/apt/status" -o Dir::Cache="$home/apt/cache" \
        -o Dir::Etc::sourcelist="$home/apt/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root \
        -o APT::Architecture=amd64 -o APT::Architectures=amd64 -o Acquire::Languages=none "$@"
}

# vm_kernel SUITE: the newest kernel of that Debian release, once: vmlinuz, config, version, and lib/modules under
# build/vm/kernels/SUITE.
vm_kernel() {
    local suite=$1 home=$VM/kernels/$1 package version
    [[ ! -s $home/version ]] || return 0
    step "fetching the kernel of Debian $suite"
    rm -rf "$home"
    mkdir -p "$home"/apt/{lists,cache/archives}/partial "$home/unpacked"
    : >"$home/apt/status"
    printf 'deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$ROOT_MIRROR" "$suite" \
        >"$home/apt/sources.list"
    quiet "$LAB/vm-$suite-apt.log" vm_apt "$home" apt-get -o APT::Update::Error-Mode=any update
    package=$(vm_apt "$home" apt-cache depends linux-image-cloud-amd64 | sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p')
    [[ $package ]] || die "Debian $suite has no linux-image-cloud-amd64"
    (cd "$home" && quiet "$LAB/vm-$suite-apt.log" vm_apt "$home" apt-get download "$package")
    dpkg-deb -x "$home"/linux-image-*.deb "$home/unpacked"
    version=${package#linux-image-}
    vm_modules "$home" "$version"
    mv "$home/unpacked/boot/vmlinuz-$version" "$home/vmlinuz"
    mv "$home/unpacked/boot/config-$version" "$home/config"
    rm -rf "$home"/{apt,unpacked} "$home"/linux-image-*.deb
    printf '%s\n' "$version" >"$home/version"
}

# vm_modules HOME VERSION: /lib/modules as an installed kernel has it. Not compressed: insmod then takes the files as they are.
vm_modules() {
    local home=$1 version=$2 from=$1/unpacked/usr/lib/modules
    [[ -d $from ]] || from=$home/unpacked/lib/modules
    mkdir -p "$home/lib"
    mv "$from" "$home/lib/modules"
    find "$home/lib/modules" -name '*.ko.xz' -exec xz -d {} +
    depmod -b "$home" "$version"
}

# vm_initramfs SUITE: what all machines with that kernel share. DIND_BINARY, DIND_STUB and DIND_BOX name the programs.
vm_initramfs() {
    local home=$VM/kernels/$1 stage=$VM/initramfs/$1 name module
    rm -rf "$stage" "$stage.cpio"
    mkdir -p "$stage"/{bin,dev,disk,guest,launcher,lib/modules,modules,out,proc,scenarios,stubs,sys,tmp,upper}
    cp "$(type -P busybox)" "$stage/bin/busybox"
    cp "$DIND_BOX" "$stage/bin/box"
    cp "$TOP"/tests/vm/guest/* "$stage/guest"
    cp "$TOP/examples/seccomp/rootful.json" "$TOP/tests/e2e/engine-battery" "$stage/guest"
    mv "$stage/guest/init" "$stage/init"
    chmod 755 "$stage/init"
    cp "$DIND_BINARY" "$stage/launcher/dockerd-entrypoint"
    cp "$DIND_STUB" "$stage/stubs/.stub"
    for name in dockerd-entrypoint.sh dindctl; do ln -s dockerd-entrypoint "$stage/launcher/$name"; done
    for name in dockerd docker docker-init iptables ip6tables modprobe; do ln -s .stub "$stage/stubs/$name"; done
    modprobe -d "$home" -S "$(cat "$home/version")" --show-depends -a "${VM_MODULES[@]}" | sed -n 's/^insmod //p' |
        awk '!seen[$1]++ { print $1 }' | while read -r module; do
        cp "$module" "$stage/modules/"
        printf '%s\n' "${module##*/}" >>"$stage/modules/order"
    done
    vm_pack "$stage" "$stage.cpio"
}

vm_pack() { (cd "$1" && find . | LC_ALL=C sort | cpio -o -H newc -R 0:0 --quiet) >"$2"; }

# vm_image FILE FOLDER ID: FOLDER as an ext4 image, made anew when the id differs from the last one's.
vm_image() {
    local file=$1 folder=$2 id=$3 size
    [[ ! -s $file || $(cat "$file.id" 2>/dev/null) != "$id" ]] || return 0
    step "making the disk image ${file##*/}"
    rm -f "$file" "$file.id"
    mkdir -p "${file%/*}"
    size=$(du -s -m --one-file-system "$folder" | cut -f1)
    quiet "$LAB/vm-image.log" mke2fs -q -t ext4 -O ^has_journal -m 0 -d "$folder" "$file" "$((size * 3 / 2 + 64))M"
    printf '%s\n' "$id" >"$file.id"
}

# vm_disks SUITE: the Debian root with an engine, and the kernel's modules. Both are only read.
vm_disks() {
    root_make
    vm_image "$VM/disks/root-$ROOT_SUITE" "$ROOT" "$(cat "$ROOT.id")"
    vm_image "$VM/disks/modules-$1" "$VM/kernels/$1/lib/modules" "$(cat "$VM/kernels/$1/version")"
}

# vm_boot SUITE FOLDER SECONDS WORDS [disks|engine]: runs a machine until it powers itself off. FOLDER/files is laid over the
# initramfs; FOLDER/console and FOLDER/results are what came over the serial lines; WORDS are for the kernel; with disks it
# has a Debian root, with engine that and a Docker engine of its own. One machine at a time: each keeps a processor busy.
# What takes longer than that is killed (status 137).
vm_boot() {
    local suite=$1 folder=$2 seconds=$3 words=$4 needs=${5:-} status=0
    local qemu=(qemu-system-x86_64 -M pc -accel 'tcg,thread=single' -cpu max -smp 2 -m 512 -nodefaults -no-user-config
        -display none -no-reboot -serial "file:$folder/console" -serial "file:$folder/results")
    if [[ $needs ]]; then
        vm_disks "$suite"
        qemu+=(-m 2048 -drive "if=virtio,format=raw,readonly=on,file=$VM/disks/root-$ROOT_SUITE"
            -drive "if=virtio,format=raw,readonly=on,file=$VM/disks/modules-$suite")
    fi
    vm_pack "$folder/files" "$folder/files.cpio"
    cat "$VM/initramfs/$suite.cpio" "$folder/files.cpio" >"$folder/initramfs"
    qemu+=(-kernel "$VM/kernels/$suite/vmlinuz" -initrd "$folder/initramfs"
        -append "console=ttyS0 quiet panic=-1 $words -- $needs")
    flock "$VM/lock" timeout --signal=KILL "$seconds" nice "${qemu[@]}" </dev/null || status=$?
    rm -f "$folder/initramfs" "$folder/files.cpio"
    return "$status"
}
