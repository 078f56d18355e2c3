#!/bin/sh
# The programs that tests use and that pip does not bring: a browser, SSH, rsync, Redis and busybox.
# Installs what is missing where that may be done, as root on Debian and Ubuntu, and says how else.
set -eu

PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=""
for each in chromium:chromium sshd:openssh-server rsync:rsync redis-server:redis-server busybox:busybox; do
    command -v "${each%%:*}" >/dev/null || missing="$missing ${each#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "==> Installing$missing, for the tests"
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
else
    echo "error: the tests need$missing; on Debian and Ubuntu: sudo apt install$missing" >&2
    exit 1
fi
