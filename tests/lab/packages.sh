# shellcheck shell=bash
# Packages of another Debian release, or for another processor: fetched with lists and caches of our own, and only unpacked.
# The machine's apt, its list of architectures and what is installed stay as they are.

# packages_apt HOME ARCHITECTURE COMMAND ARGUMENT...: apt-get or apt-cache with all of its state in HOME/apt.
packages_apt() {
    local home=$1 architecture=$2 command=$3
    shift 3
    "$command" -q -o Dir::State="$home/apt" -o Dir::State::status="$home/apt/status" -o Dir::Cache="$home/apt/cache" \
        -o Dir::Etc::sourcelist="$home/apt/sources.list" -o Dir::Etc::sourceparts=- -o APT::Sandbox::User=root \
        -o "APT::Architecture=$architecture" -o "APT::Architectures=$architecture" -o Acquire::Languages=none "$@"
}

# packages_lists HOME ARCHITECTURE SUITE [TYPE]: fetches the lists of that release; TYPE is deb, or deb-src for sources.
packages_lists() {
    local home=$1 architecture=$2 suite=$3 type=${4:-deb}
    mkdir -p "$home"/apt/{lists,cache/archives}/partial
    : >"$home/apt/status"
    printf '%s [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] %s %s main\n' "$type" "$ROOT_MIRROR" "$suite" \
        >"$home/apt/sources.list"
    quiet "$LAB/apt-$suite-$architecture.log" packages_apt "$home" "$architecture" apt-get -o APT::Update::Error-Mode=any update
}

# packages_unpack HOME ARCHITECTURE FOLDER PACKAGE...: fetches these packages, none that they need, into FOLDER. Links to folders
# that are there stay: /lib may be one.
packages_unpack() {
    local home=$1 architecture=$2 folder=$3 file
    shift 3
    mkdir -p "$home/fetched" "$folder"
    (cd "$home/fetched" && quiet "$LAB/apt-download-$architecture.log" packages_apt "$home" "$architecture" apt-get download "$@") ||
        return
    for file in "$home"/fetched/*.deb; do
        dpkg-deb --fsys-tarfile "$file" | tar -x --keep-directory-symlink -C "$folder" || return
    done
    rm -rf "$home/fetched"
}
