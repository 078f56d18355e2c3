#!/bin/sh
# How busy a host is, a name and values a line: usage.sh HOME SECONDS. Asks only, and changes nothing.
# ringrift/fleet/usage.py writes the arguments in front of this text and sends both to `sh -s`.
set -u

path_of() { # a path that may begin with ~/
    case $1 in \~) echo "$HOME" ;; \~/*) echo "$HOME/${1#??}" ;; *) echo "$1" ;; esac
}

existing() { # the nearest folder above a path that is there
    place=$1
    while [ ! -d "$place" ]; do place=$(dirname "$place"); done
    echo "$place"
}

ticks() { # of all processors since the start of the machine: busy, and in all
    awk '/^cpu / { for (i = 2; i <= 9; i++) all += $i; print all - $5 - $6, all }' /proc/stat 2>/dev/null
}

main() {
    before=$(ticks)
    sleep "$2"
    # shellcheck disable=SC2046
    echo "cpu $(echo $before $(ticks) | awk 'NF == 4 && $4 > $2 { printf "%.1f", 100 * ($3 - $1) / ($4 - $2) }')"
    echo "cores $(getconf _NPROCESSORS_ONLN 2>/dev/null)"
    echo "load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null)"
    echo "memory $(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { print total, $2 }' /proc/meminfo 2>/dev/null)"
    echo "disk $(df -Pk "$(existing "$(path_of "$1")")" | awk 'NR == 2 { print $3 + $4, $4 }')"
    nvidia-smi --query-gpu=utilization.gpu,memory.used,memory.total --format=csv,noheader,nounits 2>/dev/null |
        tr -d ',' | sed 's/^/gpu /'
    echo end
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
