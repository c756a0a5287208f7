"""What a client with admitted paid work is told while a call of AWS goes wrong: the table of docs/reliability.md.

`python -m tests.integration.crash.fault_table` prints it for the page.
"""

import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Final, Literal

from tests.integration.crash.aws_faults import KINDS

# Other than these: denied, lost, lost once.
PASSING: Final = ("error", "throttle", "refused", "hung")


@dataclass(frozen=True)
class Said:
    """The first answer.

    Args:
        status: None where it is the answer that is given when all is well.
        charged: `job`: as the job has it, true as soon as it is settled; None where the body has no `charged`.
        again: the header `x-should-retry`; None where there is none.
        alarms: that the log has.
    """

    status: int | None = None
    code: str | None = None
    charged: bool | Literal["job", "unknown"] | None = None
    again: bool | None = None
    alarms: frozenset[str] = frozenset()

    @property
    def has_job(self) -> bool:
        return self.status is None or self.charged is not False

    def with_alarms(self, *names: str) -> "Said":
        return replace(self, alarms=self.alarms | set(names))

    def __str__(self) -> str:
        told = "as always" if self.status is None else f"{self.status} `{self.code}`"
        if self.charged is not None:
            charged = "the job's" if self.charged == "job" else f"`{str(self.charged).lower()}`"
            told += f", charged {charged}, again `{str(self.again).lower()}`"
        return told + "".join(f", {name}" for name in sorted(self.alarms))


ALWAYS: Final = Said()
NOT_BEGUN: Final = Said(503, "SERVICE_UNAVAILABLE", charged=False, again=True)
REFUSED: Final = Said(500, "INTERNAL_ERROR", charged=False, again=False)
PENDING: Final = Said(503, "ANSWER_PENDING", charged="job", again=True)
NOT_GIVEN: Final = Said(503, "ANSWER_NOT_GIVEN", charged="unknown", again=False)
UNKNOWN: Final = Said(503, "OUTCOME_UNKNOWN", charged="unknown", again=False)
NOT_QUEUED: Final = ALWAYS.with_alarms("JOB_NOT_QUEUED")
NOT_NOTED: Final = ALWAYS.with_alarms("NOT_NOTED_DOWN")


@dataclass(frozen=True)
class Row:
    """Args: passing: in all of PASSING. lost: as `passing` where it is None."""

    calls: str
    passing: Said
    denied: Said
    lost: Said | None = None

    def of(self, kind: str) -> Said:
        if kind == "denied":
            return self.denied.with_alarms("AWS_REFUSED")
        if kind == "lost once":
            return ALWAYS
        return self.passing if kind in PASSING or self.lost is None else self.lost


# One call goes wrong, by what it is for.
CALLS: Final[Mapping[str, Row]] = {
    "admission": Row("`dynamodb.TransactWriteItems`: the admission", NOT_BEGUN, REFUSED, ALWAYS),
    "batch": Row("`dynamodb.PutItem`: the admission of a recipe's batch", NOT_BEGUN, REFUSED),
    "queue": Row("`sqs.SendMessage`: its message", NOT_QUEUED, NOT_QUEUED),
    "look": Row("`dynamodb.GetItem`: a look at the job", ALWAYS, ALWAYS),
    "shown": Row("`dynamodb.GetItem`: what the answer shows beside the job", PENDING, PENDING),
    "read": Row("`s3.GetObject`: the picture, the completion", PENDING, PENDING),
    "long": Row("`s3.PutObject`: an answer too long for Lambda", PENDING, PENDING),
    "told": Row("`dynamodb.PutItem`: that the answer was given", NOT_NOTED, NOT_NOTED),
}
# Each call of a service goes wrong from a moment on.
SERVICES: Final[Mapping[str, Row]] = {
    "dynamodb at admission": Row("all of DynamoDB, from the admission on", UNKNOWN, REFUSED),
    "dynamodb": Row("all of DynamoDB, after the admission", NOT_GIVEN, NOT_GIVEN),
    "s3": Row("all of S3, after the admission", PENDING, PENDING),
    "sqs": Row("all of SQS, after the admission", NOT_QUEUED, NOT_QUEUED),
}


def lines() -> Iterator[str]:
    """The table of the page."""
    yield "| call | " + ", ".join(f"`{kind}`" for kind in PASSING) + " | `denied` | `lost` | `lost once` |"
    yield "|---|---|---|---|---|"
    for row in (*CALLS.values(), *SERVICES.values()):
        yield f"| {row.calls} | " + " | ".join(str(row.of(kind)) for kind in KINDS if kind not in PASSING[1:]) + " |"


if __name__ == "__main__":
    sys.stdout.write("\n".join(lines()) + "\n")
