"""GET /healthz: for whoever watches over the stack."""

from typing import Any

from aws_lambda_powertools.event_handler import Response
from msgspec.structs import asdict

from darkroom import __version__
from darkroom.adapters.aws import within
from darkroom.errors import ServiceUnavailable, Unauthenticated
from darkroom.http.app import Api, answered
from darkroom.http.schemas.account import HEALTH, Finding, HealthQuery
from darkroom.http.schemas.account import Health as HealthView
from darkroom.models.deadline import Deadline
from darkroom.services.health import Health, silent

ROUTE = HEALTH.route
# Seconds, for a look at the caller's token.
TO_KNOW_WHO = 1.0


def health_routes(api: Api, health: Health) -> None:
    """Adds it to an Api for which ROUTE is public: that it answers at all is everybody's to know."""

    @api.serve(HEALTH)
    def healthz() -> Response[Any]:
        if not api.query_as(HealthQuery).deep:
            return answered(HealthView(status="ok", version=__version__))
        try:
            # What is asked for in time is told in time.
            with within(Deadline(TO_KNOW_WHO)):
                caller = api.known_caller
        except ServiceUnavailable:
            return _nobody_known(health)
        if caller is None:
            raise Unauthenticated(
                "How its parts are is told to those who may use it.", fix="Send an API token, or leave `deep` out."
            )
        found = health.check(caller.user)
        failed = tuple(finding.name for finding in found.findings if finding.status == "failed")
        shown = HealthView(
            status="failed" if failed else "ok",
            version=__version__,
            failed=failed,
            checked_at=found.at,
            age_seconds=round((health.clock() - found.at).total_seconds(), 1),
            checks=tuple(Finding(**asdict(finding)) for finding in found.findings),
        )
        return answered(shown, 503 if failed else 200)


def _nobody_known(health: Health) -> Response[Any]:
    """Without the table it cannot be told who asks, and to strangers nothing else is told."""
    found = silent("table", TO_KNOW_WHO)
    shown = HealthView(
        status="failed",
        failed=(found.name,),
        checked_at=health.clock(),
        age_seconds=0.0,
        checks=(Finding(**asdict(found)),),
    )
    return answered(shown, 503)
