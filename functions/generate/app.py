"""POST /v1/images/generations, /try"""

from darkroom import bootstrap
from darkroom.http.routes.generations import routes

lambda_handler = bootstrap.entry(lambda environ: routes(bootstrap.generate(environ)).handle)
