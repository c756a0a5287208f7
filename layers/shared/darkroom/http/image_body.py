"""OpenAI's answer for pictures, in the shape that the caller asked for.

https://platform.openai.com/docs/api-reference/images/object: `data[i]` has `b64_json` or `url`, never both. Clients
choose by which of the two is there, so what is ours beside it must not look like either: links stay under `job`.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from typing import Any

from darkroom.application import Application
from darkroom.http.schemas.images import ImagesAnswer
from darkroom.images.shrink import Shrunk, shrink
from darkroom.models.door import HTTP_API, Door
from darkroom.models.image_request import ImageRequest
from darkroom.models.job import Job, StoredImage
from darkroom.services.paid.at_hand import picture_at_hand
from darkroom.services.paid.calls import MOST_STORED_BYTES
from darkroom.services.pricing.answer_sizes import room_for_pictures

_SMALLER = (
    "Together the pictures are more than one answer can carry, so `b64_json` holds them as {kinds}; "
    "`job.output.images` links to the files as they were made."
)
_SHOWN = ("media_type", "width", "height")


def image_body(app: Application, job: Job, request: ImageRequest, door: Door = HTTP_API) -> ImagesAnswer:
    """The body for a job that has succeeded, as its owner sees it.

    Unknown values are left out: OpenAI's schema has no nulls there.
    """
    shown = app.jobs.show(job)
    if request.wants_links:
        links = [image["url"] for image in shown["output"]["images"]]
        linked = [{"url": url, **_facts(image)} for url, image in zip(links, job.images, strict=True)]
        return ImagesAnswer.model_validate(_body(job, shown, linked))
    # What a user has written stands in the answer, too, and takes several times its room there.
    rest = _body(job, shown, [{"b64_json": "", **_facts(image)} for image in job.images], (_SMALLER,))
    data, warnings = _inline(app, job, room_for_pictures(json.dumps(rest), door))
    return ImagesAnswer.model_validate(_body(job, shown, data, warnings))


def _body(
    job: Job, shown: Mapping[str, Any], data: Sequence[Mapping[str, Any]], warnings: tuple[str, ...] = ()
) -> dict[str, Any]:
    painted = job.work.request if job.work else None
    told = {
        "background": _background(job),
        "output_format": data[0]["media_type"].partition("/")[2] if data else None,
        "quality": painted.quality if painted else None,
        "size": f"{data[0]['width']}x{data[0]['height']}" if data else None,
        "usage": job.result.get("usage"),
    }
    return {
        "created": int((job.completed_at or job.created_at).timestamp()),
        "data": data,
        **{name: value for name, value in told.items() if value is not None},
        **{name: shown[name] for name in ("model_requested", "model_used", "provider", "generation_id", "cost")},
        "warnings": [*shown["warnings"], *warnings],
        "lineage": shown["lineage"],
        "job": shown,
    }


def _inline(app: Application, job: Job, max_bytes: int) -> tuple[list[dict[str, Any]], tuple[str, ...]]:
    """The pictures as base64, made smaller where the door could not carry them, and a sentence that says so."""
    images = job.images

    def read(image: StoredImage) -> bytes:
        data = picture_at_hand(image.key)
        return app.ports.images.read_output(image.key, max_bytes=MOST_STORED_BYTES) if data is None else data

    shrunk: Sequence[Shrunk | None] = [None] * len(images)
    if sum(image.bytes for image in images) > max_bytes:
        readers = [lambda image=image: read(image) for image in images]
        shrunk = shrink(readers, [image.bytes for image in images], max_bytes)
    data = []
    for image, smaller in zip(images, shrunk, strict=True):
        content = read(image) if smaller is None else smaller.data
        data.append({"b64_json": base64.b64encode(content).decode(), **_facts(smaller or image)})
    if not any(shrunk):
        return data, ()
    kinds = " and ".join(sorted({each.media_type.partition("/")[2].upper() for each in shrunk if each}))
    return data, (_SMALLER.format(kinds=kinds),)


def _background(job: Job) -> str | None:
    """What the pictures have: what the model was asked for, or what was made of it here."""
    if job.has_cutouts:
        made = [cutout.image for cutout in job.cutouts if cutout.image is not None]
        return "transparent" if len(made) == len(job.images) else "opaque"
    return job.work.request.background if job.work and job.work.request else None


def _facts(image: StoredImage | Shrunk) -> Mapping[str, Any]:
    return {name: getattr(image, name) for name in _SHOWN}
