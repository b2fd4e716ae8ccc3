# shellcheck shell=bash
# The private engine: dockerd of a debootstrapped root in its own mount and pid namespace, with all its files under
# build/engine. Outside of them it leaves a bridge and one cgroup, and takes both away when it stops.

ENGINE_BRIDGE=dind$(printf '%s' "$ENGINE" | cksum | cut -d' ' -f1 | xargs printf '%08x')
ENGINE_SOCKET=$ENGINE/run/docker.sock
ENGINE_CLIENT=$ENGINE/docker

# The docker client against the private engine; DOCKER_HOST and the user's own client settings do not matter.
engine_docker() {
    env -u DOCKER_CONTEXT -u DOCKER_TLS_VERIFY -u DOCKER_CERT_PATH DOCKER_CONFIG="$ENGINE/client" \
        DOCKER_CLI_HINTS=false DOCKER_BUILDKIT=0 DOCKER_HOST="unix://$ENGINE_SOCKET" "$ENGINE_CLIENT" "$@"
}

engine_answers() { [[ -S $ENGINE_SOCKET ]] && engine_docker version >/dev/null 2>&1; }
engine_running() { process_saved "$ENGINE/pid" >/dev/null; }

# A /24 for the bridge that the machine has no route to. No packet leaves the machine: nothing is masqueraded or forwarded.
engine_subnet() {
    local third
    for third in {200..254}; do
        ip -4 -o addr show | grep -q " 10\.213\.$third\." && continue
        [[ $(ip -4 route show root "10.213.$third.0/24" 2>/dev/null) ]] && continue
        printf '10.213.%s.1/24\n' "$third"
        return 0
    done
    die "no free network among 10.213.200.0/24 to 10.213.254.0/24 for the private engine"
}

engine_bridge() {
    ip link show "$ENGINE_BRIDGE" >/dev/null 2>&1 && return 0
    ip link add "$ENGINE_BRIDGE" type bridge
    # One at a time: another clone's engine may be looking for a network, too.
    (
        flock 9
        ip addr add "$(engine_subnet)" dev "$ENGINE_BRIDGE"
    ) 9>/run/lock/dind-lab
    ip link set "$ENGINE_BRIDGE" up
}

# engine_start FLAG...: with more flags for its dockerd.
engine_start() {
    engine_running && engine_answers && return 0
    need_root "the private engine"
    need_packages lab
    root_make
    engine_stop
    ((${#ENGINE_SOCKET} < 108)) || die "$ENGINE_SOCKET is too long for a Unix socket: use a shorter folder"
    step "starting the private engine under build/engine"
    # Its networks, too: dockerd would give the bridge the address that it had before, which may be another's by now.
    rm -rf --one-file-system "$ENGINE/run" "$ENGINE/data/network"
    mkdir -p "$ENGINE"/{run,data,root,client}
    root_client "$ENGINE_CLIENT"
    engine_bridge
    setsid unshare --mount --propagation private --pid --fork --kill-child \
        "$TOP/tests/lab/engine-inside" "$ROOT" "$ENGINE" "$ENGINE_BRIDGE" "$@" >"$ENGINE/log" 2>&1 </dev/null &
    process_save $! "$ENGINE/pid"
    disown $!
    local try
    for try in {1..300}; do
        engine_answers && return 0
        engine_running || break
        sleep 0.1
    done
    tail -n 30 "$ENGINE/log" >&2
    engine_stop
    die "the private engine did not come up after $((try / 10)) s (log: $ENGINE/log)"
}

# engine_init: the process id, seen from here, of process 1 of the engine's pid namespace.
engine_init() {
    local parent
    parent=$(process_saved "$ENGINE/pid") || return 1
    cut -d' ' -f1 "/proc/$parent/task/$parent/children"
}

# Asks politely (dockerd then stops its containers), and ends the whole pid namespace if that takes too long.
engine_stop() {
    local pid init try
    if pid=$(process_saved "$ENGINE/pid"); then
        step "stopping the private engine"
        init=$(engine_init)
        [[ -z $init ]] || kill -TERM "$init" 2>/dev/null || true
        for try in {1..200}; do
            engine_running || break
            ((try < 200)) || kill -KILL "$pid"
            sleep 0.1
        done
    fi
    rm -f "$ENGINE/pid"
    ip link del "$ENGINE_BRIDGE" 2>/dev/null || true
    local cgroup
    for cgroup in $(findmnt -n -t cgroup2 -o TARGET); do
        [[ ! -d $cgroup/$ENGINE_BRIDGE ]] || find "$cgroup/$ENGINE_BRIDGE" -depth -type d -exec rmdir {} + || true
    done
}

engine_env() {
    engine_running || die "the private engine does not run: ./dev engine start"
    printf 'export DOCKER_HOST=unix://%s\n' "$ENGINE_SOCKET"
    printf 'unset DOCKER_TLS_VERIFY DOCKER_CERT_PATH DOCKER_CONTEXT\n'
    printf '# client: %s\n' "$ENGINE_CLIENT"
}
