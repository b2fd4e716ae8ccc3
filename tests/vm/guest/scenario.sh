# shellcheck shell=dash
# What the text of a scenario may use. It runs on the node, in $SLICE/node; the container lives in $BOX.
# shellcheck disable=SC2154 # OUT, SLICE and SCENARIO come from init
# shellcheck source=tests/vm/guest/cgroup.sh
. /guest/cgroup.sh
BOX=$SLICE/box
CONTAINER_PATH=/launcher:/stubs:/usr/sbin:/usr/bin:/sbin:/bin

# Bounded by the scenario's own time.
wait_until() { until "$@"; do usleep 10000; done; }
has_members() { [ "$(cat "$1/cgroup.procs" 2>/dev/null)" ]; }

# container [-d] [-v VIEW] [-r] [-e NAME=VALUE]... [COMMAND [ARGUMENT...]]: the command (by default the launcher) as the first
# process of a privileged container in $BOX. Leaves its exit status, output and process id in $OUT.
#   -d  its root is the Debian one of the disk, with a real engine; otherwise busybox and stubs
#   -v  /sys/fs/cgroup shows the container's own cgroup (own: the default), everything, as without a cgroup namespace (host),
#       or a folder of the node's
#   -r  and is read-only
container() {
    base=stubs view=own mode=rw letters=mpuinc environment='' OPTIND=1
    while getopts dv:re: option; do
        case $option in
            d) base=disk ;;
            v) view=$OPTARG ;;
            r) mode=ro ;;
            e) environment="$environment $OPTARG" ;;
            *) return 1 ;;
        esac
    done
    shift $((OPTIND - 1))
    [ $# -gt 0 ] || set -- dockerd-entrypoint.sh
    [ "$view" != host ] || letters=mpuin
    mkdir -p "$BOX" "$OUT/root"
    status=0
    # shellcheck disable=SC2086 # the values have no blanks
    box -n "$letters" -g "$BOX" -p "$OUT/pid" sh /guest/container "$base" "$view" "$mode" \
        env -i PATH=$CONTAINER_PATH HOME=/ DOCKER_TLS_CERTDIR= DIND_LOG_LEVEL=debug $environment "$@" \
        >"$OUT/stdout" 2>"$OUT/stderr" || status=$?
    echo "$status" >"$OUT/exit"
}

# engine_is TEXT: shell in place of the stub dockerd. (The stub would become busybox's shell, which goes by its name.)
# shellcheck disable=SC2016 # the engine's own first argument
engine_is() {
    printf '#!/bin/sh\n[ "$1" != --version ] || exit 0\n%s\n' "$1" >"$SCENARIO/dockerd"
    chmod 755 "$SCENARIO/dockerd"
    CONTAINER_PATH=/stub:$CONTAINER_PATH
}

# container_exec COMMAND...: in the container, as `docker exec` does it once its cgroup has children.
container_exec() (
    echo 0 >"$BOX/init/cgroup.procs"
    exec nsenter -t "$(cat "$OUT/pid")" -m -u -i -n -p chroot "$OUT/root" env -i PATH=$CONTAINER_PATH HOME=/ "$@"
)
