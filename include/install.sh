#!/bin/sh
# Installs RingRift with some extras into .venv, quietly: a line now and then, and pip's words in .venv/install.log.
#   install.sh airflow,learn
set -u
log=.venv/install.log
python=.venv/bin/python

progress() {
    chosen=$(grep '^Installing collected packages' "$log")
    if [ -n "$chosen" ]; then
        there=$(ls -d .venv/lib/python3*/site-packages/*.dist-info 2>/dev/null | wc -l)
        all=$(($(echo "$chosen" | tr -cd , | wc -c) + 1))
        [ "$there" -le "$all" ] || there=$all # those that were there before count, too
        echo "$there of $all packages installed"
    else
        echo "$(grep -c '^ *Downloading\|^ *Using cached' "$log") packages fetched"
    fi
}

# Python compiles what it imports; compiling all that is there is a third of the time that this takes.
PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore PIP_PROGRESS_BAR=off \
    "$python" -m pip install --no-input --no-compile --editable ".[$1]" --constraint constraints.txt >"$log" 2>&1 &
pip=$!
trap 'kill "$pip" 2>/dev/null; exit 130' INT TERM
seconds=0
while kill -0 "$pip" 2>/dev/null; do
    sleep 1
    seconds=$((seconds + 1))
    [ $((seconds % 10)) = 0 ] && echo "    $seconds s: $(progress)"
done
if ! wait "$pip"; then
    tail -n 15 "$log" >&2
    echo "error: the installation has failed; all that pip has said is in $log" >&2
    exit 1
fi
# setuptools leaves a second description of the package in the checkout. Where the checkout is on Python's path, Airflow
# would find the plugin in both, and show the second as an error.
rm -rf ringrift.egg-info
