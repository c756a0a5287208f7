"""POST /v1/images/generations, /try"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.generations import routes

lambda_handler = entry(lambda app: routes(app).handle)
