"""What tools answer: words for the model, small previews and links for the person, and the same as data."""

import base64
from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from darkroom.application import Application
from darkroom.errors import Charged, DarkroomError
from darkroom.http.operation import Answer, absent
from darkroom.http.schemas.common import Usd
from darkroom.http.schemas.jobs import Status
from darkroom.models.job import Job, StoredImage
from darkroom.services.thumbnails import MEDIA_TYPE

# Of a batch, in one result; get_job and the link to the job have them all.
MOST_LISTED: Final = 20
MOST_PREVIEWS: Final = 4
_MOST_WORDS: Final = 2_000


class MadePicture(Answer):
    image: str = Field(description="Its name for other tools, `job_…/0`.")
    url: str = Field(description="Works for up to an hour; get_job has a fresh one.")
    media_type: str
    width: int = Field(description="Pixels.")
    height: int = Field(description="Pixels.")
    bytes: int


class Made(Answer):
    """What came of a call that makes pictures."""

    status: Status | Literal["quoted"] = Field(description="`quoted`: nothing was done yet; see `next`.")
    charged: Charged = Field(description="Whether money was spent; `unknown` while it is being found out.")
    cost_usd: Usd | None = Field(None, description="What it cost; null while it is not known.")
    estimated_usd: Usd | None = None
    max_cost_usd: Usd | None = absent("Of a quote: with this it is done.")
    job_id: str | None = absent()
    model: str | None = absent()
    images: tuple[MadePicture, ...] = ()
    image_count: int = 0
    reply: str | None = absent("Of a conversation.")
    conversation_id: str | None = absent()
    version: str | None = absent("Of the conversation, which is shown now.")
    warnings: tuple[str, ...] = ()
    next: str | None = absent("What to do now.")


