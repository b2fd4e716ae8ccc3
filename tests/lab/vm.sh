# shellcheck shell=bash
# Virtual machines, for what this machine's kernel cannot show: cgroup v2 with every controller, other kernels,
# AppArmor. qemu emulates (no KVM is needed), the kernel comes out of a Debian package, all else is an initramfs.
# Nothing on the machine changes: apt works with lists of its own below build/vm, and packages are only unpacked.

VM=$BUILD/vm
# What a machine with disks loads first, with all that these need.
VM_MODULES=(virtio_pci virtio_blk overlay)

# A machine is named after the Debian release whose kernel it has: "trixie" is amd64, "trixie-arm64" is not.
vm_architecture() {
    case $1 in
        *-arm64) echo arm64 ;;
        *) echo amd64 ;;
    esac
}

# vm_kernel MACHINE: the newest kernel of that Debian release, once: vmlinuz, config, version, and lib/modules under
# build/vm/kernels/MACHINE.
vm_kernel() {
    local machine=$1 home=$VM/kernels/$1 suite=${1%-arm64} architecture package version
    [[ ! -s $home/version ]] || return 0
    architecture=$(vm_architecture "$machine")
    step "fetching the kernel of Debian $suite for $architecture"
    rm -rf "$home"
    packages_lists "$home" "$architecture" "$suite" || return
    package=$(packages_apt "$home" "$architecture" apt-cache depends "linux-image-cloud-$architecture" |
        sed -n 's/^ *Depends: \(linux-image-[0-9]\)/\1/p')
    [[ $package ]] || die "Debian $suite has no linux-image-cloud-$architecture"
    packages_unpack "$home" "$architecture" "$home/unpacked" "$package" || return
    version=${package#linux-image-}
    vm_modules "$home" "$version"
    mv "$home/unpacked/boot/vmlinuz-$version" "$home/vmlinuz"
    mv "$home/unpacked/boot/config-$version" "$home/config"
    rm -rf "$home"/{apt,unpacked}
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

# vm_initramfs MACHINE: what all machines with that kernel share. DIND_BINARY, DIND_STUB, DIND_BOX and, where it is not this
# machine's own, DIND_BUSYBOX name the programs.
vm_initramfs() {
    local home=$VM/kernels/$1 stage=$VM/initramfs/$1 name module
    rm -rf "$stage" "$stage.cpio"
    mkdir -p "$stage"/{bin,dev,disk,guest,launcher,lib/modules,modules,out,proc,scenarios,stubs,sys,tmp,upper}
    cp "${DIND_BUSYBOX:-$(type -P busybox)}" "$stage/bin/busybox"
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

# vm_disks MACHINE: the Debian root with an engine, and the kernel's modules. Both are only read.
vm_disks() {
    root_make
    vm_image "$VM/disks/root-$ROOT_SUITE" "$ROOT" "$(cat "$ROOT.id")"
    vm_image "$VM/disks/modules-$1" "$VM/kernels/$1/lib/modules" "$(cat "$VM/kernels/$1/version")"
}

# vm_emulator MACHINE: the command for the processor and the board, into `qemu`; the serial lines that console and results come
# over, into `lines`.
vm_emulator() {
    case $(vm_architecture "$1") in
        # Pointer authentication by qemu's own cipher: the architected one takes half of the time.
        arm64)
            qemu=(qemu-system-aarch64 -M virt -cpu 'max,pauth-impdef=on' -device 'pci-serial,chardev=results')
            lines=(ttyAMA0 ttyS0)
            ;;
        amd64)
            qemu=(qemu-system-x86_64 -M pc -cpu max -device 'isa-serial,chardev=results,index=1')
            lines=(ttyS0 ttyS1)
            ;;
    esac
}

# vm_boot MACHINE FOLDER SECONDS WORDS [disks|engine]: runs a machine until it powers itself off. FOLDER/files is laid over the
# initramfs; FOLDER/console and FOLDER/results are what came over the serial lines; WORDS are for the kernel; with disks it
# has a Debian root, with engine that and a Docker engine of its own. One machine at a time: each keeps a processor busy.
# What takes longer than that is killed (status 137).
vm_boot() {
    local machine=$1 folder=$2 seconds=$3 words=$4 needs=${5:-} status=0 qemu lines
    vm_emulator "$machine"
    qemu+=(-accel 'tcg,thread=single' -smp 2 -m 512 -nodefaults -no-user-config -display none -no-reboot
        -serial "file:$folder/console" -chardev "file,id=results,path=$folder/results")
    if [[ $needs ]]; then
        [[ $(vm_architecture "$machine") == amd64 ]] || die "the Debian root is an amd64 one: no disks for $machine"
        vm_disks "$machine"
        qemu+=(-m 2048 -drive "if=virtio,format=raw,readonly=on,file=$VM/disks/root-$ROOT_SUITE"
            -drive "if=virtio,format=raw,readonly=on,file=$VM/disks/modules-$machine")
    fi
    vm_pack "$folder/files" "$folder/files.cpio"
    cat "$VM/initramfs/$machine.cpio" "$folder/files.cpio" >"$folder/initramfs"
    qemu+=(-kernel "$VM/kernels/$machine/vmlinuz" -initrd "$folder/initramfs"
        -append "console=${lines[0]} RESULTS=/dev/${lines[1]} quiet panic=-1 $words -- $needs")
    flock "$VM/lock" timeout --signal=KILL "$seconds" nice "${qemu[@]}" </dev/null || status=$?
    rm -f "$folder/initramfs" "$folder/files.cpio"
    return "$status"
}
