# shellcheck shell=bash
# ./dev build, ./dev test, ./dev lint: presets, labels, budgets, skips.

SUITE_CORE=(unit fuzz system e2e)
SUITE_SKIPS=$LAB/skips
# Seconds that all tests of a label may take together on two cores. Core: 25 minutes with the builds.
declare -rA SUITE_BUDGET=([unit]=120 [fuzz]=120 [system]=360 [e2e]=600 [engine]=1200 [asan]=600 [lint]=900 [repro]=300 [musl]=900 [vm]=900
    [newer]=420 [arm64]=600)

# build_preset PRESET: installs, configures and builds.
build_preset() {
    local preset=$1 groups=(build)
    case $preset in
        release) ;;
        dev | coverage) groups+=(test) ;;
        asan-ubsan) groups+=(test sanitize) ;;
        lint) groups+=(test lint) ;;
        fuzz) groups+=(test fuzz) ;;
        *) die "build: unknown preset $preset (release, dev, asan-ubsan, coverage, lint, fuzz)" ;;
    esac
    need_packages "${groups[@]}"
    need_cmake
    step "building the preset $preset"
    (
        cd "$TOP" || exit
        quiet "$LAB/configure-$preset.log" cmake --preset "$preset"
        quiet "$LAB/build-$preset.log" cmake --build --preset "$preset"
    )
}

# suite_labels LABEL...: the regular expression for ctest -L; empty means every test.
suite_labels() {
    local IFS='|'
    if (($# == 0)); then
        printf '^(%s)$' "${SUITE_CORE[*]}"
    elif [[ $1 != all ]]; then
        printf '^(%s)$' "$*"
    fi
}

suite_packages() {
    local label groups=(build test lab) cross=(arm64)
    [[ $(uname -m) != aarch64 ]] || cross=()
    for label in "$@"; do
        case $label in
            all) groups+=(sanitize lint musl vm "${cross[@]}") ;;
            asan) groups+=(sanitize) ;;
            lint | musl | vm) groups+=("$label") ;;
            arm64) groups+=("${cross[@]}") ;;
            *) [[ -n ${SUITE_BUDGET[$label]:-} ]] || die "test: unknown label $label (${!SUITE_BUDGET[*]} all)" ;;
        esac
    done
    need_packages "${groups[@]}"
}

# Everything that tests printed as "SKIP: NAME: REASON", once.
suite_collect_skips() {
    { grep -h -o '^SKIP: .*' "$1" || true; } | sed 's/^SKIP: //' | sort -u >"$SUITE_SKIPS"
    if [[ -s $SUITE_SKIPS ]]; then
        printf '\nskipped:\n'
        sed 's/^/  /' "$SUITE_SKIPS"
    else
        printf '\nskipped: nothing\n'
    fi
}

# suite_budgets SUMMARY: compares ctest's times by label with what they may take.
suite_budgets() {
    local label used status=0
    printf '\ntime by label (budget):\n'
    for label in "${!SUITE_BUDGET[@]}"; do
        used=$(sed -n "s/^$label *= *\([0-9]*\)\.[0-9]* sec.*/\1/p" "$1")
        [[ -n $used ]] || continue
        printf '  %-7s %5s s (%s s)\n' "$label" "$used" "${SUITE_BUDGET[$label]}"
        if ((used > SUITE_BUDGET[$label])); then
            printf 'dev: label %s took longer than its budget\n' "$label"
            status=1
        fi
    done
    return "$status"
}

# suite_main LABEL...: ctest's own closing summary comes last; the skips and the budgets stand before it.
suite_main() {
    local status=0 labels folder=$BUILD/dev summary=$LAB/ctest-summary
    need_root "the test suite (namespaces, mounts, a real engine)"
    suite_packages "$@"
    labels=$(suite_labels "$@")
    build_preset release
    build_preset dev
    local arguments=(--test-dir "$folder" --output-on-failure --no-tests=error --timeout 300)
    [[ -z $labels ]] || arguments+=(-L "$labels")
    : >"$summary"
    step "running the tests"
    # The summary is held back and printed at the very end.
    ctest "${arguments[@]}" </dev/null | awk -v summary="$summary" '
        /^[0-9]+% tests passed/ { held = 1 }
        held { print >summary; next }
        { print; fflush() }' || status=1
    suite_collect_skips "$folder/Testing/Temporary/LastTest.log"
    suite_budgets "$summary" || status=1
    printf '\n'
    grep -v -E '^$|^Label Time Summary|sec\*proc' "$summary" || status=1
    return "$status"
}

# lint_scripts: what begins with "#!" and a shell, and what the virtual machines run.
lint_scripts() {
    {
        find . \( -name build -o -name .git \) -prune -o -type f -print0 |
            xargs -0 awk 'FNR == 1 && /^#!.*sh$/ { print FILENAME } { nextfile }'
        find ./tests/vm/guest -type f
    } | sort -u
}

lint_shell() {
    # -x -a: what a script sources is checked with it.
    step "shellcheck"
    (
        cd "$TOP" || exit
        lint_scripts | xargs -d '\n' shellcheck -x -a
    )
}

lint_format() {
    step "clang-format"
    find "$TOP"/{base,config,certs,entrypoint,tests} -name '*.[ch]' -print0 |
        xargs -0 clang-format --dry-run --Werror --style=file
}

lint_main() {
    need_packages build test lint
    lint_shell
    lint_format
    # From nothing: objects do not depend on .clang-tidy and cppcheck's files.
    rm -rf "$BUILD/lint"
    build_preset lint
}
