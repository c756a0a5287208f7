"""Everything that can go wrong, one tree.

DarkroomError
├── CallerError                      what the caller sent cannot be done; sending it again will not help
│   ├── InvalidParameter             400 INVALID_PARAMETER       a field's value is outside what it accepts
│   ├── UnsupportedModel             400 UNSUPPORTED_MODEL       no such model here; the error lists those there are
│   ├── LicenceNotAcknowledged       403 LICENCE_NOT_ACKNOWLEDGED
│   ├── Unauthenticated              401 UNAUTHENTICATED         no token came with the request
│   ├── InvalidToken                 401 INVALID_TOKEN           unknown, revoked or expired
│   ├── NotFound                     404 NOT_FOUND               absent, or another user's
│   ├── NoSuchRoute                  404 NO_SUCH_ROUTE
│   ├── MethodNotAllowed             405 METHOD_NOT_ALLOWED
│   ├── Conflict                     409 CONFLICT
│   ├── PayloadTooLarge              413 PAYLOAD_TOO_LARGE
│   ├── UnsupportedMediaType         415 UNSUPPORTED_MEDIA_TYPE
│   ├── ForeignOrigin                403 FOREIGN_ORIGIN          a cookie-signed write from another site
│   ├── TokenRestricted              403 TOKEN_RESTRICTED        a token with limits of its own may not do this
│   ├── GuestRefused                 403 GUEST_REFUSED           a guest may upload and cut out, and nothing else
│   ├── TooManyRequests              429 TOO_MANY_REQUESTS       more than this stack takes from a caller in a minute
│   ├── IdempotencyKeyReused         422 IDEMPOTENCY_KEY_REUSED  the key stands for another request
│   ├── JobCanceled                  409 JOB_CANCELED            before anything was spent
│   ├── MoneyRefused                 it might cost more than it may; nothing was spent
│   │   ├── CostLimit                402 COST_LIMIT              more than one request may cost
│   │   ├── BudgetExceeded           402 BUDGET_EXCEEDED         more than is left of a budget
│   │   └── PriceUnknown             402 PRICE_UNKNOWN           nobody says what it costs
│   ├── SignInError                  the way to OpenRouter and back did not end in a session; nothing was kept
│   │   ├── SignInUnknown            400 SIGN_IN_UNKNOWN         no such attempt
│   │   ├── SignInUsed               400 SIGN_IN_USED            a replay
│   │   ├── SignInElsewhere          400 SIGN_IN_ELSEWHERE       another browser's
│   │   ├── SignInExpired            400 SIGN_IN_EXPIRED         took longer than ten minutes
│   │   ├── SignInDenied             403 SIGN_IN_DENIED          the person did not allow it
│   │   ├── SignInNotAllowed         403 SIGN_IN_NOT_ALLOWED     the stack does not let this person in
│   │   ├── KeyTermsNotKept          502 KEY_TERMS_NOT_KEPT      OpenRouter made a key without the limit asked for
│   │   ├── SignInLinkInvalid        400 SIGN_IN_LINK_INVALID    a one-time link that is unknown, used or over
│   │   ├── AccountExists            409 ACCOUNT_EXISTS          an account holds a pasted key of this person
│   │   └── LinkedElsewhere          409 LINKED_ELSEWHERE        the OpenRouter user signs in to another account
│   ├── UrlRefused                   400 URL_REFUSED             a URL that may not be fetched from here
│   ├── UrlUnreachable               400 URL_UNREACHABLE         the other side did not give the file
│   └── ImageError                   the bytes are no picture that can be worked on
│       ├── EmptyImage               400 EMPTY_IMAGE
│       ├── ImageExpired             410 IMAGE_EXPIRED           it was there, and was removed since
│       ├── UnreadableImage          400 UNREADABLE_IMAGE
│       ├── UnsupportedImage         415 UNSUPPORTED_IMAGE       sound, but of a kind that is not read here
│       ├── ImageTooLarge            400 IMAGE_TOO_LARGE
│       ├── NoForeground             422 NO_FOREGROUND
│       └── LowQuality               422 LOW_QUALITY             the cut-out scores less than was asked for
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
│       ├── CodeMethodInvalid        400 CODE_METHOD_INVALID     it does not take the code_challenge_method
│       ├── CodeMismatch             403 CODE_MISMATCH           the code belongs to another sign-in
│       ├── CodeExpired              403 CODE_EXPIRED
│       ├── CodeConflict             409 CODE_CONFLICT           the code is being used elsewhere at this moment
│       └── ExchangeUnavailable      502 EXCHANGE_UNAVAILABLE    it does not exchange codes as it used to
└── DarkroomFault                    ours, or of a service we stand on; the caller did nothing wrong
    ├── ServiceUnavailable           503 SERVICE_UNAVAILABLE     worth another try
    ├── StillRunning                 503 STILL_RUNNING           the same request sent again joins the job
    ├── AnswerPending                503 ANSWER_PENDING          there is a job; the same request again gets its answer
    ├── AnswerNotGiven               503 ANSWER_NOT_GIVEN        there is a job; the same request again may be another
    ├── OutcomeUnknown               503 OUTCOME_UNKNOWN         there may be a job; its id says where to look
    ├── KeyUnreadable                500 KEY_UNREADABLE          a stored key that was not sealed for its reader
    └── InternalError                500 INTERNAL_ERROR

Every error says whether money was spent: `charged` is False unless the raiser knows better. Whatever the class, an
error that a model provider caused carries `upstream`: a picture that cannot be had is the same error wherever it was
refused.
"""

