#!/bin/sh
# The programs that tests use and that pip does not bring: a browser, SSH, rsync, Redis, busybox and Prometheus.
# Installs what is missing where that may be done, as root on Debian and Ubuntu, and says how else. No service is left
# running: the tests start what they need themselves.
set -eu

PATH="$PATH:/usr/sbin:/usr/local/sbin"
missing=""
for each in chromium:chromium sshd:openssh-server rsync:rsync redis-server:redis-server busybox:busybox \
    prometheus:prometheus prometheus-alertmanager:prometheus-alertmanager; do
    command -v "${each%%:*}" >/dev/null || missing="$missing ${each#*:}"
done
[ -n "$missing" ] || exit 0
if [ "$(id -u)" = 0 ] && command -v apt-get >/dev/null; then
    echo "==> Installing$missing, for the tests"
    policy=/usr/sbin/policy-rc.d # asked by Debian's packages whether they may start their services; 101: no
    if [ ! -e $policy ]; then
        trap 'rm -f $policy' EXIT
        printf '#!/bin/sh\nexit 101\n' >$policy
        chmod +x $policy
    fi
    apt-get -qq update
    # shellcheck disable=SC2086
    DEBIAN_FRONTEND=noninteractive apt-get -qq install -y --no-install-recommends $missing >/dev/null
    if command -v systemctl >/dev/null; then
        for each in $missing; do # nor at the next start of the machine
            case $each in prometheus* | redis-server) systemctl --quiet disable "$each" 2>/dev/null || true ;; esac
        done
    fi
else
    echo "error: the tests need$missing; on Debian and Ubuntu: sudo apt install$missing" >&2
    exit 1
fi
