# shellcheck shell=dash
# A node with a Docker engine: Debian's, on an overlay of the disk's root, with AppArmor where the kernel has it on. Its root
# is $ENGINE here. Our image is that root once more, with its /usr and the launcher bound into every container: importing
# them would take minutes.
# shellcheck disable=SC2154 # OUT comes from init
ENGINE=/engine
ENGINE_PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

# Not busybox's env: it would run busybox's applets.
in_engine() { chroot $ENGINE /usr/bin/env -i PATH=$ENGINE_PATH HOME=/root "$@"; }
docker() { in_engine docker "$@"; }

# wait_for_line FILE TEXT PID: until the file has such a line; fails when the process is gone without it.
wait_for_line() {
    until grep -q "$2" "$1" 2>/dev/null; do
        kill -0 "$3" 2>/dev/null || return 1
        usleep 100000
    done
}

engine_root() {
    mount -t tmpfs tmpfs /upper
    mkdir -p /upper/files /upper/work $ENGINE
    mount -t overlay -o lowerdir=/disk,upperdir=/upper/files,workdir=/upper/work overlay $ENGINE
    for folder in run tmp var/lib/docker; do mount -t tmpfs tmpfs $ENGINE/$folder; done
    mount -t proc proc $ENGINE/proc
    mount --rbind /sys $ENGINE/sys
    mount -t securityfs securityfs $ENGINE/sys/kernel/security
    mount --rbind /dev $ENGINE/dev
    mkdir -p $ENGINE/guest
    mount --bind /guest $ENGINE/guest
    mount --bind /launcher $ENGINE/usr/local/bin
}

# Its root lies over that of a mount namespace: `docker exec` enters the root of a namespace, and a chroot's is the node's.
engine_start() {
    engine_root
    mkdir /sys/fs/cgroup/engine
    # shellcheck disable=SC2016 # expanded by the shell in the namespace
    box -n m -g /sys/fs/cgroup/engine sh -euc '
        . /guest/engine.sh
        cd $ENGINE
        mount --move . /
        ENGINE=.
        in_engine dockerd' >/out/engine.log 2>&1 &
    wait_for_line /out/engine.log 'API listen on' $! || {
        cat /out/engine.log
        return 1
    }
    # As the Dockerfile sets it.
    in_engine tar --one-file-system --exclude=./usr/* --exclude=./var/* -cf /tmp/root.tar .
    docker import --change "ENV PATH=$ENGINE_PATH DOCKER_TLS_CERTDIR=/certs" --change 'VOLUME /var/lib/docker' \
        --change 'ENTRYPOINT ["dockerd-entrypoint.sh"]' /tmp/root.tar dind >/dev/null
    rm $ENGINE/tmp/root.tar
}

# Takes away what a scenario started there.
engine_clean() {
    containers=$(docker ps -aq)
    # shellcheck disable=SC2086 # one word each
    [ -z "$containers" ] || docker rm -f -v $containers >/dev/null
}

# The exact privileges that docs/privileges.md names, but for AppArmor's.
# shellcheck disable=SC2034 # scenarios use it
THREE='--cap-add SYS_ADMIN --cap-add NET_ADMIN --cap-add SYS_PTRACE --security-opt seccomp=/guest/rootful.json'

# dind FLAG... [COMMAND...]: `docker run` of our image; "dind" is the last flag.
dind() {
    docker run --name dind --hostname dind -v /usr:/usr:ro -v /guest:/guest:ro "$@"
}

# dind_up FLAG...: such a container in the background, until its engine answers. Its log is in $OUT/stderr.
dind_up() {
    dind "$@" dind >"$OUT/stdout" 2>"$OUT/stderr" &
    wait_for_line "$OUT/stderr" 'API listen on' $!
}

# inside SCRIPT: a shell in that container, for whose engine there is a "tiny" image of busybox. /status is dockerd's.
inside() {
    docker exec dind sh -euc '
        mkdir -p /tmp/tiny/bin
        cp /bin/busybox /tmp/tiny/bin
        for name in cat mount sh; do ln -sf busybox /tmp/tiny/bin/$name; done
        tar -C /tmp/tiny -c . | docker import - tiny >/dev/null
        cat /proc/"$(pidof -s dockerd)"/status >/status
        '"$1"
}

# battery NAMES: these checks of tests/e2e/engine-battery, on the engine of that container.
battery() { docker exec -e DOCKER_HOST=unix:///var/run/docker.sock dind bash /guest/engine-battery -v -o "$1"; }

# Counts every load and removal of a profile. A second read would wait for the next one.
apparmor_revision() { dd if=$ENGINE/sys/kernel/security/apparmor/revision bs=64 count=1 2>/dev/null; }
apparmor_profiles() { cat $ENGINE/sys/kernel/security/apparmor/profiles; }
