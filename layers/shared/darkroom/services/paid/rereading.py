"""Reading an answer again that could not be used, after what reads it was mended. Nothing is asked for, or paid, again.

An answer that was not understood is kept as long as its job. What it cost is what it cost: a job that is settled stays
settled, with its receipt as it was written, and becomes a success beside that; one whose cost is still being found out
ends as if its answer had been understood at once.
"""

from collections.abc import Callable
from typing import Final

from msgspec import Struct

from darkroom.errors import Conflict, NoImage, NotFound, UnusableAnswer
from darkroom.models.generation import KeptPicture
from darkroom.models.job import Job, JobStatus, PaidWork
from darkroom.ports import JobStore, Provider, RawAnswerStore
from darkroom.services.paid import fan_out
from darkroom.services.paid.calls import Result, answer_gone, as_picture, reread
from darkroom.services.paid.settlement import Settlement

_NOT_UNDERSTOOD: Final = frozenset({UnusableAnswer.code, NoImage.code})


class Rereading(Struct, frozen=True):
    jobs: JobStore
    raw_answers: RawAnswerStore
    providers: Callable[[str], Provider]
    settlement: Settlement

    def run(self, user: str, job_id: str) -> Job:
        """The job, which has succeeded now.

        Raises:
            NotFound: there is no such job, or its answer is gone.
            Conflict: it did not end with an answer that could not be used.
            DarkroomError: the answer cannot be used still; the job is as it was.
        """
        job = self.jobs.find(user, job_id)
        if job is None or job.work is None or job.removed_at is not None:
            raise NotFound("There is no such paid job.", fix="Give the user and the id of one.")
        has_ended = job.status in (JobStatus.FAILED, JobStatus.UNCERTAIN)
        if not has_ended or (job.error or {}).get("code") not in _NOT_UNDERSTOOD:
            raise Conflict(f"The job is {job.status}.", fix="Only an answer that could not be used is read again.")
        job, result, picture = self._read_again(job, job.work)
        if job.cost.settled:
            self.settlement.revive(job, result, picture)
        else:
            self.settlement.succeed(job, result, picture=picture)
        return self.jobs.find(user, job_id) or job

    def _read_again(self, job: Job, work: PaidWork) -> tuple[Job, Result, KeptPicture | None]:
        """The job, what came of it (of several calls, of those whose answers can be read now), and the picture that
        its answer is kept as.
        """
        provider = self.providers(job.provider)
        if job.calls:
            return *fan_out.reread_calls(job, provider, self.raw_answers), None
        answer = self.raw_answers.read(job.user, job.id, as_picture=as_picture(job))
        if answer is None:
            raise answer_gone()
        return job, reread(work, provider, answer), answer.picture
