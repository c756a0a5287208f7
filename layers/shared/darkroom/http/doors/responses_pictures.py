"""The pictures of a response: each a job of its own, and an item of the output."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct

from darkroom.application import Application
from darkroom.errors import Charged, DarkroomError, ProviderError, StillRunning
from darkroom.http.app import Api
from darkroom.http.doors.responses_output import Output
from darkroom.http.doors.responses_request import PictureTool
from darkroom.http.image_body import image_body
from darkroom.http.responder import Answering
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.door import Door
from darkroom.models.generation import PartialImage
from darkroom.models.image_request import EditRequest, ImageRequest
from darkroom.models.job import Job, JobStatus
from darkroom.models.money import in_dollars
from darkroom.services.paid.admission import Submission
from darkroom.services.paid.waiting import is_answer

_SHOWN = ("size", "quality", "background", "output_format")
_LEAST = Decimal("0.000001")


class Step(Struct, frozen=True):
    """A job that was carried out for a response."""

    job: Job


class _Begun(Struct):
    index: int
    request: ImageRequest
    terms: Terms
    submission: Submission


class Pictures:
    """Args:
    shares: into how many parts the room of an answer is divided.
    """

    def __init__(
        self,
        app: Application,
        caller: Caller,
        answering: Answering,
        output: Output,
        tool: PictureTool,
        shares: int,
    ) -> None:
        self._app = app
        self._caller = caller
        self._answering = answering
        self._output = output
        self._tool = tool
        self._shares = shares
        self._begun: list[_Begun] = []
        self._refused: DarkroomError | None = None
        self.warnings: list[str] = []

    def submit(self, request: ImageRequest, terms: Terms) -> Submission:
        if isinstance(request, EditRequest):
            return self._app.edit.submit(self._caller, request, terms)
        return self._app.generate.submit(self._caller, request, terms)

    def begin(self, index: int, arguments: str, terms: Terms, left: Decimal | None) -> Decimal | None:
        """Orders the picture of one call of the tool; what is refused costs nothing, and is an item that failed.

        Args:
            arguments: as the model has written them.
            left: dollars that it may cost at the most; None is as much as the limits allow.

        Returns:
            What is left for the next.
        """
        if len(self._begun) >= self._tool.most:
            self._fail(index, f"one response makes {self._tool.most} at the most.")
            return left
        words, action = _read(arguments)
        cap = None if left is None else max(left, _LEAST)
        try:
            request = self._tool.request(words or self._tool.words, action, max_cost_usd=cap)
            submission = self.submit(request, terms)
        except DarkroomError as error:
            if error.joins:
                raise
            self._refused = self._refused or error
            self._fail(index, error.detail)
            return left
        self._output.painting(index)
        self._begun.append(_Begun(index, request, terms, submission))
        return None if left is None else left - Decimal(submission.job.cost.reserved) / 1_000_000

    def ended(self, api: Api, charged: Charged) -> list[Step]:
        """The jobs of all that were begun, when they are over.

        Args:
            charged: whether the words were.

        Raises:
            StillRunning: not all are; the same request gets them.
            DarkroomError: not one has become a picture.
        """
        jobs = []
        for begun in self._begun:
            begun.submission, job = self._answering.awaited(api, begun.submission, begun.terms)
            jobs.append(job)
        if not all(map(is_answer, jobs)):
            for begun in self._begun:
                self._answering.leave(begun.submission)
            waited = next(job for job in jobs if not is_answer(job))
            raise StillRunning(
                "The picture is not finished yet; the work goes on.",
                fix="Send the same request again to wait on, or look at the job.",
                retry_after=1,
                charged=_either(charged, *(self._answering.charged(job) for job in jobs)),
                context={"job": self._app.jobs.show(waited)},
            )
        for begun, job in zip(self._begun, jobs, strict=True):
            if job.status is JobStatus.SUCCEEDED:
                self.put(begun.index, job, begun.request, begun.terms.door)
            else:
                self._fail(begun.index, str((job.error or {}).get("detail", "")))
        if not any(job.status is JobStatus.SUCCEEDED for job in jobs):
            raise self._refused or _failed(jobs[0])
        for begun in self._begun:
            self._answering.told(begun.submission)
        return [Step(job) for job in jobs]

    def _fail(self, index: int, why: str) -> None:
        self.warnings.append(f"A picture was not made: {why}")
        self._output.end_picture(index, {"status": "failed"})

    def put(self, index: int, job: Job, request: ImageRequest, door: Door) -> dict[str, Any]:
        """Puts the pictures of a job into the output, and says what they took, as chat has it."""
        room = door.model_copy(
            update={
                "max_payload": door.max_payload // self._shares,
                "max_inline_bytes": door.max_inline_bytes // self._shares,
            }
        )
        made = image_body(self._app, job, request, room)
        first, *others = made.data
        told = {name: value for name in _SHOWN if (value := getattr(made, name)) is not None}
        action = "edit" if isinstance(request, EditRequest) else "generate"
        shown = {"status": "completed", "action": action, "revised_prompt": request.prompt, **told}
        self._output.end_picture(index, {**shown, "result": first.b64_json})
        for picture in others:
            self._output.end_picture(self._output.add_picture(), {**shown, "result": picture.b64_json})
        usage = made.usage or {}
        return {"prompt_tokens": usage.get("input_tokens"), "completion_tokens": usage.get("output_tokens")}

    def impressions(self, index: int) -> Callable[[str], bool]:
        """Passes the first impressions of a picture on. They are no part of it, and hinder no other attempt."""
        wanted = self._tool.fields.get("partial_images")

        def on_event(data: str) -> bool:
            partial = PartialImage.of(data)
            if partial is not None and (wanted is None or partial.index < int(wanted)):
                told = {"partial_image_index": partial.index, "partial_image_b64": partial.b64_json}
                shown = {name: value for name in _SHOWN if (value := self._tool.fields.get(name)) is not None}
                self._output.impress(index, {**shown, **told})
            return False

        return on_event


def facts_of(app: Application, steps: Sequence[Step], warnings: Sequence[str]) -> dict[str, Any]:
    """What only we know of a response."""
    jobs = [step.job for step in steps]
    costs = [job.cost.actual for job in jobs]
    known = [cost for cost in costs if cost is not None]
    shown = [app.jobs.show_cost(job) for job in jobs]
    return {
        "steps": [
            {
                "job": {"id": job.id, "object": "job", "urls": {"get": f"/v1/jobs/{job.id}"}},
                "cost": cost,
                "model_requested": job.model_requested,
                "model_used": job.model_used,
                "provider": job.provider,
            }
            for job, cost in zip(jobs, shown, strict=True)
        ],
        "cost_usd": float(in_dollars(sum(known))) if len(known) == len(costs) else None,
        "charged": _either(*(cost["charged"] for cost in shown)),
        "warnings": list(dict.fromkeys([*warnings, *(said for job in jobs for said in job.warnings)])),
    }


def _either(*charged: Charged) -> Charged:
    return True if True in charged else "unknown" if "unknown" in charged else False


def _read(arguments: str) -> tuple[str, object]:
    """The words and the action that a model has called the tool with."""
    try:
        given = json.loads(arguments)
    except (ValueError, RecursionError):
        return "", None
    if not isinstance(given, Mapping):
        return "", None
    words = given.get("prompt")
    return (words.strip() if isinstance(words, str) else ""), given.get("action")


def _failed(job: Job) -> DarkroomError:
    """The error that a job ended with, as one that is raised."""
    told = job.error or {}
    kind = next((each for each in _kinds(DarkroomError) if each.code == told.get("code")), ProviderError)
    return kind(str(told.get("detail", "")), fix=str(told.get("fix", "")), param=told.get("param"))


def _kinds(base: type[DarkroomError]) -> Iterator[type[DarkroomError]]:
    for each in base.__subclasses__():
        yield each
        yield from _kinds(each)
