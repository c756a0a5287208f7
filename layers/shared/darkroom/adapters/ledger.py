"""Money in DynamoDB: each admission and each settlement is one transaction. See budget_rows and ledger_rows."""

from collections.abc import Sequence
from secrets import token_hex
from typing import TYPE_CHECKING, Any

from darkroom.adapters import key_rows
from darkroom.adapters.answer_store import answer_row
from darkroom.adapters.budget_rows import budget_key, reserve, settle, to_budget, untouched
from darkroom.adapters.delivery_rows import delivery_row
from darkroom.adapters.dynamo import (
    ConditionFailed,
    Reason,
    TransactionCanceled,
    conditional,
    to_item,
    transact,
)
from darkroom.adapters.job_rows import Mark, call_documents, job_document, job_key, job_row, listed_as, to_job
from darkroom.adapters.key_books import KeyBooks
from darkroom.adapters.ledger_books import busy
from darkroom.adapters.ledger_rows import delivery_of, idempotency_row, receipt_of, receipt_row, to_idempotency
from darkroom.adapters.tally_rows import tally_updates
from darkroom.errors import DarkroomError, OutcomeUnknown, ServiceUnavailable
from darkroom.models.admission import IdempotencyRecord, Outcome, PendingAnswer
from darkroom.models.budget import Budget, BudgetRef
from darkroom.models.job import Job
from darkroom.ports import NearLimit

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.type_defs import TransactWriteItemTypeDef, UpdateTypeDef

_ABSENT = "attribute_not_exists(pk)"


