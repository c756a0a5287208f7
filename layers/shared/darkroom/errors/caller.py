"""What the caller sent cannot be done; sending it again will not help."""

from darkroom.errors.base import DarkroomError


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


class NoSuchRoute(CallerError):
    code = "NO_SUCH_ROUTE"
    status = 404
    title = "There is no such route"


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


class TokenRestricted(CallerError):
    code = "TOKEN_RESTRICTED"
    status = 403
    title = "The API token may not do this"


class TooManyRequests(CallerError):
    code = "TOO_MANY_REQUESTS"
    status = 429
    title = "Too many requests"
    retryable = True


class IdempotencyKeyReused(CallerError):
    code = "IDEMPOTENCY_KEY_REUSED"
    status = 422
    title = "The Idempotency-Key was used for another request"


class JobCanceled(CallerError):
    code = "JOB_CANCELED"
    status = 409
    title = "The job was canceled"


class MoneyRefused(CallerError):
    code = "MONEY_REFUSED"
    status = 402
    title = "It might cost more than it may"


class CostLimit(MoneyRefused):
    code = "COST_LIMIT"
    title = "The request might cost more than one request may"


class BudgetExceeded(MoneyRefused):
    code = "BUDGET_EXCEEDED"
    title = "The request might cost more than is left of a budget"


class PriceUnknown(MoneyRefused):
    code = "PRICE_UNKNOWN"
    title = "The price of the request is not known"


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


class KeyTermsNotKept(SignInError):
    code = "KEY_TERMS_NOT_KEPT"
    status = 502


class SignInLinkInvalid(SignInError):
    code = "SIGN_IN_LINK_INVALID"


class AccountExists(SignInError):
    code = "ACCOUNT_EXISTS"
    status = 409
    title = "You may have an account here already"


class LinkedElsewhere(SignInError):
    code = "LINKED_ELSEWHERE"
    status = 409
    title = "This OpenRouter account belongs to another account here"


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


class ImageExpired(ImageError):
    code = "IMAGE_EXPIRED"
    status = 410
    title = "The image is gone"


class UnreadableImage(ImageError):
    code = "UNREADABLE_IMAGE"
    title = "The image cannot be read"


class UnsupportedImage(ImageError):
    code = "UNSUPPORTED_IMAGE"
    status = 415
    title = "The kind of image is not supported"


class ImageTooLarge(ImageError):
    code = "IMAGE_TOO_LARGE"
    title = "The image has too many pixels"


class NoForeground(ImageError):
    code = "NO_FOREGROUND"
    status = 422
    title = "No foreground was found"
