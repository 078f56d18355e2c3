#!/bin/sh
# Metrics, Prometheus and Alertmanager beside the loop of this folder, until Ctrl-C: `make monitor`.
# Prometheus and Alertmanager are those of Debian and Ubuntu (apt install prometheus prometheus-alertmanager).
set -eu

cd "$(dirname "$0")/../.."
files=include/monitoring
data=${RINGRIFT_HOME:-.}/data/monitoring
local=127.0.0.1
started=""

fail() {
    echo "error: $*" >&2
    exit 2
}

begin() { # begin NAME COMMAND…: a process of which the log is kept
    name=$1
    shift
    "$@" >"$data/$name.log" 2>&1 &
    started="$started $name:$!"
}

stop() {
    trap - EXIT INT TERM
    for each in $started; do kill "${each#*:}" 2>/dev/null || true; done
    wait
}

check() { # that all live
    for each in $started; do
        kill -0 "${each#*:}" 2>/dev/null || fail "${each%%:*} has ended: $(tail -n 1 "$data/${each%%:*}.log")"
    done
}

for program in prometheus prometheus-alertmanager; do
    command -v $program >/dev/null || fail "there is no $program; on Debian and Ubuntu: apt install prometheus prometheus-alertmanager"
done
mkdir -p "$data"
trap stop EXIT
trap 'exit 0' INT TERM
begin metrics .venv/bin/ringrift metrics serve --host $local --port 9090
begin alertmanager prometheus-alertmanager --config.file=$files/alertmanager.yaml --storage.path="$data/alertmanager" \
    --web.listen-address=$local:9093 --cluster.listen-address=
begin prometheus prometheus --config.file=$files/prometheus.yaml --storage.tsdb.path="$data/prometheus" \
    --web.listen-address=$local:9091
sleep 3
check
echo "Alerts: http://localhost:9091/classic/alerts   Alertmanager: http://localhost:9093   Metrics: http://localhost:9090/metrics"
echo "Logs: $data/*.log. Ctrl-C ends it."
while sleep 2; do check; done