from darkroom.errors.base import Charged as Charged
from darkroom.errors.base import DarkroomError as DarkroomError
from darkroom.errors.base import Upstream as Upstream


class CallerError(DarkroomError, code="INVALID_REQUEST", status=400):
    title = "The request cannot be carried out"


class InvalidParameter(CallerError, code="INVALID_PARAMETER"):
    title = "A parameter has a value that is not accepted"


class UnsupportedModel(CallerError, code="UNSUPPORTED_MODEL"):
    title = "The model is not available"


class LicenceNotAcknowledged(CallerError, code="LICENCE_NOT_ACKNOWLEDGED", status=403):
    title = "The model's licence has not been acknowledged"


class Unauthenticated(CallerError, code="UNAUTHENTICATED", status=401):
    title = "No API token was sent"


class InvalidToken(CallerError, code="INVALID_TOKEN", status=401):
    title = "The API token is not valid"


class NotFound(CallerError, code="NOT_FOUND", status=404):
    title = "Not found"


class NoSuchRoute(CallerError, code="NO_SUCH_ROUTE", status=404):
    title = "There is no such route"


class MethodNotAllowed(CallerError, code="METHOD_NOT_ALLOWED", status=405):
    title = "The method is not allowed here"


class Conflict(CallerError, code="CONFLICT", status=409):
    title = "The state does not allow it"


class PayloadTooLarge(CallerError, code="PAYLOAD_TOO_LARGE", status=413):
    title = "The request is too large"


class UnsupportedMediaType(CallerError, code="UNSUPPORTED_MEDIA_TYPE", status=415):
    title = "The media type is not supported"


class ForeignOrigin(CallerError, code="FOREIGN_ORIGIN", status=403):
    title = "The request came from another site"


class TokenRestricted(CallerError, code="TOKEN_RESTRICTED", status=403):
    title = "The API token may not do this"


class GuestRefused(CallerError, code="GUEST_REFUSED", status=403):
    title = "A guest may not do this"


class TooManyRequests(CallerError, code="TOO_MANY_REQUESTS", status=429):
    title = "Too many requests"
    retryable = True


class IdempotencyKeyReused(CallerError, code="IDEMPOTENCY_KEY_REUSED", status=422):
    title = "The Idempotency-Key was used for another request"


class JobCanceled(CallerError, code="JOB_CANCELED", status=409):
    title = "The job was canceled"


class MoneyRefused(CallerError, code="MONEY_REFUSED", status=402):
    title = "It might cost more than it may"


class CostLimit(MoneyRefused, code="COST_LIMIT"):
    title = "The request might cost more than one request may"


class BudgetExceeded(MoneyRefused, code="BUDGET_EXCEEDED"):
    title = "The request might cost more than is left of a budget"


class PriceUnknown(MoneyRefused, code="PRICE_UNKNOWN"):
    title = "The price of the request is not known"


class SignInError(CallerError, code="SIGN_IN_FAILED"):
    title = "Signing in did not work"


class SignInUnknown(SignInError, code="SIGN_IN_UNKNOWN"): ...


class SignInUsed(SignInError, code="SIGN_IN_USED"): ...


class SignInElsewhere(SignInError, code="SIGN_IN_ELSEWHERE"): ...


class SignInExpired(SignInError, code="SIGN_IN_EXPIRED"): ...


class SignInDenied(SignInError, code="SIGN_IN_DENIED", status=403): ...


class SignInNotAllowed(SignInError, code="SIGN_IN_NOT_ALLOWED", status=403): ...


class KeyTermsNotKept(SignInError, code="KEY_TERMS_NOT_KEPT", status=502): ...


class SignInLinkInvalid(SignInError, code="SIGN_IN_LINK_INVALID"): ...


class AccountExists(SignInError, code="ACCOUNT_EXISTS", status=409):
    title = "You may have an account here already"


class LinkedElsewhere(SignInError, code="LINKED_ELSEWHERE", status=409):
    title = "This OpenRouter account belongs to another account here"


