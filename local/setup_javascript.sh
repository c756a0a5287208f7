#!/bin/sh
# Installs the JavaScript clients that tests/clients tries. Does nothing when that is done, and says so without npm.
set -eu
cd "$(dirname "$0")/../tests/clients/javascript"
wanted=$(cat package.json package-lock.json | cksum)
stamp=node_modules/.installed
if [ -f "$stamp" ] && [ "$(cat "$stamp")" = "$wanted" ]; then exit 0; fi
if ! command -v npm >/dev/null 2>&1; then
    echo "SKIPPED: there is no npm, so the JavaScript clients are not tried. Node.js 20 or newer has it." >&2
    exit 0
fi
echo "Installing the JavaScript clients for the tests …" >&2
if npm ci --ignore-scripts --no-audit --no-fund --silent >&2; then
    printf '%s' "$wanted" >"$stamp"
else
    rm -rf node_modules
    echo "SKIPPED: npm could not fetch the JavaScript clients, so they are not tried." >&2
fi
