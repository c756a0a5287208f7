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

from darkroom.errors.base import (
    Charged,
    DarkroomError,
    Upstream,
)
from darkroom.errors.caller import (
    AccountExists,
    BudgetExceeded,
    CallerError,
    Conflict,
    CostLimit,
    EmptyImage,
    ForeignOrigin,
    IdempotencyKeyReused,
    ImageError,
    ImageExpired,
    ImageTooLarge,
    InvalidParameter,
    InvalidToken,
    JobCanceled,
    KeyTermsNotKept,
    LicenceNotAcknowledged,
    LinkedElsewhere,
    MethodNotAllowed,
    MoneyRefused,
    NoForeground,
    NoSuchRoute,
    NotFound,
    PayloadTooLarge,
    PriceUnknown,
    SignInDenied,
    SignInElsewhere,
    SignInError,
    SignInExpired,
    SignInLinkInvalid,
    SignInNotAllowed,
    SignInUnknown,
    SignInUsed,
    TokenRestricted,
    TooManyRequests,
    Unauthenticated,
    UnreadableImage,
    UnsupportedImage,
    UnsupportedMediaType,
    UnsupportedModel,
    UrlRefused,
    UrlUnreachable,
)
from darkroom.errors.faults import (
    AnswerNotGiven,
    AnswerPending,
    DarkroomFault,
    InternalError,
    KeyUnreadable,
    OutcomeUnknown,
    ServiceUnavailable,
    StillRunning,
)
from darkroom.errors.provider import (
    AccessForbidden,
    CodeConflict,
    CodeExpired,
    CodeInvalid,
    CodeMismatch,
    ContentRefused,
    ExchangeUnavailable,
    InsufficientCredits,
    InvalidApiKey,
    InvalidDimensions,
    InvalidPrompt,
    NetworkError,
    NoImage,
    ProviderError,
    ProviderTimeout,
    RateLimited,
    SignInRefused,
    UnusableAnswer,
)

__all__ = [
    "AccessForbidden",
    "AccountExists",
    "AnswerNotGiven",
    "AnswerPending",
    "BudgetExceeded",
    "CallerError",
    "Charged",
    "CodeConflict",
    "CodeExpired",
    "CodeInvalid",
    "CodeMismatch",
    "Conflict",
    "ContentRefused",
    "CostLimit",
    "DarkroomError",
    "DarkroomFault",
    "EmptyImage",
    "ExchangeUnavailable",
    "ForeignOrigin",
    "IdempotencyKeyReused",
    "ImageError",
    "ImageExpired",
    "ImageTooLarge",
    "InsufficientCredits",
    "InternalError",
    "InvalidApiKey",
    "InvalidDimensions",
    "InvalidParameter",
    "InvalidPrompt",
    "InvalidToken",
    "JobCanceled",
    "KeyTermsNotKept",
    "KeyUnreadable",
    "LicenceNotAcknowledged",
    "LinkedElsewhere",
    "MethodNotAllowed",
    "MoneyRefused",
    "NetworkError",
    "NoForeground",
    "NoImage",
    "NoSuchRoute",
    "NotFound",
    "OutcomeUnknown",
    "PayloadTooLarge",
    "PriceUnknown",
    "ProviderError",
    "ProviderTimeout",
    "RateLimited",
    "ServiceUnavailable",
    "SignInDenied",
    "SignInElsewhere",
    "SignInError",
    "SignInExpired",
    "SignInLinkInvalid",
    "SignInNotAllowed",
    "SignInRefused",
    "SignInUnknown",
    "SignInUsed",
    "StillRunning",
    "TokenRestricted",
    "TooManyRequests",
    "Unauthenticated",
    "UnreadableImage",
    "UnsupportedImage",
    "UnsupportedMediaType",
    "UnsupportedModel",
    "UnusableAnswer",
    "Upstream",
    "UrlRefused",
    "UrlUnreachable",
]
