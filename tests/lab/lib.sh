# shellcheck shell=bash
# Paths, messages and small helpers for every script of the lab. Sourced, never run.

TOP=$(cd "$(dirname "${BASH_SOURCE[0]}")/../.." && pwd)
BUILD=$TOP/build
LAB=$BUILD/lab
ROOTS=$BUILD/roots
# shellcheck disable=SC2034 # not every script that sources this has to do with an engine
ENGINE=$BUILD/${DIND_LAB_ENGINE_NAME:-engine}

say() { printf '%s\n' "$*" >&2; }
step() { printf -- '-- %s\n' "$*" >&2; }
die() {
    printf 'dev: %s\n' "$*" >&2
    exit 1
}

# quiet LOG COMMAND...: what the command prints is of interest only if it fails.
quiet() {
    local log=$1
    shift
    mkdir -p "$(dirname "$log")"
    "$@" >"$log" 2>&1 </dev/null && return 0
    local status=$?
    tail -n 40 "$log" >&2
    say "dev: failed with status $status (whole output: $log): $*"
    return "$status"
}

need_root() {
    [[ $(id -u) == 0 ]] || die "$1 needs root (namespaces, mounts, apt): run it as root"
}

# A process is known by its id together with its start time, so that an id that was given away again is never hit.
process_start() { sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -d' ' -f20; }
process_save() { printf '%s %s\n' "$1" "$(process_start "$1")" >"$2"; }
process_saved() {
    local pid start
    [[ -s $1 ]] || return 1
    read -r pid start <"$1"
    [[ -n $start && $(process_start "$pid") == "$start" ]] || return 1
    printf '%s\n' "$pid"
}

now_ms() { date +%s%3N; }
