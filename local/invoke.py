"""`make invoke FUNCTION=Jobs EVENT=events/jobs_list.json`: one function, one event, on the stack that `make up` runs.

    python -m local.invoke FUNCTION EVENT

With Docker and a finished `make build` it is `sam local invoke`; without, a process of its own on this computer.
"""

import argparse
import json
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote_plus

from local import containers, state
from local.aws import Aws
from local.functions import EventTooLarge, FunctionPool
from local.intrinsics import TemplateError
from local.placeholders import UnknownPlaceholder
from local.sam_env import NotReady, filled_in, site, template_of, write_variables
from local.template import Function, Template
from local.worker import environment_of

PHOTO = state.ROOT / "events" / "photo.jpg"


class CannotInvoke(Exception):
    """The message says why, and what to do about it."""


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m local.invoke", description="Runs one function on one event.")
    parser.add_argument("function", help="for example Jobs or JobsFunction")
    parser.add_argument("event", type=Path, help="for example events/jobs_list.json")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    parser.add_argument("--no-docker", action="store_true", help="run it as a process even where Docker is")
    options = parser.parse_args()
    try:
        running = state.read(options.state)
        template = template_of(running)
        function = _function(template, options.function)
        with Aws(running["aws_endpoint_url"]) as aws:
            event, event_file = filled_in(options.event, options.state / "events", running, aws)
            _upload_what_is_dropped(event, aws)
        if not options.no_docker and _can_use_containers():
            return _in_container(function, event_file, running, template, options.state)
        return _in_process(function, event, running, options.state)
    except (CannotInvoke, NotReady, TemplateError, UnknownPlaceholder, state.NotRunning) as error:
        print(error, file=sys.stderr)
        return 1


def _function(template: Template, name: str) -> Function:
    for candidate in (name, f"{name}Function"):
        if candidate in template.functions:
            return template.functions[candidate]
    known = ", ".join(known.removesuffix("Function") for known in template.functions)
    raise CannotInvoke(f"There is no function {name}. FUNCTION can be {known}.")


def _upload_what_is_dropped(event: Any, aws: Aws) -> None:
    """Puts the photograph where an event of S3, inside one of SQS, says that a file was dropped."""
    records = event.get("Records", []) if isinstance(event, dict) else []
    for record in records:
        if record.get("eventSource") != "aws:sqs":
            continue
        for dropped in json.loads(record["body"]).get("Records", []):
            place = {"Bucket": dropped["s3"]["bucket"]["name"], "Key": unquote_plus(dropped["s3"]["object"]["key"])}
            found = aws.s3.list_objects_v2(Bucket=place["Bucket"], Prefix=place["Key"])
            if place["Key"] not in [item["Key"] for item in found.get("Contents", [])]:
                aws.s3.put_object(**place, Body=PHOTO.read_bytes(), ContentType="image/jpeg")
                print(f"Put {PHOTO.name} at s3://{place['Bucket']}/{place['Key']}", file=sys.stderr)


def _can_use_containers() -> bool:
    wanting = [
        reason
        for missing, reason in (
            (not containers.docker_answers(), "no Docker daemon answers"),
            (containers.sam(state.ROOT) is None, "the SAM CLI is not installed"),
            (not containers.is_built(state.ROOT), "nothing is built (`make build`)"),
        )
        if missing
    ]
    if wanting:
        print(f"NOT in a container, but as a process of this computer: {'; '.join(wanting)}.", file=sys.stderr)
    return not wanting


def _in_container(function: Function, event: Path, running: dict[str, Any], template: Template, folder: Path) -> int:
    sam_cli = containers.sam(state.ROOT)
    if sam_cli is None:
        raise CannotInvoke("The SAM CLI is not installed.")
    env_file = write_variables(running, template, folder)
    return containers.sam_local_invoke(sam_cli, state.ROOT, function.logical_id, event, env_file)


def _in_process(function: Function, event: Any, running: dict[str, Any], folder: Path) -> int:
    environment = environment_of(
        function,
        endpoint_url=running["aws_endpoint_url"],
        overrides={
            **site(running, running),
            "DARKROOM_WEIGHTS_DIR": running["weights"],
            "DARKROOM_NUMBA_CACHE_DIR": str(state.STATE / "numba-cache"),
        },
    )
    pool = FunctionPool(function, environment, folder / "logs", cap=1)
    try:
        outcome = pool.call(event)
    except EventTooLarge as error:
        raise CannotInvoke(f"The event is more than the 6 MB that Lambda takes: {error}") from error
    finally:
        pool.close()
    print(outcome.payload.decode())
    print(f"What it logged is at the end of {pool.log}", file=sys.stderr)
    return 1 if outcome.is_error else 0


if __name__ == "__main__":
    sys.exit(main())
