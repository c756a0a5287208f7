"""What a paid job says of its ending: sentences, the error with what it cost, tokens by OpenAI's names."""

from collections.abc import Mapping
from typing import Any

from darkroom.errors import Charged, InternalError
from darkroom.models.generation import GenerationResult
from darkroom.models.job import Job
from darkroom.models.money import MicroUsd, said
from darkroom.models.receipt import Share


def with_warnings(job: Job, actual: MicroUsd, warnings: tuple[str, ...] = ()) -> Job:
    """The job with what is to be known of its money."""
    if actual > job.cost.reserved:
        more = f"It cost {said(actual)}, more than the {said(job.cost.reserved)} that were set aside."
        warnings = (*warnings, more)
    return job.model_copy(update={"warnings": (*job.warnings, *warnings)})


def share_sentence(share: Share) -> str:
    together = share.together
    return (
        f"{together.jobs} calls on the same key cost {said(together.total)} together. What each of them cost could not"
        f" be found out; {said(share.amount)} of it counts as spent for this one."
    )


def stood_in(job: Job, used: str) -> tuple[str, ...]:
    """A sentence where another model has served than was asked first.

    What tells of itself by a longer name, such as a dated one, is the model that the name begins with.
    """
    work = job.work
    asked = (work.request or work.chat or work.completion) if work else None
    if asked is None:
        return ()
    models = (asked.model, *asked.fallback_models)
    found = max((each for each in models if used.startswith(each)), key=len, default=asked.model)
    return () if found == asked.model else (f"{asked.model} could not serve this; {found} did instead.",)


def usage_of(result: GenerationResult) -> dict[str, Any]:
    """Tokens by OpenAI's names. What is not known counts 0: clients fail where a number is missing."""
    usage = result.usage
    shown, made = int(usage.prompt_tokens or 0), int(usage.completion_tokens or 0)
    painted = min(made, int(usage.image_tokens or made))
    return {
        "input_tokens": shown,
        "input_tokens_details": {"text_tokens": shown, "image_tokens": 0},
        "output_tokens": made,
        "output_tokens_details": {"image_tokens": painted, "text_tokens": made - painted},
        "total_tokens": shown + made,
    }


_FIX: Mapping[Charged, str] = {
    True: "It was charged, and the picture is lost: having it made again costs again.",
    False: "It was not charged. Have it made again.",
    "unknown": (
        "Whether it was charged could not be found out, so what was set aside for it counts as spent; your account at"
        " the provider may tell."
    ),
}


def told_error(job: Job, *, charged: Charged, fix: str | None = None) -> dict[str, Any]:
    """The error that the job ended with, without what it said while that was being found out."""
    problem = job.error or InternalError("The worker ended before the answer was stored.").problem()
    fix = fix or _FIX[charged]
    message = f"{problem.get('detail', '')} {fix}".strip()
    # The same again is a new purchase, which only its owner decides.
    told = {"fix": fix, "charged": charged, "retryable": False, "retry_after": None}
    return {**problem, **told, "error": {**problem.get("error", {}), "message": message}}
