#!/bin/sh
# A closed file of games on its way into an archive, which is its standard input.
#
#   archive.sh HOME PATH SHA256 CALLER    it becomes data/selfplay/PATH, if it has this checksum
#
# CALLER is another word for each who calls, so that two at once do not write to the same file.
# ringrift/fleet/archive.py puts the arguments in front of this text.
set -u

sum_of() { # standard input
    if command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -c 1-64
}

main() {
    case $1 in \~) home=$HOME ;; \~/*) home=$HOME/${1#??} ;; *) home=$1 ;; esac
    games=$home/data/selfplay
    target=$games/$2
    coming=$games/.incoming/$4
    mkdir -p "$games/.incoming" "${target%/*}" || exit 3
    # What was cut or killed on its way; nothing takes an hour.
    find "$games/.incoming" -type f -mmin +60 -exec rm -f {} +
    if ! cat >"$coming"; then
        rm -f "$coming"
        exit 3
    fi
    if [ "$(sum_of <"$coming")" != "$3" ]; then
        rm -f "$coming"
        echo "$2 came damaged" >&2
        exit 3
    fi
    mv -f "$coming" "$target" || exit 3
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
