#!/bin/sh
# Program and environment on a host. Below the folder of the code: releases/<digest>, the code as it was packed;
# environments/<digest>, its packages; and `current`, which points at the release in use. What has a name is whole.
#
#   install.sh state       CODE RELEASE ENVIRONMENT PYTHON    what is there: a line each, `yes` or `no`
#   install.sh unpack      CODE RELEASE ENVIRONMENT           standard input, a .tar.gz, becomes the release
#   install.sh environment CODE ENVIRONMENT PYTHON            standard input, a .tar with lists of packages, becomes one
#   install.sh compile     CODE RELEASE                       the rules, for the first game
#   install.sh switch      CODE RELEASE KEEP                  use the release; keep so many: it and the newest others
#
# ringrift/fleet/deploy.py puts the arguments in front of this text.
set -u

fail() {
    echo "$*" >&2
    exit 3
}

says() {
    if "$@" >/dev/null 2>&1; then echo yes; else echo no; fi
}

settle() { # WORK NAME: what is whole gets its name, unless somebody else was faster
    [ -d "$2" ] || mv "$1" "$2" || fail "$code: cannot be written"
}

state() { # RELEASE ENVIRONMENT PYTHON
    "$3" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null ||
        fail "there is no Python 3.11 or newer named '$3' on this host; install one, or name it as python in hosts.yaml"
    "$3" -c 'import ensurepip, venv' 2>/dev/null ||
        fail "'$3' lacks the venv module; install it (on Debian and Ubuntu: apt install python3-venv)"
    echo "release $(says test -d "$code/releases/$1")"
    echo "environment $(says test -d "$code/environments/$2")"
    echo "compiled $(says test -e "$code/releases/$1/compiled")"
    echo "current $(says test "$(readlink "$code/current" 2>/dev/null)" = "releases/$1")"
}

unpack() { # RELEASE ENVIRONMENT
    work=$code/releases/.$1.$$
    rm -rf "$work"
    mkdir -p "$work/bin" || fail "$code: cannot be written; is the disk full?"
    trap 'rm -rf "$work"' EXIT
    tar -xzf - -C "$work" || fail "$code: the code cannot be unpacked; is the disk full?"
    # The environment holds the packages, not this code: two releases may share it.
    cat >"$work/bin/ringrift" <<'PROGRAM' || exit 3
#!/bin/sh
release=$(cd "$(dirname "$0")/.." && pwd -P) || exit 3
export PYTHONPATH="$release${PYTHONPATH:+:$PYTHONPATH}"
exec "$release/environment/bin/python" -P -c '
import sys
from ringrift.cli import main
sys.argv[0] = "ringrift"
main()' "$@"
PROGRAM
    chmod +x "$work/bin/ringrift" && ln -s "../../environments/$2" "$work/environment" || exit 3
    settle "$work" "$code/releases/$1"
}

environment() { # ENVIRONMENT PYTHON
    work=$code/environments/.$1.$$
    rm -rf "$work"
    mkdir -p "$work" || fail "$code: cannot be written; is the disk full?"
    trap 'rm -rf "$work"' EXIT
    tar -xf - -C "$work" || fail "$code: cannot be written; is the disk full?"
    [ -s "$work/requirements.txt" ] && bare= || bare=--without-pip
    # shellcheck disable=SC2086 # one word or none
    "$2" -m venv $bare "$work" >&2 || fail "$code: no environment can be made"
    if [ -s "$work/requirements.txt" ]; then
        "$work/bin/python" -m pip install --quiet --disable-pip-version-check --no-input \
            -r "$work/requirements.txt" -c "$work/constraints.txt" >&2 ||
            fail "$code: the packages cannot be installed: $(df -Pk "$code" | awk 'NR == 2 { print $4 }') KB are free"
    fi
    # What is called as `environment/bin/python` works in any place; the other scripts are not used.
    settle "$work" "$code/environments/$1"
}

compile() { # RELEASE
    "$code/releases/$1/bin/ringrift" game compile >&2 || fail "the rules cannot be compiled"
    : >"$code/releases/$1/compiled"
}

switch() { # RELEASE KEEP
    "$code/releases/$1/bin/ringrift" --version || fail "$code/releases/$1: the program does not start"
    ln -sfn "releases/$1" "$code/.current.$$" && mv -Tf "$code/.current.$$" "$code/current" 2>/dev/null ||
        ln -sfn "releases/$1" "$code/current" || fail "$code: cannot be written"
    rm -f "$code/.current.$$"
    touch "$code/releases/$1"
    # What was cut or killed on its way; nothing takes a day.
    find "$code/releases" "$code/environments" -mindepth 1 -maxdepth 1 -name '.*' -mtime +0 -exec rm -rf {} +
    # Not by age alone: where a clock was wrong, older ones may seem newer than what is in use.
    # shellcheck disable=SC2010,SC2012 # the names are hexadecimal digits
    ls -1t "$code/releases" | grep -vx "$1" | tail -n "+$2" | while read -r old; do rm -rf "$code/releases/$old"; done
    used=$(for each in "$code"/releases/*/environment; do readlink "$each"; done)
    for each in "$code"/environments/*; do
        echo "$used" | grep -q "/${each##*/}\$" || rm -rf "$each"
    done
}

main() {
    verb=$1
    case $2 in \~) code=$HOME ;; \~/*) code=$HOME/${2#??} ;; *) code=$2 ;; esac
    shift 2
    "$verb" "$@"
}

# The last line, so that of a text that was cut on its way nothing is done.
main "$@"
