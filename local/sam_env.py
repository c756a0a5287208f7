"""`make sam-env`: what `sam local invoke` and `sam local start-api` need of the stack that `make up` runs.

    python -m local.sam_env [EVENT …]

Writes `.local/env.json`, the variables of all functions, which samconfig.toml hands to both commands, and copies of the
events with this stack's values and a token in them to `.local/events/`.
"""

import argparse
import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from local import containers, state
from local.aws import Aws
from local.intrinsics import TemplateError
from local.placeholders import UnknownPlaceholder, fill_in
from local.template import Function, Template


class NotReady(Exception):
    """The message says what is missing, and what to do about it."""


def template_of(running: Mapping[str, Any], root: Path = state.ROOT) -> Template:
    template = Template.load(root / "template.yaml", parameters=running["parameters"], api_url=running["url"])
    template.scope.ids.update(running["ids"])
    return template


def site(running: Mapping[str, Any], where: Mapping[str, Any]) -> dict[str, str]:
    """Where everything is that a function of this stack calls. `where` has the addresses, as seen by the function."""
    urls = ",".join(f"{name}={url}" for name, url in where["provider_urls"].items())
    return {
        "AWS_ENDPOINT_URL": where["aws_endpoint_url"],
        "DARKROOM_PUBLIC_URL": running["url"],
        "DARKROOM_PROVIDER_URLS": urls,
        **({"DARKROOM_OPENROUTER_URL": where["openrouter_url"]} if where["openrouter_url"] else {}),
    }


def variables(running: Mapping[str, Any], functions: Mapping[str, Function]) -> dict[str, dict[str, str]]:
    """By function all variables that it declares, with this stack's values, for a container.

    Raises:
        NotReady: containers do not reach this stack.
    """
    where = running.get("containers")
    if where is None:
        raise NotReady(
            "Containers do not reach this stack, for with the real OpenRouter it may hold real keys. "
            "Start it with CONTAINERS=1 make up."
        )
    local = site(running, where)
    return {
        name: {**each.environment, **{key: value for key, value in local.items() if key in each.environment}}
        for name, each in functions.items()
    }


def write_variables(running: Mapping[str, Any], template: Template, folder: Path) -> Path:
    """Raises NotReady."""
    file = folder / "env.json"
    _write(file, json.dumps(variables(running, template.functions), indent=2))
    return file


def filled_in(event: Path, folder: Path, running: Mapping[str, Any], aws: Aws) -> tuple[Any, Path]:
    """The event with this stack's values in it, and the file it is in. Raises NotReady, UnknownPlaceholder."""
    try:
        text = event.read_text(encoding="utf-8")
    except OSError as error:
        raise NotReady(f"The event {event} cannot be read: {error.strerror}. See those in events/.") from error
    filled = fill_in(text, running, aws)
    try:
        value = json.loads(filled)
    except ValueError as error:
        raise NotReady(f"The event {event} is not JSON: {error}") from error
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / event.name, filled)
    return value, folder / event.name


def _write(file: Path, text: str) -> None:
    # It may hold a token.
    file.touch(mode=0o600)
    file.write_text(text, encoding="utf-8")


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m local.sam_env", description="Prepares sam local invoke and start-api."
    )
    parser.add_argument("events", nargs="*", type=Path, help="for example events/jobs_list.json; all when absent")
    parser.add_argument("--state", type=Path, default=state.STATE, help="folder of darkroom.json")
    options = parser.parse_args(arguments)
    events = options.events or sorted((state.ROOT / "events").glob("*.json"))
    try:
        running = state.read(options.state)
        file = write_variables(running, template_of(running), options.state)
        with Aws(running["aws_endpoint_url"]) as aws:
            filled = [filled_in(event, options.state / "events", running, aws)[1] for event in events]
    except (NotReady, TemplateError, UnknownPlaceholder, state.NotRunning) as error:
        print(error, file=sys.stderr)
        return 1
    print(_next(file, filled))
    return 0


def _next(file: Path, events: Sequence[Path]) -> str:
    folder = events[0].parent
    sample = f"JobsFunction -e {folder}/jobs_list.json" if len(events) > 1 else f"FUNCTION -e {events[0]}"
    built = "" if containers.is_built(state.ROOT) else "\nNothing is built yet: make build\n"
    sam = ".venv-sam/bin/sam"
    return f"""{file} has the variables of all functions, {folder} events with a token in them. Both are good
for as long as this stack keeps its ports and its token, also after `make up` was started again.
{built}
    {sam} local invoke {sample}
    {sam} local start-api          # then http://127.0.0.1:3000

SAM's own gateway answers 502 to multipart and other binary bodies of an HTTP API (aws-sam-cli #3110, #7927): send
pictures to it as JSON (image_url, or base64), or use the gateway of `make up`, which takes both."""


if __name__ == "__main__":
    sys.exit(main())
