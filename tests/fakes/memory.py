"""The ports in memory. The contract suites hold them to what the adapters do."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from threading import RLock

from msgspec import structs

from darkroom.adapters.job_rows import LABELS
from darkroom.errors import NotFound, PayloadTooLarge
from darkroom.models.job import Job, JobStatus, KeptCutout, ProviderCall, thumbnail_key
from darkroom.models.key import KeyProvider, StoredKey
from darkroom.models.receipt import KeyCharges, KeyListing, Receipt, of_free_work
from darkroom.ports import Clock, JobPage, OpenJob, PresignedUpload

_IN_SHORT = {"user", "id", "created_at", "dispatched_at", "key_sha256"}
_BY_OWNER = ("removed_at", *LABELS)
_WRITTEN_APART = (
    *("attempt", "started_at", "lease_expires_at", "dispatched_at", "key_usage", "key_sha256"),
    *("key_charges", "key_listed", "removed_at", "stop_at", "cutouts"),
    *LABELS,
)


class MemoryJobStore:
    """`lock` guards `jobs`, for a MemoryLedger that shares them, too."""

    def __init__(self) -> None:
        self.lock = RLock()
        self.jobs: dict[tuple[str, str], Job] = {}
        self.sources: dict[str, tuple[str, str]] = {}
        self.work: dict[tuple[str, str], Receipt] = {}
        self.charges: dict[str, KeyCharges] = {}
        self.looks: dict[tuple[str, str], tuple[datetime, int]] = {}

    def add(self, job: Job, *, source: str | None = None) -> Job | None:
        with self.lock:
            if source is not None and source in self.sources:
                return self.jobs.get(self.sources[source])
            if source is not None:
                self.sources[source] = (job.user, job.id)
            self.jobs[job.user, job.id] = job
            if job.status.is_final and not job.is_paid:
                self.work[job.user, job.id] = of_free_work(job, job.created_at)
            return job

    def find(self, user: str, job_id: str) -> Job | None:
        return self.jobs.get((user, job_id))

    def family(self, user: str, job_id: str) -> Sequence[Job]:
        with self.lock:
            mine = [job for job in self.jobs.values() if job.user == user]
        found = [job for job in mine if job.id == job_id or job.id.startswith(f"{job_id}-")]
        return sorted(found, key=lambda job: job.id)[:12]

    def page(self, user: str, *, limit: int, before: str | None = None) -> JobPage:
        with self.lock:
            mine = sorted((job for job in self.jobs.values() if job.user == user), key=lambda job: job.id, reverse=True)
        rest = [job for job in mine if before is None or job.id < before]
        jobs = tuple(rest[:limit])
        return JobPage(jobs=jobs, next_id=jobs[-1].id if len(rest) > limit else None)

    def list_open(self) -> Iterator[Job]:
        with self.lock:
            found = [job for job in self.jobs.values() if not job.status.is_final or not job.cost.settled]
        yield from sorted(found, key=lambda job: job.created_at)

    def list_looks(self, *, at: datetime | None = None) -> Iterator[OpenJob]:
        for job in self.list_open():
            looked_at, failures = self.looks.get((job.user, job.id), (None, 0))
            yield OpenJob(**job.model_dump(include=_IN_SHORT), looked_at=looked_at, failures=failures)

    def begin_look(self, seen: OpenJob, *, at: datetime) -> OpenJob | None:
        with self.lock:
            job, key = self.jobs.get((seen.user, seen.id)), (seen.user, seen.id)
            is_open = job is not None and not (job.status.is_final and job.cost.settled)
            if not is_open or self.looks.get(key, (None, 0))[0] != seen.looked_at:
                return None
            self.looks[key] = (at, seen.failures + 1)
            return structs.replace(seen, looked_at=at, failures=seen.failures + 1)

    def end_look(self, user: str, job_id: str) -> None:
        with self.lock:
            if (user, job_id) in self.looks:
                self.looks[user, job_id] = (self.looks[user, job_id][0], 0)

    def start(self, job: Job, *, now: datetime, lease_expires_at: datetime) -> Job | None:
        with self.lock:
            stored = self.jobs.get((job.user, job.id))
            if stored is None or not self._may_start(stored, now):
                return None
            return self._put(
                stored,
                status=JobStatus.RUNNING,
                attempt=stored.attempt + 1,
                started_at=now,
                lease_expires_at=lease_expires_at.replace(microsecond=0),
            )

    def claim(self, user: str, job_id: str, *, now: datetime, lease_expires_at: datetime) -> tuple[Job | None, bool]:
        with self.lock:
            job = self.jobs.get((user, job_id))
            if job is None or not job.is_paid:
                return job, False
            started = self.start(job, now=now, lease_expires_at=lease_expires_at)
            return started or job, started is not None

    @staticmethod
    def _may_start(job: Job, now: datetime) -> bool:
        if job.dispatched_at is not None:
            return False
        lease_is_over = job.lease_expires_at is not None and job.lease_expires_at <= now
        return job.status is JobStatus.QUEUED or (job.status is JobStatus.RUNNING and lease_is_over)

    def requeue(self, job: Job) -> bool:
        with self.lock:
            stored = self._running(job)
            if stored is None or stored.dispatched_at is not None:
                return False
            self._put(stored, status=JobStatus.QUEUED, lease_expires_at=None)
            return True

    def finish(self, job: Job) -> bool:
        with self.lock:
            stored = self.jobs.get((job.user, job.id))
            if stored is None or stored.attempt != job.attempt or stored.status.is_final or not stored.cost.settled:
                return False
            kept = {"started_at": stored.started_at or job.started_at, **_said_by_owner(stored)}
            self._put(job, **kept, lease_expires_at=None)
            self.work[job.user, job.id] = of_free_work(job, job.created_at)
            return True

    def settle(self, job: Job) -> bool:
        with self.lock:
            stored = self.unsettled(job)
            if stored is None:
                return False
            self._put(job, **_said_by_owner(stored))
            return True

    def dispatch(
        self, job: Job, *, at: datetime, lease_expires_at: datetime, listing: KeyListing | None = None
    ) -> Job | None:
        with self.lock:
            stored = self._running(job)
            if stored is None or stored.cost.settled:
                return None
            return self._put(
                stored,
                dispatched_at=at,
                provider=job.provider,
                lease_expires_at=lease_expires_at.replace(microsecond=0),
                key_usage=job.key_usage,
                key_charges=job.key_charges,
                key_sha256=job.key_sha256,
                key_listed=job.key_listed if listing is None else self.enlist(listing),
                generation_id=None,
                calls=job.calls,
            )

    def enlist(self, listing: KeyListing) -> bool:
        with self.lock:
            now = self.charges.get(listing.key_sha256, KeyCharges())
            if listing.job not in now.open and len(now.open) >= 200:
                return False
            is_anchor = listing.anchor is not None and now.version == listing.seen and not now.open
            changed = {"open": now.open | {listing.job}, "version": now.version + 1}
            anchored = {"anchor": listing.anchor} if is_anchor else {}
            self.charges[listing.key_sha256] = now.model_copy(update={**changed, **anchored})
            return True

    def dispatch_call(self, job: Job, call: ProviderCall) -> bool:
        with self.lock:
            stored = self._running(job)
            if stored is None or stored.cost.settled or stored.stop_at is not None:
                return False
            return self._put_call(stored, call)

    def note_call(self, job: Job, call: ProviderCall) -> bool:
        with self.lock:
            stored = self.unsettled(job)
            return stored is not None and stored.dispatched_at is not None and self._put_call(stored, call)

    def _put_call(self, stored: Job, call: ProviderCall) -> bool:
        self._put(stored, calls=tuple(call if each.index == call.index else each for each in stored.calls))
        return True

    def stop(self, job: Job, *, at: datetime) -> bool:
        with self.lock:
            stored = self._running(job)
            if stored is None or stored.cost.settled or not stored.calls:
                return False
            self._put(stored, stop_at=stored.stop_at or at)
            return True

    def note_generation(self, job: Job, generation_id: str) -> bool:
        with self.lock:
            stored = self.unsettled(job)
            if stored is None or stored.dispatched_at is None:
                return False
            self._put(stored, generation_id=generation_id)
            return True

    def record(self, job: Job) -> bool:
        with self.lock:
            stored = self.unsettled(job)
            if stored is None:
                return False
            self.jobs[job.user, job.id] = keeping_dispatch(stored, job)
            return True

    def revive(self, job: Job) -> bool:
        with self.lock:
            stored = self.jobs.get((job.user, job.id))
            if stored is None or stored.status is not JobStatus.FAILED or not stored.cost.settled:
                return False
            if stored.attempt != job.attempt or stored.removed_at is not None:
                return False
            self.jobs[job.user, job.id] = job
            return True

    def keep_cutouts(self, job: Job, cutouts: Sequence[KeptCutout]) -> Job | None:
        with self.lock:
            stored = self.jobs.get((job.user, job.id))
            if stored is None or stored.status is not JobStatus.SUCCEEDED or stored.removed_at is not None:
                return None
            is_as_read = stored.attempt == job.attempt and stored.cost.settled == job.cost.settled
            if not is_as_read or len(stored.cutouts) != len(job.cutouts):
                return None
            return self._put(stored, cutouts=tuple(cutouts))

    def list_without_cutouts(self, *, at: datetime | None = None) -> Iterator[Job]:
        with self.lock:
            found = [job for job in self.jobs.values() if job.cost.settled and job.awaits_cutouts]
        yield from sorted(found, key=lambda job: job.created_at)

    def progress(self, job: Job) -> Job | None:
        with self.lock:
            stored = self.jobs.get((job.user, job.id))
            if stored is None or stored.status.is_final or not stored.cost.settled or stored.attempt != job.attempt:
                return None
            begun = stored.started_at or job.started_at
            kept = {"started_at": begun, **_said_by_owner(stored)}
            self.jobs[job.user, job.id] = job.model_copy(update={"attempt": job.attempt + 1, **kept})
            return self.jobs[job.user, job.id]

    def hide(self, user: str, job_id: str, *, at: datetime) -> None:
        with self.lock:
            if (user, job_id) in self.jobs:
                self._put(self.jobs[user, job_id], removed_at=at)

    def label(self, user: str, job_id: str, *, favorite: bool | None = None, title: str | None = None) -> Job | None:
        with self.lock:
            stored = self.jobs.get((user, job_id))
            if stored is None or stored.removed_at is not None:
                return None
            said = {} if favorite is None else {"favorite": favorite}
            return self._put(stored, **said, **({} if title is None else {"title": title or None}))

    def remove(self, user: str, job_id: str) -> bool:
        with self.lock:
            stored = self.jobs.get((user, job_id))
            if stored is None or not stored.status.is_final or not stored.cost.settled:
                return False
            del self.jobs[user, job_id]
            return True

    def _running(self, job: Job) -> Job | None:
        stored = self.jobs.get((job.user, job.id))
        is_it = stored is not None and stored.status is JobStatus.RUNNING and stored.attempt == job.attempt
        return stored if is_it else None

    def unsettled(self, job: Job) -> Job | None:
        """The stored job, if its money is not settled and it is in the same attempt."""
        stored = self.jobs.get((job.user, job.id))
        is_it = stored is not None and not stored.cost.settled and stored.attempt == job.attempt
        return stored if is_it else None

    def _put(self, job: Job, **changes: object) -> Job:
        changed = job.model_copy(update=changes)
        self.jobs[job.user, job.id] = changed
        return changed


def _said_by_owner(stored: Job) -> dict[str, object]:
    return {name: getattr(stored, name) for name in _BY_OWNER}


def keeping_dispatch(stored: Job, job: Job) -> Job:
    """The job as it is to be stored, with what only `start`, `dispatch` and `note_generation` may say."""
    kept = {name: getattr(stored, name) for name in _WRITTEN_APART}
    cost = job.cost.model_copy(update={"settled": stored.cost.settled})
    noted = job.generation_id if job.generation_id is not None else stored.generation_id
    return job.model_copy(update={**kept, "cost": cost, "generation_id": noted})


@dataclass
class StoredObject:
    data: bytes
    media_type: str
    metadata: Mapping[str, str] = field(default_factory=dict)
    written_at: datetime | None = field(default=None, compare=False)
    keep_days: int | None = field(default=None, compare=False)


class MemoryImageStore:
    """Uploads are put in by `drop`; `uploads` maps (key, version) to bytes."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.uploads: dict[tuple[str, str | None], bytes] = {}
        self.outputs: dict[str, StoredObject] = {}

    def drop(self, key: str, data: bytes, version: str | None = None) -> None:
        self.uploads[key, version] = data
        self.uploads[key, None] = data

    def presign_upload(self, key: str, *, media_type: str, max_bytes: int) -> PresignedUpload:
        fields = {"key": key, "Content-Type": media_type, "max": str(max_bytes)}
        return PresignedUpload(url="https://uploads.example/", fields=fields, expires_at=self._clock())

    def read_upload(self, key: str, *, version: str | None = None, max_bytes: int) -> bytes:
        if (key, version) not in self.uploads:
            raise NotFound("The uploaded file is not there (any more).")
        data = self.uploads[key, version]
        if len(data) > max_bytes:
            raise PayloadTooLarge(f"The file has {len(data)} bytes; {max_bytes} are accepted.")
        return data

    def write_output(
        self, key: str, data: bytes, *, media_type: str, metadata: Mapping[str, str], keep_days: int | None = None
    ) -> None:
        self.outputs[key] = StoredObject(data, media_type, dict(metadata), self._clock(), keep_days)

    def read_output(self, key: str, *, max_bytes: int) -> bytes:
        if key not in self.outputs:
            raise NotFound("The picture is not there (any more).")
        data = self.outputs[key].data
        if len(data) > max_bytes:
            raise PayloadTooLarge(f"The file has {len(data)} bytes; {max_bytes} are accepted.")
        return data

    def has_output(self, key: str) -> bool:
        return key in self.outputs

    def link_output(self, key: str) -> str:
        return f"https://outputs.example/{key}"

    def linked_key(self, url: str) -> str | None:
        base = "https://outputs.example/"
        return url.partition("?")[0].removeprefix(base) or None if url.startswith(base) else None

    def remove_outputs(self, keys: Sequence[str]) -> None:
        for key in keys:
            self.outputs.pop(key, None)
            self.outputs.pop(thumbnail_key(key), None)

    def remove_outputs_under(self, prefix: str) -> None:
        self.remove_outputs([key for key in self.outputs if key.startswith(prefix)])

    def renew_outputs(self, keys: Sequence[str]) -> None:
        for key in set(keys) & set(self.outputs):
            self.outputs[key] = replace(self.outputs[key], written_at=self._clock())

    def expire(self, age: timedelta) -> None:
        """What the bucket's lifecycle does: removes what was written so long ago."""
        written = {key: each.written_at for key, each in self.outputs.items()}
        self.remove_outputs([key for key, at in written.items() if at is not None and at + age <= self._clock()])


class MemoryKeyVault:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, KeyProvider], tuple[StoredKey, str]] = {}

    def store(self, key: StoredKey, secret: str) -> None:
        self.kept[key.user, key.provider] = (key, secret)

    def reveal(self, user: str, provider: KeyProvider) -> str | None:
        found = self.kept.get((user, provider))
        return found[1] if found else None

    def open(self, key: StoredKey) -> str:
        return self.kept[key.user, key.provider][1]

    def describe(self, user: str) -> Sequence[StoredKey]:
        return [key for key, _ in self.kept.values() if key.user == user]

    def remove(self, user: str, provider: KeyProvider) -> StoredKey | None:
        found = self.kept.pop((user, provider), None)
        return found[0] if found else None


class MemorySigningKey:
    def __init__(self, key: bytes = bytes(range(32))) -> None:
        self._key = key

    def load(self) -> bytes:
        return self._key