class UrlRefused(CallerError, code="URL_REFUSED"):
    title = "The URL may not be fetched"


class UrlUnreachable(CallerError, code="URL_UNREACHABLE"):
    title = "The URL did not give the file"


class ImageError(CallerError, code="INVALID_IMAGE"):
    title = "The image cannot be used"


class EmptyImage(ImageError, code="EMPTY_IMAGE"):
    title = "The image is empty"


class ImageExpired(ImageError, code="IMAGE_EXPIRED", status=410):
    title = "The image is gone"


class UnreadableImage(ImageError, code="UNREADABLE_IMAGE"):
    title = "The image cannot be read"


class UnsupportedImage(ImageError, code="UNSUPPORTED_IMAGE", status=415):
    title = "The kind of image is not supported"


class ImageTooLarge(ImageError, code="IMAGE_TOO_LARGE"):
    title = "The image has too many pixels"


class NoForeground(ImageError, code="NO_FOREGROUND", status=422):
    title = "No foreground was found"


class LowQuality(ImageError, code="LOW_QUALITY", status=422):
    title = "The cut-out is not as good as was asked for"


class ProviderError(DarkroomError, code="PROVIDER_ERROR", status=502):
    title = "The model provider did not do it"


class InvalidApiKey(ProviderError, code="INVALID_API_KEY", status=401):
    title = "The provider does not accept the API key"


class InsufficientCredits(ProviderError, code="INSUFFICIENT_CREDITS", status=402):
    title = "The provider account or key has too little credit"


class AccessForbidden(ProviderError, code="FORBIDDEN", status=403):
    title = "The provider does not allow it"


class InvalidPrompt(ProviderError, code="INVALID_PROMPT", status=400):
    title = "The prompt cannot be used"


class InvalidDimensions(ProviderError, code="INVALID_DIMENSIONS", status=400):
    title = "The model does not make pictures of this size or shape"


class ContentRefused(ProviderError, code="CONTENT_REFUSED", status=422):
    title = "The content was refused"


class NoImage(ProviderError, code="NO_IMAGE", status=422):
    title = "The model gave no picture"


class RateLimited(ProviderError, code="RATE_LIMIT", status=429):
    title = "Too many requests"
    retryable = True


class NetworkError(ProviderError, code="NETWORK_ERROR", status=502):
    title = "The provider could not be reached"
    retryable = True


class UnusableAnswer(ProviderError, code="UNUSABLE_ANSWER", status=502):
    title = "The provider's answer cannot be used"


class ProviderTimeout(ProviderError, code="TIMEOUT", status=504):
    title = "The provider took too long"
    retryable = True


class SignInRefused(ProviderError, code="SIGN_IN_REFUSED", status=400):
    title = "The sign-in was not completed"


class CodeInvalid(SignInRefused, code="CODE_INVALID"):
    title = "The sign-in code is not valid"


class CodeMethodInvalid(SignInRefused, code="CODE_METHOD_INVALID"):
    title = "The sign-in was not proved as it was begun"


class CodeMismatch(SignInRefused, code="CODE_MISMATCH", status=403):
    title = "The sign-in code belongs to another sign-in"


class CodeExpired(SignInRefused, code="CODE_EXPIRED", status=403):
    title = "The sign-in took too long"


class CodeConflict(SignInRefused, code="CODE_CONFLICT", status=409):
    title = "The sign-in code is already being used"


class ExchangeUnavailable(SignInRefused, code="EXCHANGE_UNAVAILABLE", status=502):
    title = "The provider does not exchange sign-in codes"


class DarkroomFault(DarkroomError): ...


class ServiceUnavailable(DarkroomFault, code="SERVICE_UNAVAILABLE", status=503):
    title = "A service Darkroom stands on did not answer"
    retryable = True


class StillRunning(DarkroomFault, code="STILL_RUNNING", status=503):
    title = "The work is not done yet"
    retryable = True
    joins = True


class AnswerPending(DarkroomFault, code="ANSWER_PENDING", status=503):
    """The request has a job, and its answer could not be given this time; the same request again gets it, for free."""

    title = "The answer could not be given yet"
    retryable = True
    joins = True


class AnswerNotGiven(DarkroomFault, code="ANSWER_NOT_GIVEN", status=503):
    """The request has a job, and its answer could not be given; the same request again might be paid for again."""

    title = "The answer could not be given"


class OutcomeUnknown(DarkroomFault, code="OUTCOME_UNKNOWN", status=503):
    """It could not be found out whether the request became a job."""

    title = "It is not known whether the work was begun"


class KeyUnreadable(DarkroomFault, code="KEY_UNREADABLE"):
    title = "A stored key cannot be opened"


class InternalError(DarkroomFault): ...
