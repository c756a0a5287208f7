"""What a batch has come to: the entries of its pictures, as the job's result."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from darkroom.errors import CallerError, Charged, DarkroomError, JobCanceled, ServiceUnavailable
from darkroom.models.job import Job, JobCost, JobStatus
from darkroom.models.recipe import Entry, Wanted

_MOST_WARNINGS: Final = 20

Entries = Mapping[int, Entry]
"""By the picture's index."""


def failed(error: DarkroomError) -> dict[str, Any]:
    """A picture's error, short, for 500 of them have to fit into the job."""
    return shortened(error.problem())


def shortened(problem: Mapping[str, Any], *, charged: Charged | None = None) -> dict[str, Any]:
    """Args: charged: whether anything was paid for the picture, where it is not as the problem says."""
    said = {
        "detail": str(problem.get("detail", ""))[:200],
        "fix": str(problem.get("fix", ""))[:150],
        "param": problem.get("param"),
        "budget": problem.get("budget"),
        "charged": problem.get("charged") if charged is None else charged,
    }
    known = {name: value for name, value in said.items() if value not in (None, "")}
    return {"code": problem.get("code"), "status": problem.get("status"), **known}


def summed(costs: Iterable[JobCost]) -> JobCost:
    """What several paid calls come to."""
    every = list(costs)
    charges = {cost.charged for cost in every}
    is_settled = all(cost.settled for cost in every)
    return JobCost(
        estimated=sum(cost.estimated or 0 for cost in every),
        reserved=sum(cost.reserved for cost in every),
        actual=sum(cost.actual or 0 for cost in every) if is_settled else None,
        settled=is_settled,
        charged="unknown" if "unknown" in charges or not is_settled else True in charges,
    )


def settled(job: Job, paintings: Iterable[Job]) -> Job | None:
    """The job, which is over, with what all of its paintings cost; None while that is not known of one of them."""
    of_picture: dict[int, list[JobCost]] = {}
    for part in paintings:
        index = int(part.id.removeprefix(f"{job.id}-i").partition("-")[0])
        of_picture.setdefault(index, []).append(part.cost)
    cost = summed(each for costs in of_picture.values() for each in costs)
    if not cost.settled:
        return None
    errors = [
        {**error, "charged": summed(of_picture.get(error["index"], ())).charged} for error in job.result["errors"]
    ]
    problem = job.error and {**job.error, "charged": cost.charged}
    told = {"cost": cost.model_copy(update={"estimated": job.cost.estimated}), "error": problem}
    return job.model_copy(update={**told, "result": {**job.result, "errors": errors}})


def result_of(entries: Entries, total: int) -> dict[str, Any]:
    """`indices` tells which of the named pictures each image is of."""
    errors = [{"index": index, **entry.error} for index, entry in sorted(entries.items()) if entry.error]
    return {
        "progress": {"done": len(entries) - len(errors), "failed": len(errors), "total": total},
        "indices": [index for index, entry in sorted(entries.items()) if entry.image],
        "errors": errors,
    }


def over(job: Job, entries: Entries, now: datetime) -> Job:
    """The job as it is when nothing is left to do: succeeded if there is any image."""
    done = _having(job, entries, now)
    if done.images:
        return done.model_copy(update={"status": JobStatus.SUCCEEDED})
    return done.model_copy(update={"status": JobStatus.FAILED, "error": _all_failed(entries, done)})


def canceled(job: Job, entries: Entries, now: datetime) -> Job:
    """The job as it is when it was canceled, with the images that there were by then."""
    done = _having(job, entries, now)
    left = int(job.result["progress"]["total"]) - len(entries)
    error = JobCanceled(
        f"The batch was canceled; {left} of its pictures were not begun.",
        fix="The images that were made stay here. Send the other pictures again if you want them.",
        charged=done.cost.charged,
    )
    return done.model_copy(update={"status": JobStatus.CANCELED, "error": error.problem()})


def ended(before: Wanted | None, cost: JobCost | None, problem: Mapping[str, Any]) -> Entry:
    """A picture's end without an image; what was painted for it stays paid.

    Args:
        before: what it had come to, if anything.
        cost: of all that was painted for it, where `before` does not have it.
    """
    paid = cost or (before.cost if before else JobCost())
    error = shortened(problem, charged=paid.charged)
    return Entry(error=error, parent=before.parent if before else None, cost=paid)


def closed(job: Job) -> DarkroomError:
    """Why a picture of a batch is not painted that was canceled, or is too old."""
    if job.cancel_at is not None:
        return JobCanceled(
            "The batch was canceled before this picture was painted.", fix="Send it again if you want it."
        )
    return ServiceUnavailable("The batch came to no end within a day.", fix="Send this picture again.", retryable=False)


def _having(job: Job, entries: Entries, now: datetime) -> Job:
    inside = [entry for _, entry in sorted(entries.items())]
    cost = summed(entry.cost for entry in inside)
    warnings = dict.fromkeys((*job.warnings, *(warning for entry in inside for warning in entry.warnings)))
    result = {name: value for name, value in job.result.items() if name != "canceling"}
    return job.model_copy(
        update={
            "completed_at": now,
            "images": tuple(entry.image for entry in inside if entry.image),
            "lineage": tuple(entry.parent for entry in inside if entry.image and entry.parent),
            "warnings": tuple(warnings)[:_MOST_WARNINGS],
            "result": {**result, **result_of(entries, int(job.result["progress"]["total"]))},
            "cost": cost.model_copy(update={"estimated": job.cost.estimated}),
        }
    )


def _all_failed(entries: Entries, job: Job) -> dict[str, Any]:
    """The first picture's error, as the job's."""
    first = (entries[min(entries)].error if entries else None) or {}
    many = f"None of the {len(entries)} pictures could be worked on. The first: " if len(entries) > 1 else ""
    error = CallerError(
        f"{many}{first.get('detail', '')}",
        fix=first.get("fix", ""),
        param=first.get("param"),
        charged=job.cost.charged,
    )
    problem, code = error.problem(), first.get("code", error.code)
    named = {"type": f"urn:darkroom:error:{code}", "status": first.get("status", error.status), "code": code}
    return {**problem, **named, "error": {**problem["error"], "code": code}}
