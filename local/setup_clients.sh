#!/bin/sh
# Makes .venv-clients with those of other people's clients that cannot be installed beside the others. Does nothing when
# it is there already and its lock has not changed; says so where they cannot be had. Needs .venv (local/setup.sh).
set -eu
cd "$(dirname "$0")/.."
venv=.venv-clients
wanted=$(cksum <local/clients.lock)
if [ "$(cat $venv/.installed 2>/dev/null)" = "$wanted" ]; then exit 0; fi

echo "Installing clients for the tests in $venv …" >&2
rm -rf $venv
if .venv/bin/python -m venv --without-pip $venv >&2 &&
    .venv/bin/python -m uv pip install --quiet --python $venv/bin/python --require-hashes \
        --requirement local/clients.lock >&2
then
    printf '%s' "$wanted" >$venv/.installed
else
    rm -rf $venv
    echo "SKIPPED: the packages of local/clients.lock could not be installed, so instructor is not tried." >&2
fi
