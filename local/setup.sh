#!/bin/sh
# Makes .venv and installs what `make up` needs ("local") or what working on Darkroom needs ("dev").
# Does nothing when that is there already and the lock has not changed.
set -eu
group=${1:?usage: setup.sh local|dev}
cd "$(dirname "$0")/.."
venv=.venv
stamp=$venv/.installed-$group

say() { printf '%s\n' "$*" >&2; }
die() { say "" "$@"; exit 1; }

usable() { "$1" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2])' >/dev/null 2>&1; }

find_python() {
    if [ -n "${PYTHON:-}" ]; then
        usable "$PYTHON" || die "PYTHON=$PYTHON is not a Python 3.11 or newer." "Give another: PYTHON=python3.13 make …"
        echo "$PYTHON"; return
    fi
    for candidate in python3 python3.13 python3.12 python3.11 python; do
        if usable "$candidate"; then echo "$candidate"; return; fi
    done
    die "Darkroom needs Python 3.11 or newer, and none was found." \
        "Install one (for example: apt install python3 python3-venv, or brew install python@3.13)," \
        "or name one: PYTHON=/path/to/python3.13 make …"
}

version_of() { "$1" -c 'import sys; print("%d.%d" % sys.version_info[:2])'; }

# Only a Python that was asked for by name replaces the one the environment was made with.
if [ -n "${PYTHON:-}" ] && [ -x $venv/bin/python ]; then
    find_python >/dev/null
    if [ "$(version_of "$PYTHON")" != "$(version_of $venv/bin/python)" ]; then
        say "Making $venv again with Python $(version_of "$PYTHON") …"
        rm -rf $venv
    fi
fi

# The version stands in the package.
wanted=$(cat requirements.lock pyproject.toml layers/shared/darkroom/__init__.py | cksum)
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ] && $venv/bin/python -c 'import darkroom' 2>/dev/null; then exit 0; fi

if ! $venv/bin/python -m pip --version >/dev/null 2>&1; then
    python=$(find_python)
    say "Making $venv with Python $(version_of "$python") …"
    rm -rf $venv
    "$python" -m venv $venv >&2 || die "$python cannot make a virtual environment." \
        "On Debian and Ubuntu: apt install python3-venv. Then run the same command again."
fi
if ! $venv/bin/python -m uv --version >/dev/null 2>&1; then
    say "Fetching uv …"
    # pip wants the hash of everything it is given, so it is given this one entry of the lock.
    awk '/^uv==/ { found = 1 } found { print } found && !/\\$/ { exit }' requirements.lock >$venv/uv.txt
    $venv/bin/python -m pip install --quiet --disable-pip-version-check --requirement $venv/uv.txt >&2 ||
        die "uv could not be fetched from the package index." \
            "Is there a network? Behind a proxy, set HTTPS_PROXY; with an index of your own, PIP_INDEX_URL and UV_INDEX_URL."
fi
say "Installing what '$group' needs …"
$venv/bin/python -m uv pip install --quiet --python $venv/bin/python --constraints requirements.lock \
    --build-constraints requirements.lock --editable '.[segmentation,matting]' --group "$group" >&2 ||
    die "The packages could not be installed (the lines above say why)." "Mend that and run the same command again."
printf '%s' "$wanted" >"$stamp"
