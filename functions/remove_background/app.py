"""POST /v1/images/background-removals · the queue of files dropped into the inbox · the queue of jobs to render"""

from collections.abc import Mapping

from darkroom import bootstrap
from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes


def _composed(environ: Mapping[str, str]) -> bootstrap.Handler:
    services = bootstrap.remove_background(environ)
    return handler_of(services, routes(services).handle)


lambda_handler = bootstrap.entry(_composed)
