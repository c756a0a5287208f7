"""Jobs: how they are asked for, shown and settled, free ones and those that cost money."""

from __future__ import annotations

import random
from functools import cached_property
from typing import TYPE_CHECKING

from darkroom.application._accounts import Accounts

if TYPE_CHECKING:
    from darkroom.models.job import StoredImage
    from darkroom.services.complete import Complete
    from darkroom.services.edit import Edit
    from darkroom.services.generate import Generate
    from darkroom.services.inputs.inputs import Inputs
    from darkroom.services.inputs.sources import Sources
    from darkroom.services.inputs.uploads import Uploads
    from darkroom.services.jobs.jobs import Jobs
    from darkroom.services.paid.admission import Admission
    from darkroom.services.paid.answers import Answers
    from darkroom.services.paid.cutouts import Cutouts
    from darkroom.services.paid.durations import Durations
    from darkroom.services.paid.in_place import InPlace
    from darkroom.services.paid.reconcile import Reconciliation
    from darkroom.services.paid.rereading import Rereading
    from darkroom.services.paid.settlement import Settlement
    from darkroom.services.paid.webhooks import Webhooks
    from darkroom.services.thumbnails import Thumbnails


class PaidJobs(Accounts):
    @cached_property
    def jobs(self) -> Jobs:
        from darkroom.services.jobs.jobs import Jobs

        return Jobs(
            self.ports.jobs,
            self.ports.images,
            self.ports.clock,
            max_attempts=self.settings.upload_max_receives,
            raw_answers=self.ports.raw_answers,
            credit=self.settings.credit,
        )

    @cached_property
    def thumbnails(self) -> Thumbnails:
        from darkroom.services.thumbnails import Thumbnails

        return Thumbnails(self.ports.images, self.ports.clock)

    @cached_property
    def uploads(self) -> Uploads:
        from darkroom.services.inputs.uploads import Uploads

        return Uploads(self.ports.images, self.ports.clock)

    @cached_property
    def sources(self) -> Sources:
        from darkroom.services.inputs.sources import Sources

        def version_of(user: str, conversation_id: str, version_id: str) -> StoredImage | None:
            found = self.ports.conversations.find(user, conversation_id)
            version = found.version(version_id) if found else None
            return version.image if version else None

        ports = self.ports
        return Sources(ports.images, ports.fetcher, ports.jobs, ports.clock, version_of)

    @cached_property
    def inputs(self) -> Inputs:
        from darkroom.services.inputs.inputs import Inputs

        return Inputs(self.sources, self.ports.images, max_megapixels=self.settings.max_megapixels)

    @cached_property
    def answers(self) -> Answers:
        from darkroom.services.paid.answers import Answers

        return Answers(self.ports.answers, self.ports.jobs, self.ports.clock)

    @cached_property
    def durations(self) -> Durations:
        from darkroom.services.paid.durations import Durations

        return Durations(self.ports.statistics, self.ports.clock)

    @cached_property
    def admission(self) -> Admission:
        from darkroom.services.paid.admission import Admission

        return Admission(
            jobs=self.ports.jobs,
            ledger=self.ports.ledger,
            answers=self.answers,
            queue=self.ports.job_queue,
            providers=self.providers,
            budgets=self.budgets,
            clock=self.ports.clock,
            retention=self.settings.retention,
            alarm=self.ports.alarm,
            in_place=self.in_place,
        )

    @property
    def in_place(self) -> InPlace | None:
        """Carries out what callers wait for, where that is not a worker's."""
        return None

    @cached_property
    def generate(self) -> Generate:
        from darkroom.services.generate import Generate

        return Generate(self.admission, self.quotes, self.ports.webhook_sender.check)

    @cached_property
    def edit(self) -> Edit:
        from darkroom.services.edit import Edit

        return Edit(self.admission, self.quotes, self.inputs, self.ports.webhook_sender.check)

    @cached_property
    def complete(self) -> Complete:
        from darkroom.services.complete import Complete

        return Complete(
            self.admission,
            self.chat_models,
            self.ports.images,
            self.ports.check_url,
            self.ports.webhook_sender.check,
            self.sources,
        )

    @cached_property
    def cutouts(self) -> Cutouts:
        from darkroom.services.paid.cutouts import Cutouts

        return Cutouts(self.ports.jobs, self.ports.render_queue, self.ports.clock, self.ports.alarm)

    @cached_property
    def settlement(self) -> Settlement:
        from darkroom.services.paid.settlement import Settlement

        return Settlement(
            jobs=self.ports.jobs,
            ledger=self.ports.ledger,
            budgets=self.budgets,
            images=self.ports.images,
            raw_answers=self.ports.raw_answers,
            webhooks=self.ports.webhook_queue,
            clock=self.ports.clock,
            alarm=self.ports.alarm,
            max_megapixels=self.settings.max_megapixels,
            # Most functions that settle a job only cancel it, and need neither.
            begin_cutouts=lambda job: self.cutouts.begin(job),
            keeps_books=lambda name: self.providers.get(name).keeps_books,
            telemetry=self.ports.telemetry,
            statistics=self.ports.statistics,
        )

    @cached_property
    def reconciliation(self) -> Reconciliation:
        from darkroom.services.paid.reconcile import Reconciliation

        return Reconciliation(
            keys=self.keys,
            providers=self.providers.get,
            jobs=self.ports.jobs,
            ledger=self.ports.ledger,
            clock=self.ports.clock,
        )

    @cached_property
    def rereading(self) -> Rereading:
        from darkroom.services.paid.rereading import Rereading

        return Rereading(self.ports.jobs, self.ports.raw_answers, self.providers.get, self.settlement)

    @cached_property
    def webhooks(self) -> Webhooks:
        from darkroom.services.paid.webhooks import Webhooks

        return Webhooks(
            store=self.ports.webhooks,
            jobs=self.ports.jobs,
            queue=self.ports.webhook_queue,
            sender=self.ports.webhook_sender,
            show=lambda job: self.jobs.show(job),
            # The function that tells the signing secret sends no reports.
            show_report=lambda user, month: self.reports.show(user, month),
            clock=self.ports.clock,
            alarm=self.ports.alarm,
            uniform=random.uniform,
        )
