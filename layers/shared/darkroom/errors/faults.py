"""Ours, or of a service we stand on; the caller did nothing wrong."""

from darkroom.errors.base import DarkroomError


class DarkroomFault(DarkroomError):
    pass


class ServiceUnavailable(DarkroomFault):
    code = "SERVICE_UNAVAILABLE"
    status = 503
    title = "A service Darkroom stands on did not answer"
    retryable = True


class StillRunning(DarkroomFault):
    code = "STILL_RUNNING"
    status = 503
    title = "The work is not done yet"
    retryable = True
    joins = True


class AnswerPending(DarkroomFault):
    """The request has a job, and its answer could not be given this time; the same request again gets it, for free."""

    code = "ANSWER_PENDING"
    status = 503
    title = "The answer could not be given yet"
    retryable = True
    joins = True


class AnswerNotGiven(DarkroomFault):
    """The request has a job, and its answer could not be given; the same request again might be paid for again."""

    code = "ANSWER_NOT_GIVEN"
    status = 503
    title = "The answer could not be given"


class OutcomeUnknown(DarkroomFault):
    """It could not be found out whether the request became a job."""

    code = "OUTCOME_UNKNOWN"
    status = 503
    title = "It is not known whether the work was begun"


class KeyUnreadable(DarkroomFault):
    code = "KEY_UNREADABLE"
    title = "A stored key cannot be opened"


class InternalError(DarkroomFault):
    pass
