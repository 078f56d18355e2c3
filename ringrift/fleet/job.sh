#!/bin/sh
# Jobs on a host: start, watch and kill commands that outlive the connection that started them.
#
#   job.sh start  ROOT ID FOLDER GPUS COMMAND [EXPORTS]   begin; a second start of the same job changes nothing
#   job.sh status ROOT ID [OFFSET [LIMIT]]                what became of it, and its log from a byte on
#   job.sh output ROOT ID                                 what the command has written to "$RINGRIFT_JOB/output"
#   job.sh kill   ROOT ID [SECONDS]                       end all its processes: TERM, and KILL after so many seconds
#   job.sh list   ROOT                                    a line a job: its state and its name
#   job.sh sweep  ROOT SECONDS [tell]                     remove jobs that ended longer ago than that, or only tell
#                                                         which: a line each, its bytes and its name
#
# A job is the folder ROOT/ID. Whoever makes it owns the start, so that there is one however often it is asked for.
# GPUS are numbers with spaces between; each is locked for as long as the job has processes, and what a command has left
# behind at its end is ended. EXPORTS are lines of shell.
# ringrift/fleet/jobs.py writes the arguments in front of this text and sends both to `sh -s`: nothing is installed, and
# no argument shows in a list of processes. Answers 0; 3 with one line when it cannot be done.
#
# In the folder: `created`, `boot` (of the kernel), `folder`, `gpus`, `command`, `exports`, `run`; then `pid` of the
# runner, `heartbeat`, `log`, and at the end `exit` with the code, which appears whole by a rename. `killed` says that
# somebody asked for the end.
set -u
umask 077

STARTING=60 # seconds in which a job that was begun must have its runner
BEAT=10     # seconds between two heartbeats

fail() {
    echo "$*" >&2
    exit 3
}

boot_id() {
    cat /proc/sys/kernel/random/boot_id 2>/dev/null || sysctl -n kern.boottime 2>/dev/null || echo unknown
}

now() {
    date +%s
}

content() { # of a small file of the job; nothing if it is not there
    cat "$job/$1" 2>/dev/null
}

put() { # a small file that is there whole or not at all: put NAME TEXT
    printf '%s\n' "$2" >"$job/.$1.$$" && mv -f "$job/.$1.$$" "$job/$1"
}

reserve() { # room on the disk for a short line: reserve NAME; who reads it drops the empty lines at its end
    printf '\n\n\n\n\n\n\n\n\n\n\n\n' >"$job/.$1"
}

# What the runner has to know, too.
shared() {
    cat <<'SHARED'
marked() { # those of some /proc/PID/environ that have the mark of the job, which its processes inherit
    if printf 'x\0' | grep -qzxF x 2>/dev/null; then
        grep -lszxF "RINGRIFT_JOB=$job/" "$@"
        return
    fi
    for each in "$@"; do # one by one where grep ends at a zero, as that of busybox may
        [ -e "${each%environ}exe" ] && tr '\0' '\n' <"$each" | grep -qxF "RINGRIFT_JOB=$job/" && echo "$each"
    done 2>/dev/null
}
SHARED
}
eval "$(shared)"

# Whether the runner lives. What it has in its environment tells it from a stranger with the same number, and a zombie,
# for which `kill -0` answers yes, has none.
runner_lives() { # sets $pid
    pid=$(content pid)
    [ -n "$pid" ] || return 1
    if [ -d /proc/self ]; then
        [ -n "$(marked "/proc/$pid/environ")" ]
    else
        case $(ps -o stat= -p "$pid" 2>/dev/null) in '' | Z*) return 1 ;; esac
    fi
}

# All processes of the job that live, also those that have left its process group.
processes() {
    if [ -d /proc/self ]; then
        marked /proc/[0-9]*/environ | cut -d / -f 3
    else
        ps -A -o pid= -o pgid= -o stat= | awk -v group="$(content pid)" '$2 == group && $3 !~ /^Z/ { print $1 }'
    fi
}

unless_killed() { # sets $state
    state=$1
    [ ! -e "$job/killed" ] || state=killed
}

state_of() { # sets $state
    if [ ! -d "$job" ]; then
        state=missing
    elif [ -e "$job/exit" ]; then
        unless_killed 'done'
    elif [ -e "$job/boot" ] && [ "$(content boot)" != "$(boot_id)" ]; then
        unless_killed lost
    elif runner_lives; then
        state=running
    elif [ -e "$job/exit" ]; then # it ended between the two looks
        unless_killed 'done'
    elif [ -n "$pid" ]; then
        unless_killed lost
    else
        [ -e "$job/created" ] || put created "$(now)" # its starter died at once: from now on it is waited for
        began=$(content created)
        unless_killed running
        [ $(($(now) - ${began:-0})) -le "$STARTING" ] || unless_killed lost
    fi
}

