"""One call of a tool: how it is paid for, waited for and answered."""

import json
from collections.abc import Callable
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from aws_lambda_powertools.event_handler import Response
from msgspec import Struct
from pydantic import BaseModel

from darkroom.application import Application
from darkroom.http.app import Api, json_response
from darkroom.http.doors.mcp_results import error_result, made_of, of_job, quote_result, result
from darkroom.http.responder import Answering, terms_of
from darkroom.models.admission import Terms
from darkroom.models.job import Job
from darkroom.models.money import MicroUsd, in_dollars
from darkroom.services.listing.estimates import Sum
from darkroom.services.paid.admission import Submission

# Clients give up after 60 s where nobody has told them otherwise.
MAX_WAIT: Final = 45.0
_CENT: Final = Decimal("0.0001")


class Call(Struct, frozen=True):
    """Args:
    mark: the same for the same request sent again.
    together: how many calls share the time of one request.
    takes_links: whether the client's version of the protocol has links to resources.
    """

    api: Api
    app: Application
    tool: str
    mark: str
    together: int
    takes_links: bool

    def answered(self, work: Callable[[], dict[str, Any]]) -> dict[str, Any]:
        """The tool's result; whatever goes wrong is one, too, and says what was charged."""
        # What went wrong with the call before this one is of no matter here.
        self.api.on_error(lambda error: error)
        try:
            return work()
        except Exception as error:  # noqa: BLE001 - the edge: nothing leaks, and the log has it
            return error_result(self.api.told(error).problem())

    @property
    def user(self) -> str:
        return self.api.user

    @property
    def terms(self) -> Terms:
        """Waits as long as clients do, and then says how to ask again. Raises InvalidParameter."""
        said = terms_of(self.api)
        wait = min(said.door.max_wait, MAX_WAIT) / self.together
        # An Idempotency-Key is one request's.
        key = said.idempotency_key if self.together == 1 else None
        ours = {"route": f"POST /mcp {self.tool}", "is_async": False, "wait": wait, "mark": self.mark}
        return said.model_copy(update={**ours, "idempotency_key": key})

    def submitted(self, submission: Submission, terms: Terms) -> dict[str, Any]:
        """The result of what has become a job; raises as Answering.respond."""

        def done(job: Job) -> Response[Any]:
            return json_response(self.result_of(job))

        response = Answering(self.app).respond(self.api, submission, done, terms, what="The work is")
        body: dict[str, Any] = json.loads(str(response.body))
        if response.status_code == 200:
            return body
        if response.status_code == 202:
            return result(of_job(body), previews=(), takes_links=self.takes_links)
        return error_result(body)

    def result_of(self, job: Job) -> dict[str, Any]:
        """Of a job as its owner sees it, with previews of its pictures."""
        if job.error is not None:
            return error_result({**job.error, "job": self.app.jobs.show(job)})
        made, pictures = made_of(self.app, job)
        return result(made, previews=pictures, takes_links=self.takes_links)

    def quote(self, found: Sum, *, about: str) -> dict[str, Any] | None:
        """What is answered in the place of the work, while nobody has said what it may cost; None if it is free."""
        reserves = [each.reserve for each in found.items]
        reserve = sum(each or 0 for each in reserves) if None not in reserves else None
        if found.total == 0 and not reserve:
            return None
        return self.priced(found.total, reserve, about=about)

    def priced(self, total: MicroUsd | None, reserve: MicroUsd | None, *, about: str) -> dict[str, Any]:
        most = max((each for each in (total, reserve) if each is not None), default=None)
        suggested = None if most is None else (in_dollars(most)).quantize(_CENT, ROUND_CEILING)
        estimate = None if total is None else float(in_dollars(total))
        return quote_result(self.tool, about, estimate, None if suggested is None else float(suggested))


def told(body: BaseModel, text: str) -> dict[str, Any]:
    """The result of what costs nothing. Args: body: what is answered, as data."""
    shown = body.model_dump(mode="json", by_alias=True)
    return {"content": [{"type": "text", "text": text}], "structuredContent": shown, "isError": False}
