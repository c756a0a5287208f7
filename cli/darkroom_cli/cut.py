"""`darkroom cut`: photographs out of their background."""

import argparse
import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from darkroom_cli.client import MAX_IN_REQUEST, kind_of, write
from darkroom_cli.context import Context, format_of, require_files
from darkroom_cli.failures import Exit, Failure, Refused, Undecided, Unreachable, WrongUsage
from darkroom_cli.pending import fingerprint

ROUTE = "/v1/images/background-removals"
_FORMATS = {"png": ".png", "webp": ".webp", "jpeg": ".jpg"}


def add_to(commands: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    parser = commands.add_parser(
        "cut",
        help="cut photographs out of their background",
        description="Cut photographs out of their background, for nothing. Each result lies beside its photograph.",
    )
    parser.add_argument("photos", nargs="+", type=Path, metavar="PHOTO")
    parser.add_argument(
        "-o", "--output", type=Path, help="file for the result of one photograph, or folder for several"
    )
    parser.add_argument("--format", choices=sorted(_FORMATS), help="png unless the output's name says otherwise")
    parser.add_argument("--background", help="color or linear-gradient(…) behind the subject; transparent if left out")
    parser.add_argument("--crop", action="store_true", help="crop to the subject")
    parser.add_argument("--margin", help="room around the subject: 20px, or 5%% of the longer side")
    parser.add_argument("--matting", action="store_true", help="refine hair and fur; slower")
    parser.add_argument("--model", help="segmentation model")
    parser.add_argument("--cloud", action="store_true", help="have remove.bg do it, for money")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace, context: Context) -> Exit:
    require_files(options.photos)
    options.format = options.format or format_of(options.output) or "png"
    if len(options.photos) > 1 and options.output is not None and options.output.is_file():
        raise WrongUsage(f"{options.output} is a file, and there are several results. Name a folder.")
    failed = 0
    for photo in options.photos:
        try:
            _cut(photo, options, context)
        except (Undecided, Unreachable):
            raise
        except Failure as failure:
            if len(options.photos) == 1:
                raise
            failed += 1
            context.progress.say(f"{photo}: {failure}")
    if not failed:
        return Exit.DONE
    return Exit.FAILED if failed == len(options.photos) else Exit.PARTLY


def _cut(photo: Path, options: argparse.Namespace, context: Context) -> None:
    result = _result(photo, options)
    if options.cloud:
        _by_cloud(photo, result, options, context)
        return
    answer = _answer(photo, options, context)
    if answer.status_code == httpx.codes.ACCEPTED:
        job = context.client.wait(str(context.client.object_of(answer)["id"]), context.look)
        (image,) = job["output"]["images"]
        context.client.download(image["url"], result)
        size, warnings = (image["width"], image["height"]), list(job.get("warnings") or ())
    elif answer.is_redirect:
        # A picture too large for Lambda's answer comes by a link to the bucket.
        context.client.download(answer.headers["location"], result)
        size, warnings = _facts(answer)
    else:
        write(result, answer.content)
        size, warnings = _facts(answer)
    context.progress.clear()
    for warning in warnings:
        context.progress.note(f"Note: {warning}")
    context.progress.note(f"{photo}: {size[0]} × {size[1]} pixels. Charged: nothing.")
    context.tell(str(result))


def _answer(photo: Path, options: argparse.Namespace, context: Context) -> httpx.Response:
    """Free and without a trace, so it may be sent as often as it takes."""
    headers = {"Accept": f"image/{options.format}"}
    fields = {**_fields(options), "cloud": "false"}
    context.progress.show(f"{photo} …")
    if photo.stat().st_size > MAX_IN_REQUEST:
        return _uploaded(photo, fields, headers, context)
    files = {"image": (photo.name, photo.read_bytes(), kind_of(photo))}
    try:
        return context.client.call("POST", ROUTE, headers=headers, data=fields, files=files, repeatable=True)
    except Refused as refused:
        # The gateway's limit, wherever it is.
        if refused.status != httpx.codes.REQUEST_ENTITY_TOO_LARGE:
            raise
        return _uploaded(photo, fields, headers, context)


def _uploaded(photo: Path, fields: Mapping[str, str], headers: Mapping[str, str], context: Context) -> httpx.Response:
    (upload_id,) = context.upload_all([photo], f"Uploading {photo.name}")
    context.progress.show(f"{photo} …")
    return context.client.call("POST", ROUTE, headers=headers, json={**fields, "upload_id": upload_id}, repeatable=True)


def _by_cloud(photo: Path, result: Path, options: argparse.Namespace, context: Context) -> None:
    fields = {**_fields(options), "cloud": "true"}
    name = fingerprint(context.client.connection, ROUTE, fields, hashlib.sha256(photo.read_bytes()).hexdigest())

    def order() -> dict[str, Any]:
        (upload_id,) = context.upload_all([photo], f"Uploading {photo.name}")
        return {**fields, "upload_id": upload_id}

    job = context.pending.carry_out(context.client, name, ROUTE, order, context.look)
    (image,) = job["output"]["images"]
    context.client.download(image["url"], result)
    context.pending.forget(name)
    context.finish(job)
    context.tell(str(result))


def _fields(options: argparse.Namespace) -> dict[str, str]:
    given = {name: getattr(options, name) for name in ("background", "margin", "model")}
    switches = {name: "true" for name in ("crop", "matting") if getattr(options, name)}
    return {"format": options.format, **{name: value for name, value in given.items() if value}, **switches}


def _result(photo: Path, options: argparse.Namespace) -> Path:
    own = photo.with_suffix(f".cutout{_FORMATS[options.format]}").name
    given: Path | None = options.output
    if given is None:
        return photo.with_name(own)
    return given / own if len(options.photos) > 1 or given.is_dir() else given


def _facts(answer: httpx.Response) -> tuple[tuple[str, str], list[str]]:
    warnings = answer.headers.get("x-warnings", "")
    size = (answer.headers.get("x-width", "?"), answer.headers.get("x-height", "?"))
    return size, warnings.split(" | ") if warnings else []
