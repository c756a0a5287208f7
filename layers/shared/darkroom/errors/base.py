"""The root of the tree, and what a model provider said."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

from msgspec import Struct
from msgspec.structs import asdict

from darkroom.errors.names import without_keys

Charged = bool | Literal["unknown"]


class Upstream(Struct, frozen=True):
    """What a model provider said, in its own terms; free of secrets and of pictures, and short."""

    provider: str
    status: int | None = None
    error_type: str | None = None
    message: str | None = None
    request_id: str | None = None
    generation_id: str | None = None
    model: str | None = None
    attempts: int = 1
    cost_micro_usd: int | None = None
    """What the provider said it charged; None when it did not say."""

    def facts(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}


class DarkroomError(Exception):
    """The root: what went wrong in one sentence, and what the reader can do about it.

    Args:
        detail: one sentence for the person who called; never holds a secret or another user's data.
        fix: what to do about it, as a sentence.
        param: the field at fault, where there is one.
        retry_after: seconds after which another attempt makes sense.
        charged: whether money was spent; "unknown" while it is being found out.
        context: more facts for the response body, for example the values a field accepts.
        retryable: whether sending the same again makes sense, where this case differs from its class. What may have
            cost money is never retryable.
        upstream: what the model provider said.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    retryable: bool = False
    joins: ClassVar[bool] = False
    """Whether sending the same again joins what is under way, so that it cannot be paid for twice."""
    is_passed_on: bool = False
    """Whether a reader has part of the answer that failed with this: another attempt would not continue it."""

    def __init_subclass__(cls, *, code: str | None = None, status: int | None = None) -> None:
        """What a class does not give is its parent's."""
        cls.code, cls.status = code or cls.code, status or cls.status

    def __init__(
        self,
        detail: str,
        *,
        fix: str = "",
        param: str | None = None,
        retry_after: int | None = None,
        charged: Charged = False,
        context: Mapping[str, Any] | None = None,
        retryable: bool | None = None,
        upstream: Upstream | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fix = fix
        self.param = param
        self.retry_after = retry_after
        self.charged: Charged = charged
        self.context = dict(context or {})
        self.upstream = upstream
        if not self.joins and (retryable is not None or charged is not False):
            self.retryable = bool(retryable) and charged is False

    def problem(self, *, instance: str | None = None) -> dict[str, Any]:
        """The error as a response body: RFC 9457 problem details that also carry OpenAI's `error` object.

        One body serves both readers; job rows keep the same.
        """
        detail, fix = without_keys(self.detail), without_keys(self.fix)
        param = without_keys(self.param) if self.param else None
        return {
            "type": f"urn:darkroom:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": detail,
            **({"instance": instance} if instance else {}),
            **({"fix": fix} if fix else {}),
            **({"param": param} if param else {}),
            **_shown(self.context),
            **({"upstream": self.upstream.facts()} if self.upstream else {}),
            "code": self.code,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "charged": self.charged,
            "error": {
                "message": f"{detail} {fix}".strip(),
                "type": _openai_type(self.status),
                "param": param,
                "code": self.code,
            },
        }


def _openai_type(status: int) -> str:
    """OpenAI's `error.type`: of 401, too, it is `invalid_request_error`, and of 429 what there were too many of."""
    if status >= 500:
        return "server_error"
    return "requests" if status == 429 else "invalid_request_error"


def _shown(value: Any) -> Any:
    """JSON without keys in its texts. Links are ours, and signed: they would be none without what looks like a key."""
    if isinstance(value, str):
        return value if value.startswith(("http://", "https://")) else without_keys(value)
    if isinstance(value, Mapping):
        return {name: _shown(each) for name, each in value.items()}
    return [_shown(each) for each in value] if isinstance(value, list | tuple) else value
