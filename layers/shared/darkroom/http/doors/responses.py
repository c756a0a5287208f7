"""OpenAI's Responses: a chat, and the pictures that its model has made or that are asked for without one.

https://platform.openai.com/docs/api-reference/responses. Each step is an order like any other: `complete.submit` for
the words, then `generate.submit` or `edit.submit` for each picture, in this order, so that a picture is paid for only
when it is known that it is wanted. A request that is sent again joins each of its steps.
"""

from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from typing import Any

from aws_lambda_powertools.event_handler import Response
from ulid import ULID

from darkroom.application import Application
from darkroom.errors import DarkroomError, InvalidPrompt, StillRunning
from darkroom.http.app import Api, answered
from darkroom.http.completion_answer import completion_of, sent_or_linked, wants_pictures
from darkroom.http.doors.responses_answer import Draft
from darkroom.http.doors.responses_pictures import Pictures, Step, facts_of
from darkroom.http.doors.responses_request import Asked, PictureTool, understood
from darkroom.http.responder import Answering, terms_of
from darkroom.http.schemas.responses import ResponseAnswer
from darkroom.http.server_events import EVENTS
from darkroom.models.admission import Terms
from darkroom.models.job import Job
from darkroom.models.source import ImageSource
from darkroom.services.paid.admission import Submission

# As chat and pictures have them.
_PARAMS = {"messages": "input", "max_completion_tokens": "max_output_tokens", "max_tokens": "max_output_tokens"}


def responded(api: Api, app: Application, named: Mapping[str, Any]) -> Response[Any]:
    """`POST /responses`. Args: named: fields that the path has said."""

    def read_file(file_id: str, param: str) -> bytes:
        return app.complete.sources.read(api.user, _source(file_id, param))

    asked = understood({**api.json_object, **named}, read_file)
    try:
        return _Respond(api, app, asked).answer()
    except DarkroomError as error:
        _in_own_words(error)
        raise


def _source(file_id: str, param: str) -> ImageSource:
    if file_id.startswith("job_"):
        from darkroom.models.image_input import job_picture

        return job_picture(file_id)
    return ImageSource(param, upload_id=file_id)


def _in_own_words(error: DarkroomError) -> None:
    """Has an error name the fields by which this API knows them."""
    if error.param:
        first, dot, rest = error.param.partition(".")
        error.param = _PARAMS.get(first, first) + dot + rest
    for name, own in _PARAMS.items():
        error.detail = error.detail.replace(f"`{name}`", f"`{own}`")
        error.fix = error.fix.replace(f"`{name}`", f"`{own}`")


