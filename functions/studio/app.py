"""GET / · GET /studio/{version}/{file} · GET /studio/{version}/{folder}/{file}: the page. It asks nothing of AWS."""

from pathlib import Path

from darkroom.application.on_aws import entry, link_origins
from darkroom.http.routes.studio import Files, routes

STATIC = Path(__file__).with_name("static")

lambda_handler = entry(lambda app: routes(app, Files(STATIC, link_origins(app.settings))).handle)
