"""What is known of the costs of a job's several calls once something is known of what they cost together."""

from darkroom.models.job import Job, JobStatus, ProviderCall
from darkroom.models.money import MicroUsd
from darkroom.models.receipt import Share


def decided(calls: tuple[ProviderCall, ...], actual: MicroUsd) -> tuple[ProviderCall, ...]:
    """A job's several calls, when it is known what they cost together: so it is of the one whose cost was not."""
    rest = actual - sum(call.cost or 0 for call in calls)
    unknown = [call.index for call in calls if call.cost is None]
    if not unknown or rest < 0 or (rest > 0 and len(unknown) > 1):
        return calls
    decided = {"cost": rest, "charged": rest > 0}
    return tuple(
        call.model_copy(update={**decided, "status": _ended(call.status)}) if call.index in unknown else call
        for call in calls
    )


def _ended(status: JobStatus) -> JobStatus:
    return JobStatus.FAILED if status in (JobStatus.UNCERTAIN, JobStatus.RUNNING) else status


def given_up(call: ProviderCall) -> ProviderCall:
    """A call of a job that is given up: what was never sent cost nothing, and of the others it stays unknown."""
    if call.cost is not None:
        return call
    if call.dispatched_at is None:
        return call.model_copy(update={"status": JobStatus.CANCELED, "cost": 0, "charged": False})
    return call.model_copy(update={"status": _ended(call.status), "charged": "unknown"})


def counted(job: Job, calls: tuple[ProviderCall, ...]) -> MicroUsd:
    """What a job counts at whose cost is never known: its reservation.

    Of several calls, what is known of each, and for the rest their share of the reservation, by their pictures.
    """
    if not calls:
        return job.cost.reserved
    unknown = sum(call.n for call in calls if call.cost is None)
    share = -(-job.cost.reserved * unknown // sum(call.n for call in calls))
    return sum(call.cost or 0 for call in calls) + share


def shared(calls: tuple[ProviderCall, ...], share: Share) -> tuple[ProviderCall, ...]:
    """A job's several calls when it is settled at a share, which tells of one of them only if the others are known."""
    if share.is_certain:
        return decided(calls, share.amount)
    return tuple(given_up(call) for call in calls)
