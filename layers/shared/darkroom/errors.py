"""Everything that can go wrong, one tree.

DarkroomError
├── CallerError                      what the caller sent cannot be done; sending it again will not help
│   ├── InvalidParameter             400 INVALID_PARAMETER       a field's value is outside what it accepts
│   ├── UnsupportedModel             400 UNSUPPORTED_MODEL       no such model here; the error lists those there are
│   ├── LicenceNotAcknowledged       403 LICENCE_NOT_ACKNOWLEDGED
│   ├── Unauthenticated              401 UNAUTHENTICATED         no token came with the request
│   ├── InvalidToken                 401 INVALID_TOKEN           unknown, revoked or expired
│   ├── NotFound                     404 NOT_FOUND               absent, or another user's
│   ├── MethodNotAllowed             405 METHOD_NOT_ALLOWED
│   ├── Conflict                     409 CONFLICT
│   ├── PayloadTooLarge              413 PAYLOAD_TOO_LARGE
│   ├── UnsupportedMediaType         415 UNSUPPORTED_MEDIA_TYPE
│   ├── UrlRefused                   400 URL_REFUSED             a URL that may not be fetched from here
│   ├── UrlUnreachable               400 URL_UNREACHABLE         the other side did not give the file
│   └── ImageError                   the bytes are no picture that can be worked on
│       ├── EmptyImage               400 EMPTY_IMAGE
│       ├── UnreadableImage          400 UNREADABLE_IMAGE
│       ├── ImageTooLarge            400 IMAGE_TOO_LARGE
│       └── NoForeground             422 NO_FOREGROUND
└── DarkroomFault                    ours, or of a service we stand on; the caller did nothing wrong
    ├── ServiceUnavailable           503 SERVICE_UNAVAILABLE     worth another try
    └── InternalError                500 INTERNAL_ERROR

Every error says whether money was spent: `charged` is False unless the raiser knows better.
"""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal

Charged = bool | Literal["unknown"]


class DarkroomError(Exception):
    """The root: what went wrong in one sentence, and what the reader can do about it.

    Args:
        detail: one sentence for the person who called; never holds a secret or another user's data.
        fix: what to do about it, as a sentence.
        param: the field at fault, where there is one.
        retry_after: seconds after which another attempt makes sense.
        charged: whether money was spent; "unknown" while it is being found out.
        context: more facts for the response body, for example the values a field accepts.
    """

    code: ClassVar[str] = "INTERNAL_ERROR"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Something went wrong"
    retryable: ClassVar[bool] = False

    def __init__(
        self,
        detail: str,
        *,
        fix: str = "",
        param: str | None = None,
        retry_after: int | None = None,
        charged: Charged = False,
        context: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(detail)
        self.detail = detail
        self.fix = fix
        self.param = param
        self.retry_after = retry_after
        self.charged: Charged = charged
        self.context = dict(context or {})

    def problem(self, *, instance: str | None = None) -> dict[str, Any]:
        """The error as a response body: RFC 9457 problem details that also carry OpenAI's `error` object.

        One body serves both readers; job rows keep the same.
        """
        return {
            "type": f"urn:darkroom:error:{self.code}",
            "title": self.title,
            "status": self.status,
            "detail": self.detail,
            **({"instance": instance} if instance else {}),
            **({"fix": self.fix} if self.fix else {}),
            **({"param": self.param} if self.param else {}),
            **self.context,
            "code": self.code,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "charged": self.charged,
            "error": {
                "message": f"{self.detail} {self.fix}".strip(),
                "type": "server_error" if self.status >= 500 else "invalid_request_error",
                "param": self.param,
                "code": self.code,
            },
        }


class CallerError(DarkroomError):
    code = "INVALID_REQUEST"
    status = 400
    title = "The request cannot be carried out"


class InvalidParameter(CallerError):
    code = "INVALID_PARAMETER"
    title = "A parameter has a value that is not accepted"


class UnsupportedModel(CallerError):
    code = "UNSUPPORTED_MODEL"
    title = "The model is not available"


class LicenceNotAcknowledged(CallerError):
    code = "LICENCE_NOT_ACKNOWLEDGED"
    status = 403
    title = "The model's licence has not been acknowledged"


class Unauthenticated(CallerError):
    code = "UNAUTHENTICATED"
    status = 401
    title = "No API token was sent"


class InvalidToken(CallerError):
    code = "INVALID_TOKEN"
    status = 401
    title = "The API token is not valid"


class NotFound(CallerError):
    code = "NOT_FOUND"
    status = 404
    title = "Not found"


class MethodNotAllowed(CallerError):
    code = "METHOD_NOT_ALLOWED"
    status = 405
    title = "The method is not allowed here"


class Conflict(CallerError):
    code = "CONFLICT"
    status = 409
    title = "The state does not allow it"


class PayloadTooLarge(CallerError):
    code = "PAYLOAD_TOO_LARGE"
    status = 413
    title = "The request is too large"


class UnsupportedMediaType(CallerError):
    code = "UNSUPPORTED_MEDIA_TYPE"
    status = 415
    title = "The media type is not supported"


class UrlRefused(CallerError):
    code = "URL_REFUSED"
    title = "The URL may not be fetched"


class UrlUnreachable(CallerError):
    code = "URL_UNREACHABLE"
    title = "The URL did not give the file"


class ImageError(CallerError):
    code = "INVALID_IMAGE"
    title = "The image cannot be used"


class EmptyImage(ImageError):
    code = "EMPTY_IMAGE"
    title = "The image is empty"


class UnreadableImage(ImageError):
    code = "UNREADABLE_IMAGE"
    title = "The image cannot be read"


class ImageTooLarge(ImageError):
    code = "IMAGE_TOO_LARGE"
    title = "The image has too many pixels"


class NoForeground(ImageError):
    code = "NO_FOREGROUND"
    status = 422
    title = "No foreground was found"


class DarkroomFault(DarkroomError):
    pass


class ServiceUnavailable(DarkroomFault):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    title = "A service Darkroom stands on did not answer"
    retryable = True


class InternalError(DarkroomFault):
    pass
