#!/bin/sh
# Makes .venv-sam with the SAM CLI. It needs an environment to itself: it pins one version of boto3, the emulator another
# of botocore. Does nothing when it is there already and its lock has not changed. Needs .venv (local/setup.sh).
set -eu
cd "$(dirname "$0")/.."
venv=.venv-sam
wanted=$(cksum <local/sam.lock)
if [ -x $venv/bin/sam ] && [ "$(cat $venv/.installed 2>/dev/null)" = "$wanted" ]; then exit 0; fi

echo "Installing the SAM CLI in $venv …" >&2
rm -rf $venv
if ! .venv/bin/python -m venv --without-pip $venv >&2 ||
    ! .venv/bin/python -m uv pip install --quiet --python $venv/bin/python --require-hashes --requirement local/sam.lock >&2
then
    echo "The SAM CLI could not be installed (the lines above say why). Mend that and run the same command again." >&2
    exit 1
fi
printf '%s' "$wanted" >$venv/.installed
