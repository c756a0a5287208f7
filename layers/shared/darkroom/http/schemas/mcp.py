"""The Model Context Protocol's route. https://modelcontextprotocol.io/specification"""

from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, RootModel

from darkroom.http.operation import JSON, Answer, Operation, absent

RequestId = int | str


class JsonRpcMessage(BaseModel):
    """A request of JSON-RPC 2.0; or a notification, which has no `id` and is answered with 202."""

    model_config = ConfigDict(defer_build=True, extra="allow")

    jsonrpc: Literal["2.0"]
    id: RequestId | None = None
    method: str = Field(description="`initialize`, `server/discover`, `ping`, `tools/list` or `tools/call`.")
    params: dict[str, Any] | None = None


class JsonRpcBatch(RootModel[list[JsonRpcMessage]]):
    """Several, as the protocol had them in its version 2025-03-26."""

    model_config = ConfigDict(defer_build=True)


class JsonRpcError(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    code: int
    message: str
    data: Any = Field(None, description="The problem, where there is one: with `code`, `fix` and `charged`.")


class JsonRpcAnswer(Answer):
    """`result`, or `error`."""

    jsonrpc: Literal["2.0"] = "2.0"
    id: RequestId | None
    result: dict[str, Any] | None = absent("Of a tool: `content`, `structuredContent` and `isError`.")
    error: JsonRpcError | None = absent()


class JsonRpcAnswers(RootModel[list[JsonRpcAnswer]]):
    """To those of a batch that are no notifications."""

    model_config = ConfigDict(defer_build=True)


class McpHeaders(BaseModel):
    model_config = ConfigDict(defer_build=True, extra="forbid")

    version: str | None = Field(None, alias="MCP-Protocol-Version", description="That was agreed on.")


CALL: Final = Operation(
    "POST /mcp",
    {200: {JSON: JsonRpcAnswer | JsonRpcAnswers}, 202: {}},
    body={JSON: JsonRpcMessage | JsonRpcBatch},
    headers=McpHeaders,
    errors={JSON: JsonRpcAnswer},
)
