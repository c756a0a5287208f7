"""A model provider, called with somebody's key, did not do it."""

from darkroom.errors.base import DarkroomError


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
