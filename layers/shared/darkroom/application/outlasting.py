"""The application behind API Gateway, in a process that goes on when it has answered, until what it began is over."""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any

from darkroom.adapters.aws import outlasting
from darkroom.application import Application

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from concurrent.futures import Future

    from darkroom.application import Handler
    from darkroom.application.ports import Ports
    from darkroom.services.paid.in_place import InPlace, Start
    from darkroom.settings import Settings


def in_outlasting_thread(work: Callable[[], None]) -> Future[None]:
    """As `in_thread`; calls of AWS that the thread makes do not end by the deadline of the request that began it."""
    from darkroom.services.paid.in_place import in_thread

    def unhurried() -> None:
        with outlasting():
            work()

    return in_thread(unhurried)


class OutlastingApplication(Application):
    """Carries out what its callers wait for.

    Args:
        start: begins a job beside the request, which the process then goes on for.
    """

    def __init__(self, settings: Settings, ports: Ports, start: Start) -> None:
        super().__init__(settings, ports)
        self._start = start

    @cached_property
    def in_place(self) -> InPlace:
        from darkroom.services.paid.in_place import InPlace

        return InPlace(self.worker, self._start, outlasts_answer=True)


def outlasting_handler(
    settings: Settings, ports: Ports, environ: Mapping[str, str], handler_of: Callable[[Application], Handler]
) -> Handler | None:
    """A handler of such an application; None where this process would be halted when it has answered.

    Args: environ: Lambda's variables.
    """
    from darkroom.adapters.lambda_extension import LambdaExtension

    extension = LambdaExtension.registered(environ)
    if extension is None:
        return None

    def start(work: Callable[[], None]) -> Future[None]:
        return extension.keep(in_outlasting_thread(work))

    app = OutlastingApplication(settings, ports, start)
    app.load("worker")
    handler = handler_of(app)

    def handle(event: dict[str, Any], context: Any) -> Any:
        try:
            return handler(event, context)
        finally:
            extension.returned()

    return handle
