"""POST /v1/images/background-removals · the queue of files dropped into the inbox · the queue of jobs to render"""

from darkroom.application.on_aws import entry
from darkroom.events.removals import handler_of
from darkroom.http.routes.background_removals import routes

lambda_handler = entry(lambda app: handler_of(app, routes(app).handle))
