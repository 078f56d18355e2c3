#!/bin/sh
# What a host has, a name and a value a line: facts.sh CODE HOME PYTHON. Asks only, and changes nothing.
# ringrift/fleet/check.py writes the arguments in front of this text and sends both to `sh -s`.
set -u

path_of() { # a path that may begin with ~/
    case $1 in \~) echo "$HOME" ;; \~/*) echo "$HOME/${1#??}" ;; *) echo "$1" ;; esac
}

existing() { # the nearest folder above a path that is there
    place=$1
    while [ ! -d "$place" ]; do place=$(dirname "$place"); done
    echo "$place"
}

main() {
    code=$(path_of "$1") home=$(path_of "$2")
    date "+clock %s.%N" # first: whoever asks knows when this was
    echo "disk $(df -Pk "$(existing "$home")" | awk 'NR == 2 { print $4 }')"
    echo "memory $(awk '/^MemTotal:/ { total = $2 } /^MemAvailable:/ { print total, $2 }' /proc/meminfo 2>/dev/null)"
    echo "cores $(getconf _NPROCESSORS_ONLN 2>/dev/null)"
    echo "load $(cut -d ' ' -f 1 /proc/loadavg 2>/dev/null)"
    echo "python $("$3" -c 'import sys; print(".".join(map(str, sys.version_info[:3])))' 2>/dev/null)"
    for program in bash flock rsync; do echo "$program $(command -v "$program")"; done
    if [ -x "$code/current/bin/ringrift" ]; then
        echo "ringrift $("$code/current/bin/ringrift" --version 2>/dev/null | cut -d ' ' -f 2)"
        echo "release $(readlink "$code/current" | sed 's|.*/||')"
    fi
    nvidia-smi --query-gpu=name,driver_version,memory.total --format=csv,noheader 2>/dev/null | sed 's/^/gpu /'
    echo end
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
