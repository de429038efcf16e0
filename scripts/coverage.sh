#!/usr/bin/env bash
# Line and branch coverage of boxes/ by the tests in a scratch FOLDER: both geometries of blocks and
# the hardened build together.  Called by ./hak coverage FOLDER.
set -euo pipefail

mkdir -p "$1"
folder=$(realpath "$1")
cd "$(dirname "$0")/.." # gcovr's filters start from here
gcc -O1 -fPIC -ftls-model=initial-exec -c scripts/gcov_exit.c -o "$folder/exit.o"

filters=(-r . -f 'boxes/.*')
reports=()
for options in header_classidx=false header_classidx=true hardening=full; do
    build=$folder/$options
    [[ -f $build/build.ninja ]] ||
        meson setup --buildtype=debug -Db_coverage=true -Dbench=false "-D$options" \
            -Dc_args=-fprofile-update=atomic \
            -Dc_link_args="--coverage -Wl,--wrap=abort -Wl,--wrap=_exit $folder/exit.o" \
            "$build" .
    ninja -C "$build"
    # Tests may fail in such builds: gcov writes messages, files and memory of its own.
    meson test -C "$build" --no-rebuild --num-processes 1 -t 3 \
        --suite box --suite core --suite api --suite misuse \
        --suite traps --suite traps-preloaded --suite stress || true
    # A check's other branch is a bug of hakmem.
    gcovr "${filters[@]}" --object-directory "$build" "$build" \
        --exclude-branches-by-pattern '.*HAK_(ASSERT|CHECK)\(.*' --json "$build/coverage.json"
    reports+=(-a "$build/coverage.json")
done
for branches in '' -b; do
    gcovr "${filters[@]}" "${reports[@]}" $branches --txt
done
