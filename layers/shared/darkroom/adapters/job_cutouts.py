"""What came of cutting bought pictures out of their backgrounds, beside their jobs in DynamoDB. See job_rows."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from darkroom.adapters.job_rows import UNCUT_JOB, Mark, cutout_documents, to_job
from darkroom.adapters.open_jobs import OpenJobs
from darkroom.models.job import Job, JobStatus, KeptCutout


class JobCutouts(OpenJobs):
    def keep_cutouts(self, job: Job, cutouts: Sequence[KeptCutout]) -> Job | None:
        is_over = job.cost.settled and len(cutouts) >= len(job.images)
        before = "size(cutouts) = :seen" if job.cutouts else "attribute_not_exists(cutouts)"
        values: dict[str, Any] = {
            ":cutouts": cutout_documents(cutouts),
            ":succeeded": JobStatus.SUCCEEDED.value,
            ":attempt": job.attempt,
            ":settled": job.cost.settled,
            **({":seen": len(job.cutouts)} if job.cutouts else {}),
        }
        return self._update(
            job,
            f"SET cutouts = :cutouts{' REMOVE #open, open_since' if is_over else ''}",
            "#status = :succeeded AND attempt = :attempt AND settled = :settled"
            f" AND attribute_not_exists(removed_at) AND {before}",
            values,
            mark=Mark.CUT_OUT,
        )

    def list_without_cutouts(self, *, at: datetime | None = None) -> Iterator[Job]:
        yield from map(to_job, self._open.rows(UNCUT_JOB, at=at))
