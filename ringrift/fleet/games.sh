#!/bin/sh
# The games of a host, for whoever brings them to another place.
#
#   games.sh list    HOME                       the folder of games, whether there is rsync, and a line a file
#   games.sh measure FOLDER (PATH LENGTH)…      of each file, a line: SHA-256 of its first bytes, and lines after them
#   games.sh remove  FOLDER (PATH SHA256 GAMES)…   of each closed file, a line: `removed`, `kept`, `differs` or `gone`
#
# ringrift/fleet/sync.py writes the arguments in front of this text and sends both to `sh -s`: nothing is installed.
set -u

list() { # HOME
    case $1 in \~) home=$HOME ;; \~/*) home=$HOME/${1#??} ;; *) home=$1 ;; esac
    echo "folder $home/data/selfplay"
    echo "rsync $(command -v rsync)"
    cd "$home/data/selfplay" 2>/dev/null || return 0
    if stat -c %s . >/dev/null 2>&1; then option=-c form='%s %Y %n'; else option=-f form='%z %m %N'; fi # macOS
    # A file that is compressed meanwhile has gone when its turn comes.
    find . -name '.?*' -prune -o -type f \( -name '*.jsonl' -o -name '*.jsonl.gz' \) ! -path '*
*' -exec stat "$option" "$form" {} + 2>/dev/null
    return 0
}

sum_of() { # standard input
    if command -v openssl >/dev/null; then # three times as fast: it uses what processors have for this
        openssl dgst -sha256 -r
    elif command -v sha256sum >/dev/null; then
        sha256sum
    else
        shasum -a 256
    fi | cut -c 1-64
}

measure() { # FOLDER (PATH LENGTH)…
    cd "$1" || exit 3
    shift
    while [ $# -ge 2 ]; do
        found="$(head -c "$2" "./$1" 2>/dev/null | sum_of) $(tail -c "+$(($2 + 1))" "./$1" 2>/dev/null | wc -l)"
        if [ -e "./$1" ]; then echo "$found"; else echo "gone 0"; fi # compressed meanwhile, or removed
        shift 2
    done
}

remove() { # FOLDER (PATH SHA256 GAMES)…
    cd "$1" || exit 3
    shift
    while [ $# -ge 3 ]; do
        list=./${1%.jsonl.gz}.taken # by which its worker knows the games that it has played
        new=${list%/*}/.taken.$$
        if [ ! -e "./$1" ]; then
            echo gone
        elif [ "$(sum_of <"./$1")" != "$2" ]; then
            echo differs
        elif { printf '%s\n' "$3" >"$new" && mv -f "$new" "$list" && rm -f "./$1"; } 2>/dev/null; then
            echo removed
        # The disk is full: what is to go makes room for the list.
        elif { mv -f "./$1" "$new" && printf '%s\n' "$3" >"$new" && mv -f "$new" "$list"; } 2>/dev/null; then
            echo removed
        else
            echo kept
        fi
        shift 3
    done
}

main() {
    verb=$1
    shift
    "$verb" "$@"
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
