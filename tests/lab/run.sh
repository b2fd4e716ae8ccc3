# shellcheck shell=bash
# ./dev run: the whole road once, on the engine that answers or on the private one.

RUN_NAME=dind-dev-run
RUN_CERTS=$LAB/run/client
RUN_DOCKER=engine_docker
RUN_KEEP=''
RUN_STARTED_ENGINE=''

user_docker() { command docker "$@"; }

# The user's engine, if one answers (DOCKER_HOST, the context, or the usual socket); DIND_LAB_ENGINE=private passes it by.
run_choose_engine() {
    if [[ ${DIND_LAB_ENGINE:-} != private ]] && command -v docker >/dev/null && user_docker version >/dev/null 2>&1; then
        RUN_DOCKER=user_docker
        step "using the engine that answers: $(user_docker version -f '{{.Server.Version}}')"
        return
    fi
    engine_running || RUN_STARTED_ENGINE=1
    engine_start
}

run_build_image() {
    if [[ $RUN_DOCKER == user_docker ]] && quiet "$LAB/pull.log" user_docker pull -q docker:dind 2>/dev/null; then
        image_build user_docker dind "${BUILD_IMAGE:-alpine:3.22}" docker:dind docker:dind-rootless
        return
    fi
    need_packages lab
    root_make
    image_base "$RUN_DOCKER"
    image_build "$RUN_DOCKER" dind "$IMAGE_BASE" "$IMAGE_BASE" "$IMAGE_BASE"
}

run_wait() {
    local try
    for ((try = 0; try < 600; try++)); do
        "$RUN_DOCKER" exec "$RUN_NAME" dindctl health >"$LAB/health.log" 2>&1 && return 0
        [[ $("$RUN_DOCKER" inspect -f '{{.State.Running}}' "$RUN_NAME") == true ]] || break
        sleep 0.1
    done
    "$RUN_DOCKER" logs --tail 40 "$RUN_NAME" >&2 || true
    cat "$LAB/health.log" >&2
    die "the container did not become ready"
}

# The smallest image that runs: the busybox of the outer image, with its loader if it is not static.
# shellcheck disable=SC2016 # expanded by the container's shell
run_tiny_image() {
    "$RUN_DOCKER" exec "$RUN_NAME" sh -euc '
        cd "$(mktemp -d)"; mkdir bin lib; cp "$(readlink -f "$(command -v busybox)")" bin/busybox; ln -s busybox bin/sh
        for f in /lib/ld-musl-*; do [ ! -e "$f" ] || cp -L "$f" lib/; done; tar -c .'
}

run_inner_docker() {
    "$RUN_DOCKER_CLIENT" --host "tcp://$RUN_ADDRESS:2376" --tlsverify --tlscacert "$RUN_CERTS/ca.pem" \
        --tlscert "$RUN_CERTS/cert.pem" --tlskey "$RUN_CERTS/key.pem" "$@"
}

# run_log_ms PATTERN: when the container's log first had such a line, in ms since the epoch.
run_log_ms() {
    local line
    line=$("$RUN_DOCKER" logs -t "$RUN_NAME" 2>&1 | grep -m 1 -E "$1" || true)
    [[ -n $line ]] && date -d "${line%% *}" +%s%3N
}

run_timeline() {
    local started daemon ready
    started=$(date -d "$("$RUN_DOCKER" inspect -f '{{.State.StartedAt}}' "$RUN_NAME")" +%s%3N)
    daemon=$(run_log_ms 'level=info msg="Starting up"') || daemon=$started
    ready=$(run_log_ms 'msg="API listen on') || ready=$daemon
    cat <<END

timeline
  launcher          container start to dockerd's first line  $((daemon - started)) ms
  engine            to an API that listens                   $((ready - daemon)) ms
  first container   through TLS, started and gone again      $1 ms
END
}

run_cleanup() {
    [[ -z $RUN_KEEP ]] || return 0
    "$RUN_DOCKER" rm -f -v "$RUN_NAME" >/dev/null 2>&1 || true
    rm -rf "$LAB/run"
    [[ -z $RUN_STARTED_ENGINE ]] || engine_stop
}

run_main() {
    local keep='' before
    case ${1:-} in
        --keep) keep=1 ;;
        '') ;;
        *) die "run: unknown argument $1 (--keep is the only one)" ;;
    esac
    build_preset release
    trap run_cleanup EXIT
    run_choose_engine
    RUN_DOCKER_CLIENT=$ENGINE_CLIENT
    [[ $RUN_DOCKER != user_docker ]] || RUN_DOCKER_CLIENT=$(type -P docker)
    run_build_image
    "$RUN_DOCKER" rm -f -v "$RUN_NAME" >/dev/null 2>&1 || true
    step "starting it: docker run --privileged $IMAGE:dind"
    "$RUN_DOCKER" run -d --privileged --name "$RUN_NAME" "$IMAGE:dind" >/dev/null
    run_wait
    mkdir -p "$LAB/run"
    rm -rf "$RUN_CERTS"
    "$RUN_DOCKER" cp "$RUN_NAME:/certs/client" "$RUN_CERTS" >/dev/null 2>&1
    RUN_ADDRESS=$("$RUN_DOCKER" inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}}{{end}}' "$RUN_NAME")
    step "running a container inside it, through tcp://$RUN_ADDRESS:2376 with the generated client certificate"
    run_tiny_image | run_inner_docker import - tiny >/dev/null
    before=$(now_ms)
    run_inner_docker run --rm tiny sh -c 'echo "hello from a container in the container"'
    run_timeline $(($(now_ms) - before))
    if [[ $keep ]]; then
        RUN_KEEP=1
        run_tell_kept
    fi
}

run_tell_kept() {
    cat <<END

It is still up. To use it:
  export DOCKER_HOST=tcp://$RUN_ADDRESS:2376 DOCKER_TLS_VERIFY=1 DOCKER_CERT_PATH=$RUN_CERTS
  $RUN_DOCKER_CLIENT ps
END
    if [[ $RUN_DOCKER == user_docker ]]; then
        printf 'To end it:\n  docker rm -f -v %s\n' "$RUN_NAME"
    else
        printf 'To end it, with the private engine:\n  ./dev clean\n'
    fi
}