class Refusal(BaseModel):
    """What went wrong, where `isError` is true."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    code: str
    detail: str
    fix: str | None = absent("What to do about it.")
    param: str | None = absent("The argument at fault.")
    charged: Charged
    job_id: str | None = absent()


def made_of(app: Application, job: Job) -> tuple[Made, Sequence[tuple[str, str]]]:
    """What a job came to, and its previews: media type and base64."""
    made = of_job(app.jobs.show(job, most_images=MOST_LISTED))
    images = job.images
    if job.turn is not None:
        made, images = _of_turn(app, job, made)
    return made, tuple(_previews(app, job, images[:MOST_PREVIEWS]))


def of_job(shown: Mapping[str, Any]) -> Made:
    """From a job as it is shown; without what only its row has."""
    cost, output = shown["cost"], shown["output"]
    is_over = shown["status"] in ("succeeded", "failed", "canceled")
    images = [
        MadePicture(image=f"{shown['id']}/{index}", **{name: each[name] for name in _FACTS})
        for index, each in enumerate(output["images"][:MOST_LISTED])
    ]
    waits = f"It is not over yet. Call get_job with job_id {shown['id']} (wait_seconds: 20); do not order it again."
    return Made(
        status=shown["status"],
        charged=cost["charged"],
        cost_usd=cost["actual_usd"] if cost["settled"] else None,
        estimated_usd=cost["estimated_usd"],
        job_id=shown["id"],
        model=shown["model_used"] or output.get("model") or shown["model_requested"],
        images=tuple(images),
        image_count=len(output["images"]),
        warnings=tuple(shown["warnings"]),
        next=None if is_over else waits,
    )


_FACTS: Final = ("url", "media_type", "width", "height", "bytes")


def _of_turn(app: Application, job: Job, made: Made) -> tuple[Made, tuple[StoredImage, ...]]:
    assert job.turn is not None  # noqa: S101 - it was looked at
    more: dict[str, Any] = {"conversation_id": job.turn.conversation_id, "reply": str(job.result.get("reply", ""))}
    version = None
    with suppress(DarkroomError):
        # A conversation that is gone takes nothing from what was said.
        version = app.turns.conversation_after(job).version(str(job.result.get("version")))
    if version is None:
        return made.model_copy(update=more), ()
    image = version.image
    path = f"{app.settings.public_url}/v1/conversations/{job.turn.conversation_id}/versions/{version.id}"
    picture = MadePicture(
        image=path,
        url=app.ports.images.link_output(image.key),
        media_type=image.media_type,
        width=image.width,
        height=image.height,
        bytes=image.bytes,
    )
    more |= {"version": version.id, "images": (picture,), "image_count": 1}
    return made.model_copy(update=more), (image,)


def _previews(app: Application, job: Job, images: Sequence[StoredImage]) -> Sequence[tuple[str, str]]:
    found = []
    for image in images:
        # They are an extra: the answer goes out without one that cannot be made.
        with suppress(DarkroomError):
            made_at = job.completed_at or job.created_at
            small = app.thumbnails.of(image, made_at=made_at, until=job.expires_at)
            if small is not None:
                found.append((MEDIA_TYPE, base64.b64encode(small).decode()))
    return found


def result(made: Made, *, previews: Sequence[tuple[str, str]], takes_links: bool) -> dict[str, Any]:
    """Args: previews: media type and base64 of each."""
    content: list[dict[str, Any]] = [{"type": "text", "text": _words(made)}]
    content += [{"type": "image", "data": data, "mimeType": kind} for kind, data in previews]
    if takes_links:
        content += [_link(each) for each in made.images]
    return {"content": content, "structuredContent": _shown(made), "isError": False}


def _link(picture: MadePicture) -> dict[str, Any]:
    kind = picture.media_type.partition("/")[2]
    return {
        "type": "resource_link",
        "uri": picture.url,
        "name": f"{picture.image.rpartition('/')[2]}.{kind}",
        "description": f"{picture.width}x{picture.height} pixels; the link works for up to an hour",
        "mimeType": picture.media_type,
        "size": picture.bytes,
    }


def _words(made: Made) -> str:
    lines = [made.reply[:_MOST_WORDS]] if made.reply else []
    count = made.image_count
    what = "1 picture" if count == 1 else f"{count} pictures"
    by = f" by {made.model}" if made.model else ""
    lines.append(f"{what}{by}, job {made.job_id}." if count else f"Job {made.job_id} is {made.status}.")
    lines += [f"{each.image}: {each.width}x{each.height} {each.media_type} {each.url}" for each in made.images]
    lines.append(_cost(made))
    lines += [f"Note: {warning}" for warning in made.warnings]
    lines += [made.next] if made.next else []
    return "\n".join(lines)


def _cost(made: Made) -> str:
    if made.cost_usd is not None:
        return f"Cost: ${made.cost_usd:.6f}." if made.cost_usd else "Cost: nothing."
    expected = "" if made.estimated_usd is None else f" It is estimated at ${made.estimated_usd:.4f}."
    return f"What it costs is not known yet.{expected}"


def quote_result(tool: str, about: str, estimate: float | None, most: float | None) -> dict[str, Any]:
    """Nothing was done: what it would cost, and how to have it done."""
    if most is None:
        words = f"Nobody says what {about} would cost. To have it done all the same, call {tool} again with the same "
        how = "arguments and `max_cost_usd`, the most that it may cost."
    else:
        price = f"{most:.4f}" if estimate is None else f"{estimate:.4f}"
        words = f"{about[0].upper()}{about[1:]} would cost about ${price}. To have it done, call {tool} again with the "
        how = f"same arguments and `max_cost_usd`: {most:g}."
    told = f"Nothing was made or charged yet. {words}{how} Ask the user first if they have not agreed to such a cost."
    quoted = Made(status="quoted", charged=False, cost_usd=0, estimated_usd=estimate, max_cost_usd=most, next=told)
    return {"content": [{"type": "text", "text": told}], "structuredContent": _shown(quoted), "isError": False}


def error_result(problem: Mapping[str, Any]) -> dict[str, Any]:
    """Args: problem: problem details."""
    charged = problem.get("charged", "unknown")
    paid = {False: "Nothing was charged.", True: "It was charged."}.get(charged, "Whether it was charged is not known.")
    told = [str(problem.get("detail", "")), str(problem.get("fix") or ""), paid, f"({problem.get('code')})"]
    known = {name: problem[name] for name in _TOLD if problem.get(name) is not None}
    job = problem.get("job")
    if isinstance(job, Mapping) and job.get("id"):
        known["job_id"] = job["id"]
    text = " ".join(each for each in told if each)
    return {"content": [{"type": "text", "text": text}], "structuredContent": known, "isError": True}


_TOLD: Final = (
    *("code", "title", "status", "detail", "fix", "param", "charged", "retryable", "retry_after", "upstream"),
    *("estimated_usd", "limit_usd", "remaining_usd", "suggestions", "budget"),
)


def _shown(made: Made) -> dict[str, Any]:
    return made.model_dump(mode="json", by_alias=True)
