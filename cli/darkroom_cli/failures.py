"""What ends a command early, and the exit code that says which it was."""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    DONE = 0
    FAILED = 1
    """Refused, or the job came to nothing."""
    USAGE = 2
    """The command or a file that it names is wrong; nothing was sent."""
    UNREACHABLE = 3
    """No address or token, or no answer from there."""
    UNDECIDED = 4
    """It is not known yet what became of it. The same command again goes on with it."""
    PARTLY = 5
    """Of several pictures some failed."""
    INTERRUPTED = 130


class Failure(Exception):
    """The message is for people, and says what to do."""

    code = Exit.FAILED


class WrongUsage(Failure):
    code = Exit.USAGE


class Unreachable(Failure):
    code = Exit.UNREACHABLE


class Undecided(Failure):
    code = Exit.UNDECIDED


class Refused(Failure):
    """An answer that is an error.

    Args:
        problem: the answer's problem+json, or what is known of it.
    """

    def __init__(self, status: int, problem: Mapping[str, Any]) -> None:
        super().__init__(sentence(problem, f"The answer was {status}."))
        self.status = status
        self.problem = problem

    @property
    def is_free(self) -> bool:
        """Whether it is certain that nothing was charged, and that nothing goes on."""
        return self.problem.get("charged") is False and "job" not in self.problem


class JobFailed(Failure):
    def __init__(self, job: Mapping[str, Any]) -> None:
        super().__init__(sentence(job.get("error") or {}, f"The job ended as {job.get('status')}."))
        self.job = job


def sentence(problem: Mapping[str, Any], otherwise: str) -> str:
    """What was wrong and what to do, with the stable code."""
    # API Gateway's own errors have a `message` alone.
    what = str(problem.get("detail") or problem.get("message") or otherwise)
    code = f" ({problem['code']})" if problem.get("code") else ""
    return f"{what} {problem.get('fix') or ''}".strip() + code
