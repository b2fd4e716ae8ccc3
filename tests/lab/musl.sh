# shellcheck shell=bash
# Alpine's C library, without Alpine: musl's own archive and headers from Debian, and the libraries built against it from their
# released sources. Made once, in $ROOTS.

# The compiler, what is built with it, and how. A change of this list makes everything anew.
MUSL_OPENSSL=(no-shared no-tests no-apps no-docs no-dso no-module no-legacy no-afalgeng no-async no-engine no-ktls no-quic no-comp
    no-dtls no-srp no-psk no-ct no-cms no-ts no-cmp no-gost no-idea no-seed no-camellia no-aria no-bf no-cast no-rc2 no-rc4 no-des
    no-sm2 no-sm3 no-sm4 no-md4 no-mdc2 no-rmd160 no-whirlpool no-blake2 no-siphash no-ocb no-dsa no-dh no-ml-dsa no-ml-kem
    no-slh-dsa)
MUSL_AUTOTOOLS=(--disable-shared --enable-static)

musl_recipe() { printf '%s' "${MUSL_OPENSSL[*]} ${MUSL_AUTOTOOLS[*]} 1" | sha256sum | cut -c1-12; }
MUSL=$ROOTS/musl-$(musl_recipe)

# musl_compiler FOLDER: writes the compiler there. gcc's own specs are for the libc that gcc was built with.
musl_compiler() {
    local library
    library=$(dirname "$(find "$MUSL/musl-dev/usr/lib" -name libc.a)")
    mkdir -p "$1"
    sed -e "s:/usr/include/[a-z0-9_]*-linux-musl[a-z]*:$MUSL/musl-dev/usr/include/${library##*/}:g" \
        -e "s:/usr/lib/[a-z0-9_]*-linux-musl[a-z]*:$library:g" "$library/musl-gcc.specs" >"$1/specs"
    cat >"$1/cc" <<END
#!/bin/sh
exec gcc "\$@" -specs '$1/specs' -idirafter '$MUSL/kernel'
END
    chmod 755 "$1/cc"
}

# The kernel's headers are the machine's: they are nobody's C library.
musl_kernel_headers() {
    local name folder
    mkdir -p "$MUSL/kernel"
    for name in linux asm asm-generic mtd; do
        for folder in /usr/include /usr/include/*-linux-gnu; do
            [[ ! -d $folder/$name ]] || ln -sfn "$folder/$name" "$MUSL/kernel/$name"
        done
    done
}

# musl_source NAME: its released sources, of a Debian suite that still has them, in $MUSL/src/NAME. What an aborted build has left
# there is not built upon.
musl_source() {
    local suite
    [[ ! -e $MUSL/$1.built ]] || return 0
    rm -rf "$MUSL/src/$1"
    for suite in trixie sid; do
        root_suite "$suite"
        if root_source "$1" "$MUSL/src/$1"; then return 0; fi
    done
    return 1
}

musl_openssl() {
    local target
    target=linux-$(uname -m)
    ./Configure "$target" --prefix="$MUSL/usr" --libdir=lib "${MUSL_OPENSSL[@]}" && make -j"$(nproc)" build_libs && make install_dev
}

musl_autotools() {
    [[ -x configure ]] || { touch NEWS && autoreconf -fi; } || return
    ./configure --prefix="$MUSL/usr" "${MUSL_AUTOTOOLS[@]}" "$@" && make -j"$(nproc)" && make install
}

musl_cmake() {
    cmake -G Ninja -B build -DCMAKE_INSTALL_PREFIX="$MUSL/usr" -DCMAKE_BUILD_TYPE=Release -DBUILD_SHARED_LIBS=OFF "$@" &&
        cmake --build build && cmake --install build
}

# musl_library NAME COMMAND...: builds NAME with the command, in its sources.
musl_library() {
    local name=$1
    shift
    [[ ! -e $MUSL/$name.built ]] || return 0
    step "building $name against musl"
    (cd "$MUSL/src/$name" && CC=$LAB/musl/cc quiet "$LAB/musl-$name.log" "$@")
    touch "$MUSL/$name.built"
}

# musl_fetch: fails where Debian's mirror lacks the sources, or musl itself.
musl_fetch() {
    local name
    root_suite trixie
    root_unpack musl-dev "$MUSL/musl-dev" || return
    for name in openssl libyaml jansson libcap-ng cmocka; do
        musl_source "$name" || return
    done
}

# musl_make: after musl_fetch, the compiler in $LAB/musl and the libraries in $MUSL/usr.
musl_make() {
    musl_kernel_headers
    musl_compiler "$LAB/musl"
    musl_library openssl musl_openssl
    musl_library libyaml musl_autotools
    musl_library jansson musl_autotools
    musl_library libcap-ng musl_autotools --without-python --without-python3
    musl_library cmocka musl_cmake -DUNIT_TESTING=OFF -DWITH_EXAMPLES=OFF
}
