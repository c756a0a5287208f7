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


class KeyUnreadable(DarkroomFault):
    code = "KEY_UNREADABLE"
    title = "A stored key cannot be opened"


class InternalError(DarkroomFault):
    pass
