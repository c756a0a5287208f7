"""OpenAI's routes by the paths of Azure: they take and answer what those at `/v1` do."""

from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from darkroom.http.operation import JSON, MULTIPART, Operation
from darkroom.http.schemas.common import PaidHeaders
from darkroom.http.server_events import EVENTS


class AzureBody(BaseModel):
    """As `POST /v1/chat/completions`, `/v1/images/generations`, `/v1/images/edits` and `/v1/responses` take it; `model`
    is the deployment.
    """

    model_config = ConfigDict(defer_build=True, extra="allow")

    model: str | None = None


class AzureAnswer(BaseModel):
    """As these answer."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    data: list[dict[str, Any]] | None = None
    choices: list[dict[str, Any]] | None = None
    output: list[dict[str, Any]] | None = None


SERVE_AZURE: Final = Operation(
    "POST /openai/{proxy+}",
    {200: {JSON: AzureAnswer, EVENTS: "text"}, 202: {JSON: AzureAnswer}, 303: {"text/plain": "text"}},
    body={JSON: AzureBody, MULTIPART: AzureBody},
    headers=PaidHeaders,
)
