"""`darkroom make`: pictures from words, or from pictures and words."""

import argparse
import hashlib
import re
import unicodedata
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from darkroom_cli.context import Context, ending_of, format_of, free_name, require_files
from darkroom_cli.failures import Exit
from darkroom_cli.pending import fingerprint

GENERATIONS = "/v1/images/generations"
EDITS = "/v1/images/edits"
_LONGEST_NAME = 40


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "make",
        help="make pictures from words, or change some",
        description="Make pictures from words; with --image, change a picture. Run again after Ctrl-C, the same "
        "command goes on with what it began, and pays nothing twice.",
    )
    parser.add_argument("prompt")
    parser.add_argument(
        "-i", "--image", action="append", default=[], type=Path, metavar="PHOTO", help="to begin with; up to 16"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="file (.png, .jpg, .webp), or folder; named after the prompt if left out"
    )
    parser.add_argument("-n", type=int, default=1, help="how many")
    parser.add_argument("--model")
    parser.add_argument("--size", help="1024x1024 and the like")
    parser.add_argument("--quality", choices=["low", "medium", "high"])
    parser.add_argument("--format", choices=["png", "jpeg", "webp"])
    parser.add_argument("--transparent", action="store_true", help="without a background")
    parser.add_argument("--provider", help="who is to serve, such as openai; else as your settings say")
    parser.add_argument("--max-cost", type=float, metavar="USD", help="the most that it may cost")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, context: Context) -> Exit:
    require_files(options.image)
    fields = _fields(options)
    route = EDITS if options.image else GENERATIONS
    digests = [hashlib.sha256(photo.read_bytes()).hexdigest() for photo in options.image]
    name = fingerprint(context.client.connection, route, fields, digests)

    def order() -> dict[str, Any]:
        if not options.image:
            return fields
        ids = context.upload_all(options.image, "Uploading")
        return {**fields, "images": [{"file_id": upload_id} for upload_id in ids]}

    job = context.pending.carry_out(context.client, name, route, order, context.look)
    paths = _paths(options, job["output"]["images"])
    for path, image in zip(paths, job["output"]["images"], strict=True):
        context.client.download(image["url"], path)
    # Only now: until they are here, the same command is to fetch them and not to make others.
    context.pending.forget(name)
    context.finish(job)
    for path in paths:
        context.tell(str(path))
    return Exit.DONE


def _fields(options: argparse.Namespace) -> dict[str, Any]:
    given = {
        "prompt": options.prompt,
        "n": options.n,
        "model": options.model,
        "size": options.size,
        "quality": options.quality,
        "output_format": options.format or format_of(options.output),
        "background": "transparent" if options.transparent else None,
        "provider": options.provider,
        "max_cost_usd": options.max_cost,
        # The bytes come by the job's links, whatever their size.
        "response_format": "url",
    }
    return {name: value for name, value in given.items() if value is not None}


def _paths(options: argparse.Namespace, images: Sequence[Mapping[str, Any]]) -> list[Path]:
    """Where the pictures are written. A file that was named is replaced, others never are."""
    given: Path | None = options.output
    if given is not None and not given.is_dir():
        numbered = [given.with_name(f"{given.stem}-{number}{given.suffix}") for number in range(2, len(images) + 1)]
        return [given, *numbered]
    paths: list[Path] = []
    for image in images:
        wanted = (given or Path()) / f"{_slug(options.prompt)}{ending_of(image)}"
        paths.append(free_name(wanted, frozenset(paths)))
    return paths


def _slug(prompt: str) -> str:
    plain = unicodedata.normalize("NFKD", prompt).encode("ascii", "ignore").decode().lower()
    words = re.sub(r"[^a-z0-9]+", "-", plain).strip("-")
    return words[:_LONGEST_NAME].rstrip("-") or "picture"