class _Respond:
    """One request's."""

    def __init__(self, api: Api, app: Application, asked: Asked) -> None:
        self._api = api
        self._app = app
        self._asked = asked
        self._answering = Answering(app)
        outlet = api.transport.outlet
        self._is_streamed = bool(asked.order.stream) and (outlet is None or outlet.expect())
        self._written: list[str] = []
        self._said = [*asked.warnings]
        created = int(app.ports.clock().timestamp())
        send = self._sender() if self._is_streamed else None
        self._draft = Draft(asked, str(ULID()).lower(), created, send)

    def answer(self) -> Response[Any]:
        if self._asked.is_forced or wants_pictures(self._app, self._asked.body):
            return self._painted_alone()
        if self._asked.picture and self._asked.order.tool_choice != "none":
            # What is wrong with a picture is found before a model is paid for calling for it.
            self._app.estimates.estimate(self._api.user, self._asked.picture.estimated)
        is_live = self._is_streamed and self._api.transport.outlet is not None
        terms = self._terms(on_event=self._draft if is_live else None)
        submission = self._app.complete.submit(self._api.caller, self._asked.body, terms)

        def done(job: Job) -> Response[Any]:
            completion = completion_of(self._app.ports.images, job)
            reason = self._draft.take(completion)
            steps = [Step(job)]
            if self._asked.picture and self._draft.output.picture_calls:
                steps += self._painted(self._asked.picture, submission, job, terms)
            return self._ended(steps, terms, completion.get("usage"), reason)

        return self._answering.respond(self._api, submission, done, terms, what="The response is")

    def _sender(self) -> Callable[[str], None]:
        outlet = self._api.transport.outlet
        return self._written.append if outlet is None else lambda text: outlet.send(text.encode())

    def _terms(self, route: str = "", on_event: Callable[[str], bool] | None = None) -> Terms:
        """No preference for a job is followed: what comes after it is not a job's."""
        given = terms_of(self._api, on_event)
        return given.model_copy(update={"is_async": False, "wait": None, "route": route or given.route})

    def _pictures(self, tool: PictureTool) -> Pictures:
        shares = max(1, len(self._draft.output.picture_calls)) * (2 if self._is_streamed else 1)
        return Pictures(self._app, self._api.caller, self._answering, self._draft.output, tool, shares)

    def _painted_alone(self) -> Response[Any]:
        """Of what the conversation says, without asking a model for words: one order."""
        tool = self._asked.picture or _tool_of(self._asked)
        if not tool.words:
            raise InvalidPrompt(
                "The input says nothing of what the picture is to show.",
                fix="Describe it in the text of a user's message.",
                param="input",
            )
        index = self._draft.output.add_picture()
        pictures = self._pictures(tool)
        terms = self._terms(on_event=self._impressions(pictures, index))
        request = tool.request(tool.words, max_cost_usd=self._asked.order.max_cost_usd)
        submission = pictures.submit(request, terms)
        self._draft.output.painting(index)

        def done(job: Job) -> Response[Any]:
            usage = pictures.put(index, job, request, terms.door)
            return self._ended([Step(job)], terms, usage, None)

        return self._answering.respond(self._api, submission, done, terms, what="The picture is")

    def _painted(self, tool: PictureTool, words: Submission, job: Job, terms: Terms) -> list[Step]:
        """The steps of the pictures that the model has called for; all at once, and each at most once.

        Raises:
            DarkroomError: there is none, or they are not all there yet.
        """
        pictures = self._pictures(tool)
        cap = self._asked.order.max_cost_usd
        left = None if cap is None else cap - Decimal(_known(job)) / 1_000_000
        for number, (index, arguments) in enumerate(self._draft.output.picture_calls):
            route = f"{terms.route} picture {number}"
            own = self._terms(route, self._impressions(pictures, index))
            left = pictures.begin(index, arguments, own, left)
        try:
            steps = pictures.ended(self._api, charged=self._answering.charged(job))
        except StillRunning:
            self._answering.leave(words)
            raise
        self._said += pictures.warnings
        return steps

    def _impressions(self, pictures: Pictures, index: int) -> Callable[[str], bool] | None:
        is_live = self._is_streamed and self._api.transport.outlet is not None
        return pictures.impressions(index) if is_live else None

    def _ended(self, steps: Sequence[Step], terms: Terms, usage: Any, reason: str | None) -> Response[Any]:
        facts = facts_of(self._app, steps, self._said)
        model = next((str(step.job.model_used) for step in steps if step.job.model_used), "")
        ended = int(self._app.ports.clock().timestamp())
        whole = self._draft.whole(model=model, usage=usage, reason=reason, ended=ended, facts=facts)
        cost = facts["cost_usd"]
        headers = {} if cost is None else {"x-cost-usd": f"{Decimal(str(cost)):f}"}
        if self._is_streamed:
            answer: Response[Any] = Response(200, EVENTS, "".join(self._written), headers=headers)
        else:
            answer = answered(ResponseAnswer.model_validate(whole), 200, headers)
        return sent_or_linked(self._app.ports.images, steps[0].job, answer, terms.door)


def _tool_of(asked: Asked) -> PictureTool:
    """For a model that makes pictures, which was asked for an answer of any kind."""
    from darkroom.http.doors.pictures_in_chat import words_and_pictures

    words, pictures = words_and_pictures(asked.body.messages, param="input")
    return PictureTool(name="", fields={}, words=words, pictures=tuple(pictures), action="auto")


def _known(job: Job) -> int:
    """What a job has cost, or may."""
    return job.cost.reserved if job.cost.actual is None else job.cost.actual