# The program that watches over one command, in bash: it alone has a number for the lock of every GPU.
write_runner() {
    {
        shared
        cat <<'RUNNER'
job=$1 beat=$2
umask 022
cd "$job" || exit 3
put() {
    printf '%s\n' "$2" >".$1.$$" && mv -f ".$1.$$" "$1"
}
keep() { # as `put`, in the room that `reserve` has made, so also on a full disk
    printf '%s\n' "$2" 1<>".$1" && mv -f ".$1" "$1"
}
told=
trap '' HUP
trap 'told=1' TERM INT # the command gets the signal too; this process stays to write down how it ended
keep pid "$$"          # before the look at `killed`: who kills sees the one, or this process sees the other
[ ! -e killed ] || exit 0
exec >>log 2>/dev/null # where bash would tell of every signal that ends a process
(
    unset RINGRIFT_JOB # what it begins is nothing that the command leaves behind
    nap=
    trap 'kill $nap; exit' TERM
    while [ -e created ] && [ ! -e exit ]; do
        put heartbeat "$(date +%s)" # fails on a full disk, which may have room again
        sleep "$beat" &
        nap=$!
        wait "$nap"
    done
) &
pulse=$!

watch() {
    local gpu lock child code=127 answer again=1
    for gpu in $(sed s/any// gpus); do
        if ! exec {lock}>>"../.gpu-$gpu.lock"; then # the command inherits it
            echo "GPU $gpu cannot be locked: its file cannot be written"
            return 3
        fi
        flock -n "$lock" && continue
        echo "waiting for GPU $gpu: another job has it"
        until flock -n "$lock"; do
            [ ! -e killed ] || return 143
            sleep 1
        done
    done
    told=
    (
        trap - TERM INT
        visible=$(tr ' ' , <gpus)
        [ "$visible" = any ] || export CUDA_VISIBLE_DEVICES="$visible"
        # shellcheck disable=SC1091 # made by `start`
        . ./exports
        cd "$(cat folder)" || exit 3
        exec bash -c "$(cat "$job/command")"
    ) </dev/null 2>&1 &
    child=$!
    while [ "$again" ]; do # a signal interrupts the waiting
        told=
        wait "$child"
        answer=$?
        [ "$answer" = 127 ] || code=$answer
        again=$told
    done
    return "$code"
}

# What the command has left behind gets a second to end by itself, TERM, and KILL ten seconds later. Whoever has asked
# for the end sees to it, too.
# shellcheck disable=SC2086 # numbers with spaces between
end_rest() {
    local rounds=0 left
    while [ ! -e killed ] && [ $rounds -lt 100 ]; do
        set -- /proc/[0-9]*/environ # now, before there is a subshell, which would count as left behind
        left=$(marked "$@" | cut -d / -f 3 | grep -vx "$$")
        [ -n "$left" ] || break
        [ $rounds -ne 5 ] || echo "the command has ended; so must what it has left behind: process" $left
        case $rounds in
        5 | 25 | 45) kill -s TERM $left ;;
        5[5-9] | [6-9]?) kill -s KILL $left ;;
        esac
        sleep 0.2
        rounds=$((rounds + 1))
    done
}

watch
code=$?
kill -s KILL "$pulse" # TERM could be lost on one that is just being born
wait "$pulse"
unset RINGRIFT_JOB
end_rest
put heartbeat "$(date +%s)"
keep exit "$code"
RUNNER
    } >"$job/run"
}

