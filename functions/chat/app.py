"""/v1/conversations: begin, list, show, remove · messages · undo, redo, branch · versions, compare, recipe

Beside it `/v1/recipes` (`http.routes.recipes`), `POST /v1/chat/completions` (`http.routes.completions`) and `POST /mcp`
(`http.doors.mcp`).
"""

from darkroom.application.on_aws import entry
from darkroom.http.routes.conversations import routes

lambda_handler = entry(lambda app: routes(app).handle)
