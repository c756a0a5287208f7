"""POST /v1/images/edits"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.edits import routes

lambda_handler = entry(lambda app: routes(app).handle)
