"""Monthly reports: each user's statement of a finished month, in the outputs bucket, and told to their webhook.

A report is written once and never changes, so it is made when nothing of the month can be open any more: a job is begun
within a day and decided within another. It may be tried again at any time: what is there already is left as it is.
"""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from pydantic_core import to_json
from ulid import ULID

from darkroom.models.deadline import Deadline
from darkroom.models.usage import Dimension, ReportRun, UsageReport
from darkroom.models.webhook import Delivery
from darkroom.ports import Alarm, Clock, ImageStore, ReportStore, SettingsStore, WebhookQueue
from darkroom.services.usage.statement import month_before
from darkroom.services.usage.usage import Usage
from darkroom.services.usage.usage_lines import as_csv, show

# A line of the CSV, and a group of the JSON.
DETAIL: Final[tuple[Dimension, ...]] = ("day", "op", "provider", "model")
MOST_PASSES: Final = 3
_DELIVERY_KEPT = timedelta(days=30)


class Reports(Struct, frozen=True):
    usage: Usage
    store: ReportStore
    images: ImageStore
    settings: SettingsStore
    webhooks: WebhookQueue
    clock: Clock
    alarm: Alarm

    def begin(self, deadline: Deadline, *, month: str | None = None) -> dict[str, Any]:
        """Makes everybody's reports of the month that is over, or of another one.

        Returns:
            `month`; how many were `made` now; how many users `failed` in the pass under way, or the last; and whether
            all is `done`.
        """
        run = ReportRun(month=month or month_before(self.clock()))
        self.store.save_run(run)
        return self._go_on(run, deadline)

    def go_on(self, deadline: Deadline) -> dict[str, Any]:
        """Goes on where the time was up; does nothing when all is done."""
        run = self.store.run()
        return {} if run is None or run.done else self._go_on(run, deadline)

    def of_user(self, user: str) -> list[dict[str, Any]]:
        """Newest first, with links that work for a while."""
        return [self._shown(report) for report in self.store.of_user(user)]

    def show(self, user: str, month: str) -> Mapping[str, Any] | None:
        report = self.store.find(user, month)
        return None if report is None else self._shown(report)

    def _go_on(self, run: ReportRun, deadline: Deadline) -> dict[str, Any]:
        made = 0
        while not run.done and not deadline.is_over:
            page = self.store.users(run.month, cursor=run.cursor)
            outcomes = []
            for user in page.users:
                if deadline.is_over:
                    break
                outcomes.append(self._tried(user, run.month, deadline))
            made += outcomes.count(True)
            run = run.model_copy(update={"failed": run.failed + outcomes.count(None)})
            if len(outcomes) == len(page.users):
                run = _after(run, page.next_cursor)
            self.store.save_run(run)
        return {"month": run.month, "made": made, "failed": run.failed, "done": run.done}

    def _tried(self, user: str, month: str, deadline: Deadline) -> bool | None:
        """Whether a report was made now; None if that failed."""
        try:
            return self._make(user, month, deadline)
        except Exception as error:  # noqa: BLE001 - one user's trouble must not keep the others from theirs
            self.alarm("REPORT_FAILED", user=user, month=month, error=type(error).__name__, detail=str(error)[:200])
            return None

    def _make(self, user: str, month: str, deadline: Deadline) -> bool:
        if self.store.find(user, month) is not None:
            return False
        made, now = self.usage.statement(user, month=month, by=DETAIL, deadline=deadline), self.clock()
        credit = self.usage.credit_of(user)
        stem = f"reports/{user}/{month}"
        report = UsageReport(
            user=user,
            month=month,
            made_at=now,
            cost=made.totals.cost,
            requests=made.totals.requests,
            json_key=f"{stem}.json",
            csv_key=f"{stem}.csv",
        )
        body = to_json({"object": "usage_report", "made_at": now, **show(made, credit)})
        self._write(report.json_key, body, "application/json", report)
        self._write(report.csv_key, as_csv(made, credit).encode(), "text/csv", report)
        delivery = self._delivery(report)
        if not self.store.add(report, delivery=delivery):
            return False
        if delivery is not None:
            self.webhooks.send(user, delivery.id)
        return True

    def _write(self, key: str, data: bytes, media_type: str, report: UsageReport) -> None:
        self.images.write_output(key, data, media_type=media_type, metadata={"month": report.month})

    def _delivery(self, report: UsageReport) -> Delivery | None:
        url = self.settings.load(report.user).webhook_url
        if not url:
            return None
        return Delivery(
            id=f"msg_{ULID.from_datetime(report.made_at)}",
            user=report.user,
            report=report.month,
            url=url,
            created_at=report.made_at,
            expires_at=report.made_at + _DELIVERY_KEPT,
        )

    def _shown(self, report: UsageReport) -> dict[str, Any]:
        links = {"json": report.json_key, "csv": report.csv_key}
        return {
            "object": "usage_report",
            "month": report.month,
            "made_at": report.made_at.isoformat(),
            "requests": report.requests,
            "cost_micro_usd": report.cost,
            "urls": {name: self.images.link_output(key) for name, key in links.items()},
        }


def _after(run: ReportRun, next_cursor: str | None) -> ReportRun:
    """The run after a page. Whoever failed is tried again in another pass, a few times."""
    if next_cursor is not None:
        return run.model_copy(update={"cursor": next_cursor})
    passes = run.passes + 1
    done = run.failed == 0 or passes >= MOST_PASSES
    failed = run.failed if done else 0
    return run.model_copy(update={"cursor": None, "passes": passes, "failed": failed, "done": done})