class DynamoLedger(KeyBooks):
    def admit(
        self,
        job: Job,
        *,
        idempotency: IdempotencyRecord | None = None,
        answer: PendingAnswer | None = None,
        beside: Job | None = None,
    ) -> Outcome:
        cost = job.cost.model_copy(update={"settled": False, "actual": None})
        queued = job.model_copy(update={"cost": cost})
        try:
            for _ in self._tries():
                if outcome := self._try_to_admit(queued, idempotency, answer, beside):
                    return outcome
        except ServiceUnavailable as lost:
            if stored := self._found_out(queued, lost, answer, has_key=idempotency is not None):
                return Outcome(admitted=stored)
            raise
        raise busy("Nothing was reserved, and nothing will be spent.")

    def _found_out(
        self, job: Job, lost: ServiceUnavailable, answer: PendingAnswer | None, *, has_key: bool
    ) -> Job | None:
        """What an answer that got lost would have said: the job, or None if nothing was admitted, nor will be.

        Raises:
            OutcomeUnknown: that cannot be found out either, and somebody waits for it.
        """
        try:
            # What was sent may still be on its way: once its place is taken, it cannot come to pass any more.
            if answer is not None and self._forestalled(answer):
                return None
            return self._stored(job)
        except DarkroomError as error:
            if answer is None and not has_key:
                # A part of another job, which has one id however often it is asked for.
                raise lost from error
            raise OutcomeUnknown("AWS did not say whether the work was begun.", charged="unknown") from error

    def _forestalled(self, answer: PendingAnswer) -> bool:
        """Takes the place of the answer's row; False if it is there, and with it its job."""
        row = answer_row(answer.model_copy(update={"state": "told"}))
        try:
            with conditional():
                self._client.put_item(TableName=self._table, Item=to_item(row), ConditionExpression=_ABSENT)
        except ConditionFailed:
            return False
        return True

    def _try_to_admit(
        self, job: Job, idempotency: IdempotencyRecord | None, answer: PendingAnswer | None, beside: Job | None
    ) -> Outcome | None:
        now = self._clock()
        claims = [self._put(idempotency_row(idempotency), **self._unless_valid())] if idempotency else []
        taken: list[TransactWriteItemTypeDef] = [
            {"Update": reserve(self._table, job.user, ref, job.cost.reserved, now)} for ref in job.budgets
        ]
        others = [self._put(answer_row(answer), ConditionExpression=_ABSENT)] if answer else []
        others += [self._put(job_row(beside), ConditionExpression=_ABSENT)] if beside else []
        new_job = self._put(job_row(job), ConditionExpression=_ABSENT)
        try:
            transact(self._client, [new_job, *claims, *taken, *others])
        except TransactionCanceled as canceled:
            reasons = list(canceled.reasons)
            claimed = reasons[1] if claims else None
            first = 1 + len(claims)
            return self._obstacle(job, reasons[0], claimed, reasons[first : first + len(taken)])
        return Outcome(admitted=job)

    def _unless_valid(self) -> dict[str, Any]:
        """What has expired is still there for a while: DynamoDB removes it when it finds the time."""
        return {
            "ConditionExpression": f"{_ABSENT} OR expires_at <= :now",
            "ExpressionAttributeValues": to_item({":now": int(self._clock().timestamp())}),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _obstacle(self, job: Job, added: Reason, claimed: Reason | None, reserved: Sequence[Reason]) -> Outcome | None:
        """What came of it, or None if it is worth another try."""
        if added.is_refused and (stored := self._stored(job)):
            # Admitted by a try whose answer got lost.
            return Outcome(admitted=stored)
        if claimed and claimed.row:
            return Outcome(earlier=to_idempotency(claimed.row))
        if claimed and claimed.is_passing:
            return None
        refusals = [
            (ref, to_budget(reason.row) if reason.row else untouched(ref))
            for ref, reason in zip(job.budgets, reserved, strict=True)
            if reason.is_refused
        ]
        changed = [(ref, budget) for ref, budget in refusals if ref.limit != budget.limit]
        for ref, budget in changed:
            self._take_over_limit(job.user, ref, budget)
        if changed or not refusals:
            return None
        ref, budget = refusals[0]
        return Outcome(refused_by=budget, refused_ref=ref)

    def _take_over_limit(self, user: str, ref: BudgetRef, seen: Budget) -> None:
        try:
            with conditional():
                self._client.update_item(
                    TableName=self._table,
                    Key=to_item(budget_key(user, ref.id)),
                    UpdateExpression="SET #limit = :new, remaining = remaining + :more",
                    ConditionExpression="#limit = :old",
                    ExpressionAttributeNames={"#limit": "limit"},
                    ExpressionAttributeValues=to_item(
                        {":old": seen.limit, ":new": ref.limit, ":more": ref.limit - seen.limit}
                    ),
                )
        except (ConditionFailed, ServiceUnavailable):
            pass  # Somebody else is changing it; the next try finds out.

    def close(
        self,
        job: Job,
        *,
        actual: int | None,
        before_dispatch: bool = False,
        is_share: bool = False,
        warn_at_percent: int | None = None,
    ) -> bool:
        now = self._clock()
        cost = job.cost.model_copy(update={"settled": True, "actual": actual})
        closed = job.model_copy(update={"cost": cost, "lease_expires_at": None})
        # See job_table: what was sent again, and in another transaction after a conflict, may have been done.
        word = token_hex(8)
        receipt = receipt_of(closed, actual, now)
        writes: list[TransactWriteItemTypeDef] = [
            {"Update": self._closing(closed, before_dispatch, word)},
            self._put(receipt_row(receipt), ConditionExpression=_ABSENT),
        ]
        writes += [{"Update": each} for each in tally_updates(self._table, job.user, [receipt])]
        budgets = range(len(writes), len(writes) + len(job.budgets))
        for ref in job.budgets:
            writes.append({"Update": self._settling(closed, ref, warn_at_percent)})
        if on_key := key_rows.closing(self._table, job, actual, now, is_share=is_share):
            writes.append({"Update": on_key})
        if job.webhook_url:
            writes.append(self._put(delivery_row(delivery_of(closed, now, job.webhook_url))))
        self._users.note(job, at=now)
        for _ in self._tries():
            try:
                transact(self._client, writes)
            except TransactionCanceled as canceled:
                refused = {place for place, reason in enumerate(canceled.reasons) if reason.is_refused}
                if refused and refused <= set(budgets):
                    raise NearLimit from canceled
                if refused:
                    return canceled.reasons[0].found(Mark.CLOSED, word)
            else:
                return True
        raise busy("What was reserved stays so until it can be settled.")

    def _closing(self, job: Job, before_dispatch: bool, word: str) -> "UpdateTypeDef":
        sets = ["#status = :status", "document = :document", "settled = :true", f"{Mark.CLOSED} = :mark"]
        values: dict[str, Any] = {
            ":status": job.status.value,
            ":document": job_document(job),
            ":true": True,
            ":false": False,
            ":attempt": job.attempt,
            ":mark": word,
        }
        if job.generation_id is not None:
            sets.append("generation_id = :generation_id")
            values[":generation_id"] = job.generation_id
        if job.calls:
            sets.append("calls = :calls")
            values[":calls"] = call_documents(job)
        listed = listed_as(job)
        if listed is None:
            removed = "#open, open_since, lease_expires_at"
        else:
            removed, values[":open"] = "lease_expires_at", listed
            sets.append("#open = :open")
        undispatched = " AND attribute_not_exists(dispatched_at)" if before_dispatch else ""
        return {
            "TableName": self._table,
            "Key": to_item(job_key(job.user, job.id)),
            "UpdateExpression": f"SET {', '.join(sets)} REMOVE {removed}",
            "ConditionExpression": f"settled = :false AND attempt = :attempt{undispatched}",
            "ExpressionAttributeNames": {"#status": "status", "#open": "open"},
            "ExpressionAttributeValues": to_item(values),
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _settling(self, job: Job, ref: BudgetRef, warn_at_percent: int | None) -> "UpdateTypeDef":
        return settle(
            self._table,
            job.user,
            ref,
            reserved=job.cost.reserved,
            actual=job.cost.actual or 0,
            now=self._clock(),
            warn_at_percent=warn_at_percent,
        )

    def _stored(self, job: Job) -> Job | None:
        item = self._get(job_key(job.user, job.id))
        return to_job(item) if item else None

    def _put(self, row: dict[str, Any], **more: Any) -> "TransactWriteItemTypeDef":
        put: Any = {"TableName": self._table, "Item": to_item(row), **more}
        return {"Put": put}