start() { # FOLDER GPUS COMMAND [EXPORTS]
    folder=$1 gpus=$2 command=$3 exports=${4-}
    case $folder in \~) folder=$HOME ;; \~/*) folder=$HOME/${folder#??} ;; esac
    command -v bash >/dev/null || fail "there is no bash on this host"
    mkdir -p "$root" || fail "$root: cannot be made"
    if mkdir "$job" 2>/dev/null; then
        # What is wrong is found before a job is left behind.
        problem=
        if [ ! -d "$folder" ]; then
            problem="there is no folder $folder on this host"
        elif [ -n "${gpus#any}" ] && ! command -v flock >/dev/null; then
            problem="flock is missing on this host (package util-linux); a job that needs a GPU cannot lock it"
        elif ! {
            put created "$(now)" && put boot "$(boot_id)" && put folder "$folder" && put gpus "$gpus" &&
                put command "$command" && put exports "$exports" && write_runner && : >>"$job/log" &&
                reserve pid && reserve exit
        }; then
            problem="$job: cannot be written; is the disk full?"
        fi
        if [ -n "$problem" ]; then
            rm -rf "$job"
            fail "$problem"
        fi
        export RINGRIFT_JOB="$job/"
        if command -v setsid >/dev/null; then
            setsid bash "$job/run" "$job" "$BEAT" </dev/null >/dev/null 2>&1 &
        else # macOS
            perl -MPOSIX -e 'setsid; exec @ARGV' bash "$job/run" "$job" "$BEAT" </dev/null >/dev/null 2>&1 &
        fi
        echo started
    elif [ -d "$job" ]; then
        echo exists
    else
        fail "$job: cannot be made"
    fi
}

status() { # [OFFSET [LIMIT]]
    state_of
    echo "state $state"
    if [ "$state" != missing ]; then
        size=$(wc -c 2>/dev/null <"$job/log") || size=0
        echo "code $(content exit)"
        echo "pid $(content pid)"
        echo "now $(now)"
        echo "heartbeat $(content heartbeat)"
        echo "size $((size))"
    fi
    echo
    [ "$state" = missing ] || tail -c "+$((${1:-0} + 1))" "$job/log" 2>/dev/null | head -c "${2:-65536}"
}

signal() { # every process in $left
    for each in $left; do kill -s "$1" "$each" 2>/dev/null; done
}

end() { # [SECONDS]
    state_of
    case $state in
    missing) ;;
    *)
        [ "$state" = 'done' ] || : >>"$job/killed" || fail "$job: cannot be written; is the disk full?"
        # A runner that is just starting is waited for: it finds the marker, or is found.
        rounds=0
        while [ "$state" = running ] && [ ! -e "$job/pid" ] && [ $rounds -lt 20 ]; do
            sleep 0.1
            rounds=$((rounds + 1))
        done
        rounds=0
        while left=$(processes) && [ -n "$left" ] && [ $rounds -le $((${1:-10} * 5)) ]; do
            # Again every two seconds: a process that was just being born may have missed it.
            [ $((rounds % 10)) -ne 0 ] || signal TERM
            sleep 0.2
            rounds=$((rounds + 1))
        done
        rounds=0
        while left=$(processes) && [ -n "$left" ]; do
            [ $rounds -lt 50 ] || fail "$job: these processes cannot be killed: $(echo "$left" | tr '\n' ' ')"
            signal KILL
            sleep 0.1
            rounds=$((rounds + 1))
        done
        [ "$state" = 'done' ] || state=killed
        ;;
    esac
    echo "state $state"
}

jobs_of() { # what to do with each: sets $job
    for job in "$root"/*/; do
        job=${job%/}
        [ ! -e "$job/created" ] || "$@"
    done
}

tell() {
    state_of
    echo "$state ${job##*/}"
}

remove_old() { # SECONDS [tell]
    state_of
    [ "$state" != running ] || return 0
    last=$(content heartbeat)
    [ -n "$last" ] || last=$(content created)
    [ $(($(now) - last)) -gt "$1" ] || return 0
    [ -z "$(processes)" ] || return 0
    size=$(($(du -sk "$job" | cut -f 1) * 1024))
    # Gone at once for everybody, also if removing is cut short.
    if [ -n "${2-}" ] || mv "$job" "$root/.swept-${job##*/}"; then echo "$size ${job##*/}"; fi
}

sweep() { # SECONDS [tell]
    jobs_of remove_old "$@"
    rm -rf "$root"/.swept-*
}

main() {
    [ $# -ge 2 ] || fail "usage: job.sh start|status|output|kill|list|sweep ROOT …"
    verb=$1 root=$2
    shift 2
    case $root in \~/*) root=$HOME/${root#??} ;; /*) ;; *) root=$PWD/$root ;; esac
    root=${root%/}
    case $verb in
    list) jobs_of tell ;;
    sweep) sweep "${1:?}" "${2-}" ;;
    start | status | output | kill)
        case ${1-} in '' | .* | */*) fail "'${1-}' is no name of a job" ;; esac
        job=$root/$1
        shift
        case $verb in
        start) start "$@" ;;
        status) status "$@" ;;
        output) cat "$job/output" 2>/dev/null || : ;;
        kill) end "$@" ;;
        esac
        ;;
    *) fail "'$verb' is no verb of job.sh" ;;
    esac
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
