#!/bin/sh
# Resolves requirements.lock, local/sam.lock and local/clients.lock from pyproject.toml, then the requirements that are
# shipped from the first. Then it writes what is read of botocore's descriptions, from the botocore that was installed before; where
# the lock names another now, a test says so once that is installed.
# They name no index, so that whoever installs uses their own.
set -eu
cd "$(dirname "$0")/.."
uv=".venv/bin/python -m uv"
compile="$uv pip compile --quiet --no-header --no-emit-index-url --no-emit-find-links --generate-hashes"

# shellcheck disable=SC2086
$compile --universal --python-version 3.11 --all-extras --group dev pyproject.toml --output-file requirements.lock "$@"
# shellcheck disable=SC2086
$compile --universal --python-version 3.11 --group sam --output-file local/sam.lock "$@"

# shellcheck disable=SC2086
$compile --universal --python-version 3.11 --group clients --output-file local/clients.lock "$@"

# What runs in Lambda: its Python, its C library. boto3 is in its runtime.
lambda="--python-version 3.13 --python-platform x86_64-manylinux_2_28 --no-annotate --constraints requirements.lock"
# shellcheck disable=SC2086
$compile $lambda pyproject.toml --output-file layers/shared/requirements.txt
# shellcheck disable=SC2086
$compile $lambda pyproject.toml --extra segmentation --output-file functions/remove_background/requirements.txt
# shellcheck disable=SC2086
$compile $lambda pyproject.toml --extra segmentation --extra matting --output-file functions/remove_background/requirements.matting.txt
# shellcheck disable=SC2086
$compile $lambda --group live --output-file functions/live/requirements.txt

.venv/bin/python -m local.aws_descriptions
