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
│   ├── ForeignOrigin                403 FOREIGN_ORIGIN          a cookie-signed write from another site
│   ├── SignInError                  the way to OpenRouter and back did not end in a session; nothing was kept
│   │   ├── SignInUnknown            400 SIGN_IN_UNKNOWN         no such attempt
│   │   ├── SignInUsed               400 SIGN_IN_USED            a replay
│   │   ├── SignInElsewhere          400 SIGN_IN_ELSEWHERE       another browser's
│   │   ├── SignInExpired            400 SIGN_IN_EXPIRED         took longer than ten minutes
│   │   ├── SignInDenied             403 SIGN_IN_DENIED          the person did not allow it
│   │   └── SignInNotAllowed         403 SIGN_IN_NOT_ALLOWED     the stack does not let this person in
│   ├── UrlRefused                   400 URL_REFUSED             a URL that may not be fetched from here
│   ├── UrlUnreachable               400 URL_UNREACHABLE         the other side did not give the file
│   └── ImageError                   the bytes are no picture that can be worked on
│       ├── EmptyImage               400 EMPTY_IMAGE
│       ├── UnreadableImage          400 UNREADABLE_IMAGE
│       ├── ImageTooLarge            400 IMAGE_TOO_LARGE
│       └── NoForeground             422 NO_FOREGROUND
├── ProviderError                    a model provider, called with the user's own key, did not do it; see `upstream`
│   ├── InvalidApiKey                401 INVALID_API_KEY         the provider does not take the key
│   ├── InsufficientCredits          402 INSUFFICIENT_CREDITS    `reason` tells which of the purses is empty
│   ├── AccessForbidden              403 FORBIDDEN               a guardrail, a budget, a region, a right the key lacks
│   ├── InvalidPrompt                400 INVALID_PROMPT
│   ├── InvalidDimensions            400 INVALID_DIMENSIONS
│   ├── ContentRefused               422 CONTENT_REFUSED         moderation, or the model itself, said no
│   ├── NoImage                      422 NO_IMAGE                an answer came, without a picture in it
│   ├── RateLimited                  429 RATE_LIMIT
│   ├── NetworkError                 502 NETWORK_ERROR           never connected, or broken off
│   ├── UnusableAnswer               502 UNUSABLE_ANSWER         an answer came that cannot be read
│   ├── ProviderTimeout              504 TIMEOUT
│   └── SignInRefused                the provider gave no key for the sign-in code
│       ├── CodeInvalid              400 CODE_INVALID            it does not know the code: mistyped, or used before
│       ├── CodeMismatch             403 CODE_MISMATCH           the code belongs to another sign-in
│       ├── CodeExpired              403 CODE_EXPIRED
│       ├── CodeConflict             409 CODE_CONFLICT           the code is being used elsewhere at this moment
│       └── ExchangeUnavailable      502 EXCHANGE_UNAVAILABLE    it does not exchange codes as it used to
└── DarkroomFault                    ours, or of a service we stand on; the caller did nothing wrong
    ├── ServiceUnavailable           503 SERVICE_UNAVAILABLE     worth another try
    ├── KeyUnreadable                500 KEY_UNREADABLE          a stored key that was not sealed for its reader
    └── InternalError                500 INTERNAL_ERROR

Every error says whether money was spent: `charged` is False unless the raiser knows better. Whatever the class, an
error that a model provider caused carries `upstream`: a picture that cannot be had is the same error wherever it was
refused.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, ClassVar, Literal

Charged = bool | Literal["unknown"]


@dataclass(frozen=True, slots=True)
class Upstream:
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
        if retryable is not None or charged is not False:
            self.retryable = bool(retryable) and charged is False

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
            **({"upstream": self.upstream.facts()} if self.upstream else {}),
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


class ForeignOrigin(CallerError):
    code = "FOREIGN_ORIGIN"
    status = 403
    title = "The request came from another site"


class SignInError(CallerError):
    code = "SIGN_IN_FAILED"
    title = "Signing in did not work"


class SignInUnknown(SignInError):
    code = "SIGN_IN_UNKNOWN"


class SignInUsed(SignInError):
    code = "SIGN_IN_USED"


class SignInElsewhere(SignInError):
    code = "SIGN_IN_ELSEWHERE"


class SignInExpired(SignInError):
    code = "SIGN_IN_EXPIRED"


class SignInDenied(SignInError):
    code = "SIGN_IN_DENIED"
    status = 403


class SignInNotAllowed(SignInError):
    code = "SIGN_IN_NOT_ALLOWED"
    status = 403


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


class ProviderError(DarkroomError):
    code = "PROVIDER_ERROR"
    status = 502
    title = "The model provider did not do it"


class InvalidApiKey(ProviderError):
    code = "INVALID_API_KEY"
    status = 401
    title = "The provider does not accept the API key"


class InsufficientCredits(ProviderError):
    code = "INSUFFICIENT_CREDITS"
    status = 402
    title = "The provider account or key has too little credit"


class AccessForbidden(ProviderError):
    code = "FORBIDDEN"
    status = 403
    title = "The provider does not allow it"


class InvalidPrompt(ProviderError):
    code = "INVALID_PROMPT"
    status = 400
    title = "The prompt cannot be used"


class InvalidDimensions(ProviderError):
    code = "INVALID_DIMENSIONS"
    status = 400
    title = "The model does not make pictures of this size or shape"


class ContentRefused(ProviderError):
    code = "CONTENT_REFUSED"
    status = 422
    title = "The content was refused"


class NoImage(ProviderError):
    code = "NO_IMAGE"
    status = 422
    title = "The model gave no picture"


class RateLimited(ProviderError):
    code = "RATE_LIMIT"
    status = 429
    title = "Too many requests"
    retryable = True


class NetworkError(ProviderError):
    code = "NETWORK_ERROR"
    status = 502
    title = "The provider could not be reached"
    retryable = True


class UnusableAnswer(ProviderError):
    code = "UNUSABLE_ANSWER"
    status = 502
    title = "The provider's answer cannot be used"


class ProviderTimeout(ProviderError):
    code = "TIMEOUT"
    status = 504
    title = "The provider took too long"
    retryable = True


class SignInRefused(ProviderError):
    code = "SIGN_IN_REFUSED"
    status = 400
    title = "The sign-in was not completed"


class CodeInvalid(SignInRefused):
    code = "CODE_INVALID"
    title = "The sign-in code is not valid"


class CodeMismatch(SignInRefused):
    code = "CODE_MISMATCH"
    status = 403
    title = "The sign-in code belongs to another sign-in"


class CodeExpired(SignInRefused):
    code = "CODE_EXPIRED"
    status = 403
    title = "The sign-in took too long"


class CodeConflict(SignInRefused):
    code = "CODE_CONFLICT"
    status = 409
    title = "The sign-in code is already being used"


class ExchangeUnavailable(SignInRefused):
    code = "EXCHANGE_UNAVAILABLE"
    status = 502
    title = "The provider does not exchange sign-in codes"


class DarkroomFault(DarkroomError):
    pass


class ServiceUnavailable(DarkroomFault):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    title = "A service Darkroom stands on did not answer"
    retryable = True


class KeyUnreadable(DarkroomFault):
    code = "KEY_UNREADABLE"
    title = "A stored key cannot be opened"


class InternalError(DarkroomFault):
    pass
