#!/bin/sh
# Runs and models on a host, for whoever removes those that nobody needs there any more.
#
#   host_files.sh list   HOME            the disk: kilobytes in all, and free; then a line a run or model:
#                                        kind, bytes, seconds since it was written, `ended` or `open`, path
#   host_files.sh remove HOME (PATH)…    of each, a line: `removed`, `kept` if a process works there, or `gone`
#
# Paths start from HOME. ringrift/fleet/host_files.py writes the arguments in front of this text and sends both to
# `sh -s`: nothing is installed.
set -u

if stat -c %Y . >/dev/null 2>&1; then option=-c form=%Y; else option=-f form=%m; fi # macOS

facts() { # (PATH)…: bytes, and seconds since the newest file was written
    newest=$(find "$@" -type f -exec stat "$option" "$form" {} + 2>/dev/null | sort -n | tail -n 1)
    kilobytes=$(du -sk "$@" 2>/dev/null | awk '{ sum += $1 } END { print sum + 0 }')
    echo "$((kilobytes * 1024)) $(($(date +%s) - ${newest:-$(date +%s)}))"
}

list() {
    echo "disk $(df -Pk . | awk 'NR == 2 { print $3 + $4, $4 }')"
    for run in ./data/runs/*/*/; do
        run=${run%/}
        [ -d "$run" ] && [ ! -L "$run" ] || continue
        if [ -f "$run/report.json" ]; then state=ended; else state=open; fi
        echo "run $(facts "$run") $state ${run#./}"
    done
    for model in ./models/*/*.pth; do
        [ ! -f "$model" ] || echo "model $(facts "$model" "${model%.pth}.json") ended ${model#./}"
    done
    echo end
}

busy() { # a run: whether a process holds its lock
    [ -e "$1/.lock" ] && command -v flock >/dev/null && ! flock -n "$1/.lock" true
}

remove() { # (PATH)…
    rm -rf ./data/runs/*/.*.going # what a killed process has left
    for path; do
        if [ ! -e "./$path" ]; then
            echo gone
        elif [ ! -d "./$path" ]; then # the .json first: a .pth without its description is no model
            if rm -f "./${path%.pth}.json" "./$path"; then echo removed; else echo kept; fi
        elif busy "./$path"; then
            echo kept
        else # gone at once for everybody, also if removing is cut short
            going=./$(dirname "$path")/.$(basename "$path").going
            if mv "./$path" "$going" && rm -rf "$going"; then echo removed; else echo kept; fi
        fi
    done
}

main() {
    verb=$1
    case $2 in \~) home=$HOME ;; \~/*) home=$HOME/${2#??} ;; *) home=$2 ;; esac
    mkdir -p "$home" && cd "$home" || exit 3
    shift 2
    "$verb" "$@"
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
