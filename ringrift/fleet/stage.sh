#!/bin/sh
# Files for a job on a host, and what it makes, for whoever stages them in and out.
#
#   stage.sh sums   HOME (PATH)…           the folder HOME, then of each file: its SHA-256, its bytes, `none 0` without
#   stage.sh begun  HOME PATH              how many bytes of the file have come so far
#   stage.sh add    HOME PATH BYTES        standard input is what follows the first BYTES that have come
#   stage.sh finish HOME PATH SHA256       what has come is the file, if that is its checksum
#   stage.sh clear  HOME FOLDER PREFIX (NAME)…   remove the files of a folder that begin so and are not named
#
# Paths start from HOME. ringrift/fleet/staging.py puts the arguments in front of this text.
set -u

fail() {
    echo "$*" >&2
    exit 3
}

sum_of() {
    if command -v sha256sum >/dev/null; then sha256sum <"$1"; else shasum -a 256 <"$1"; fi | cut -c 1-64
}

size_of() {
    wc -c <"$1" | tr -d ' '
}

main() {
    verb=$1
    case $2 in \~) home=$HOME ;; \~/*) home=$HOME/${2#??} ;; *) home=$2 ;; esac
    mkdir -p "$home" && cd "$home" || exit 3
    shift 2
    coming=$(dirname "./$1")/.$(basename "$1").coming
    case $verb in
    sums)
        echo "$home"
        for path in "$@"; do
            if [ -f "./$path" ]; then echo "$(sum_of "./$path") $(size_of "./$path")"; else echo 'none 0'; fi
        done
        ;;
    begun)
        mkdir -p "$(dirname "./$1")" || exit 3
        # What a `finish` that was killed has left; none takes an hour.
        find "$(dirname "./$1")" -maxdepth 1 -name '.*.coming.*' -mmin +60 -exec rm -f {} +
        if [ -f "$coming" ]; then size_of "$coming"; else echo 0; fi
        ;;
    add)
        [ "$2" = 0 ] && : >"$coming"
        [ "$(size_of "$coming")" = "$2" ] || fail "$1: another process brings it just now"
        cat >>"$coming" || fail "$1: cannot be written; is the disk full?"
        ;;
    finish)
        [ -f "$coming" ] || fail "$1: another process brings it just now"
        # A copy, since another sender, or one whose connection was cut, may still write to what has come.
        trap 'rm -f "$coming.$$"' EXIT
        cp "$coming" "$coming.$$" || fail "$1: cannot be written; is the disk full?"
        rm -f "$coming"
        [ "$(sum_of "$coming.$$")" = "$2" ] || fail "$1: came damaged"
        mv -f "$coming.$$" "./$1" || exit 3
        ;;
    clear)
        cd "./$1" || exit 0
        prefix=$2
        shift 2
        for path in "$prefix"*; do
            for kept in "$@"; do [ "$path" != "$kept" ] || continue 2; done
            rm -f "./$path"
        done
        ;;
    esac
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
