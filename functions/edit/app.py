"""POST /v1/images/edits"""

from darkroom import bootstrap
from darkroom.http.routes.edits import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.edit(environ)).handle)
