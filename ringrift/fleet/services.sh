#!/bin/sh
# The services of a host, which are units of its user's systemd.
#
#   services.sh state                       what is there, a line each: `unit NAME SHA256`, `enabled NAME`, `active NAME`
#   services.sh install HOME NAME BASE64 …  units with their contents; HOME is the folder that they work in
#   services.sh start SECONDS NAME …        now and at every start of the machine; for so long it is watched
#   services.sh restart SECONDS NAME …
#   services.sh stop NAME …                 now and for ever
#
# ringrift/fleet/services.py puts the arguments in front of this text.
set -u

fail() {
    echo "$*" >&2
    exit 3
}

ctl() {
    systemctl --user "$@" 2>&1
}

state() {
    command -v systemctl >/dev/null ||
        fail "there is no systemd on this host, so that it has no services: its self-play is the loop's jobs alone"
    for unit in "$folder"/ringrift-*.service; do
        [ ! -f "$unit" ] || echo "unit ${unit##*/} $(sha256sum <"$unit" | cut -d ' ' -f 1)"
    done
    for link in "$folder"/default.target.wants/ringrift-*.service; do
        [ ! -L "$link" ] || echo "enabled ${link##*/}"
    done
    # Where no session has begun yet, nothing is active.
    ctl list-units --plain --no-legend --state=active 'ringrift-*' | sed -n 's/^\(ringrift-[^ ]*\.service\).*/active \1/p'
}

install() { # HOME NAME BASE64 …
    case $1 in \~) home=$HOME ;; \~/*) home=$HOME/${1#??} ;; *) home=$1 ;; esac
    shift
    mkdir -p "$home" "$folder" || fail "$folder: cannot be written; is the disk full?"
    while [ $# -gt 0 ]; do
        echo "$2" | base64 -d >"$folder/.$1.$$" && mv -f "$folder/.$1.$$" "$folder/$1" || fail "$folder: cannot be written"
        shift 2
    done
    # Without it the services of a user end with his last session, and do not begin with the machine.
    ! command -v loginctl >/dev/null || loginctl enable-linger 2>/dev/null ||
        fail "its user may not keep services running: as root there, \`loginctl enable-linger $(id -un)\`"
    said=$(ctl daemon-reload) || fail "the systemd of its user does not answer: $(echo "$said" | tail -n 1)"
}

why() { # NAME: the last thing that a service has said
    journalctl --user --unit "$1" --lines 1 --output cat 2>/dev/null | tail -n 1
}

stay() { # SECONDS NAME …: whoever finds something wrong at its beginning has ended within that time
    left=$1
    shift
    while :; do
        for each in "$@"; do
            [ "$(ctl is-active "$each")" = active ] || fail "service $each does not start: $(why "$each")"
        done
        [ "$left" -gt 0 ] || break
        left=$((left - 1))
        sleep 1
    done
}

start() { # SECONDS NAME …
    seconds=$1
    shift
    for each in "$@"; do
        said=$(ctl enable "$each") || fail "service $each cannot be enabled: $(echo "$said" | tail -n 1)"
        said=$(ctl start "$each") || fail "service $each does not start: $(echo "$said" | tail -n 1)"
    done
    stay "$seconds" "$@"
}

restart() { # SECONDS NAME …
    seconds=$1
    shift
    for each in "$@"; do
        said=$(ctl restart "$each") || fail "service $each does not start: $(echo "$said" | tail -n 1)"
    done
    stay "$seconds" "$@"
}

stop() { # NAME …
    said=$(ctl disable --now "$@") || fail "services cannot be stopped: $(echo "$said" | tail -n 1)"
}

main() {
    folder=${XDG_CONFIG_HOME:-$HOME/.config}/systemd/user
    export XDG_RUNTIME_DIR="${XDG_RUNTIME_DIR:-/run/user/$(id -u)}"
    "$@"
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
