#!/usr/bin/env bash
# Looks for inputs that break a fuzz target of tests/fuzz, with clang's libFuzzer.
#   scripts/fuzz.sh TARGET SECONDS [BUILD OPTION...]     e.g. scripts/fuzz.sh heap 60 -Dprewarm=true
# New inputs go to build-fuzz/corpus/TARGET, those that fail to build-fuzz/failures.
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
targets="heap span registry_radix registry_flat"
target=${1:-} seconds=${2:-}
if [[ " $targets " != *" $target "* || -z $target || ! $seconds =~ ^[1-9][0-9]*$ ]]; then
    echo "usage: scripts/fuzz.sh TARGET SECONDS [BUILD OPTION...]; targets: $targets" >&2
    exit 2
fi
shift 2
if ! command -v clang++ >/dev/null; then
    echo "scripts/fuzz.sh: clang is not installed" >&2
    exit 2
fi
out=${HAK_FUZZ_OUT:-$root/build-fuzz}
[[ -f $out/build.ninja ]] ||
    CC=clang CXX=clang++ meson setup --buildtype=release -Dbench=false "$out" "$root"
(($# == 0)) || meson configure "$out" "$@"
ninja -C "$out" "tests/fuzz/fuzz_$target" >/dev/null
mkdir -p "$out/corpus/$target" "$out/failures"
exec "$out/tests/fuzz/fuzz_$target" -max_total_time="$seconds" -timeout=60 -max_len=2048 \
    -len_control=20 -artifact_prefix="$out/failures/" -print_final_stats=1 \
    "$out/corpus/$target" "$root/tests/fuzz/corpus/${target%%_*}"
