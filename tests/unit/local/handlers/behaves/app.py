"""Does what its event says."""

import contextlib
import functools
import os
import random
import signal
import stat
import sys
import threading
import time
from concurrent.futures import Future
from decimal import Decimal
from pathlib import Path
from typing import Any

CALLS = 0


def _open() -> list[int]:
    """What kind each open descriptor is of."""
    modes = []
    for descriptor in range(256):
        with contextlib.suppress(OSError):
            modes.append(os.fstat(descriptor).st_mode)
    return modes


class Refused(Exception):
    pass


def _asked(service: str, method: str, arguments: dict[str, Any]) -> Any:
    """What came of a call: done, or the error's code, status and message."""
    import boto3
    from botocore.exceptions import ClientError

    try:
        getattr(boto3.client(service), method)(**arguments)
    except ClientError as error:
        told = error.response
        return [told["Error"]["Code"], told["ResponseMetadata"]["HTTPStatusCode"], told["Error"]["Message"]]
    return "done"


def _looked() -> dict[str, Any]:
    """What the process finds around it."""
    return {
        "environ": dict(os.environ),
        "paths": sys.path,
        "cwd": str(Path.cwd()),
        "flags": str(sys.flags),
        "open": len(_open()),
        "sockets": sum(stat.S_ISSOCK(mode) for mode in _open()),
        "leads its group": os.getpgrp() == os.getpid(),
        "signals": [str(signal.getsignal(number)) for number in (signal.SIGCHLD, signal.SIGINT, signal.SIGTERM)],
        "threads": threading.active_count(),
        "zone": time.tzname,
    }


@functools.cache
def _extension() -> Any:
    """As a function of Darkroom's has it: at the first import, which is Lambda's init phase."""
    sys.path.append(str(Path(__file__).parents[5] / "layers" / "shared"))
    from darkroom.adapters.lambda_extension import LambdaExtension

    return LambdaExtension.registered(os.environ)


if os.environ.get("DARKROOM_IN_PLACE") == "true":
    _extension()


def _go_on(event: dict[str, Any]) -> str:
    """Answers at once, and waits for a file beside it, of which it then writes another."""
    done: Future[None] = Future()

    def work() -> None:
        while not Path(event["file"]).exists():
            time.sleep(0.02)
        Path(event["wrote"]).write_text(str(os.getpid()))
        done.set_result(None)

    threading.Thread(target=work, daemon=True).start()
    _extension().keep(done)
    return "answered"


def _handle(event: dict[str, Any], context: Any) -> Any:
    global CALLS
    CALLS += 1
    do = event.get("do", "echo")
    if do == "echo":
        return event
    if do == "who":
        time.sleep(event.get("seconds", 0))
        return {"pid": os.getpid(), "calls": CALLS}
    if do == "environ":
        return dict(os.environ)
    if do == "paths":
        return {"first": sys.path[0], "cwd": str(Path.cwd()), "name": __name__, "argv": sys.argv[0]}
    if do == "look":
        return _looked()
    if do == "modules":
        return sorted(sys.modules)
    if do == "draw":
        return random.getrandbits(64)
    if do == "context":
        names = ("aws_request_id", "function_name", "function_version", "invoked_function_arn", "memory_limit_in_mb")
        remaining = context.get_remaining_time_in_millis()
        return {**{name: getattr(context, name) for name in names}, "remaining": remaining}
    if do == "raise":
        raise Refused("the colour is wrong")
    if do == "sleep":
        time.sleep(event["seconds"])
        return "slept"
    if do == "wait for":
        while not Path(event["file"]).exists():
            time.sleep(0.02)
        return "came"
    if do == "print":
        print("on standard output")  # noqa: T201
        os.write(1, b"straight to descriptor 1\n")
        print("on standard error", file=sys.stderr)  # noqa: T201
        return "printed"
    if do == "exit":
        sys.exit(7)
    if do == "die":
        os.abort()
    if do == "big":
        return "x" * event["size"]
    if do == "set":
        return {1, 2}
    if do == "decimal":
        return {"price": Decimal("0.10")}
    if do == "aws":
        return [_asked(*each) for each in event["calls"]]
    if do == "go on":
        return _go_on(event)
    if do == "child":
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
    return None


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
    try:
        return _handle(event, context)
    finally:
        if os.environ.get("DARKROOM_IN_PLACE") == "true":
            _extension().returned()
