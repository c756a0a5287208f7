"""Does what its event says."""

import os
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

CALLS = 0


class Refused(Exception):
    pass


def lambda_handler(event: dict[str, Any], context: Any) -> Any:
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
    if do == "child":
        pid = os.fork()
        if pid == 0:
            time.sleep(60)
            os._exit(0)
        time.sleep(60)
    return None
