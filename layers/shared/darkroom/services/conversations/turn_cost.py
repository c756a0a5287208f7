"""What a turn costs: the sum of its parts, told to the conversation, late if need be.

An answer that has come is shown at once, whatever is known of its price. Until every part is settled the turn and its
message say so; the part that is settled last has `settle` called, by the function that settled it or by the sweep.
"""

from collections.abc import Callable, Iterable, Mapping
from datetime import datetime
from typing import Any

from msgspec import Struct

from darkroom.errors import NotFound, PayloadTooLarge
from darkroom.models.job import Job, JobCost, TurnState
from darkroom.models.money import MicroUsd
from darkroom.ports import JobStore
from darkroom.services.conversations import versions
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.planning import took
from darkroom.services.conversations.versions import Cost


class TurnCosts(Struct, frozen=True):
    """Args: warn_at: the total of a conversation at which its user wants to be told, in micro-dollars."""

    conversations: Conversations
    jobs: JobStore
    warn_at: Callable[[str], MicroUsd]

    def settle(self, turn: Job, parts: list[Job]) -> bool:
        """Writes down what a turn cost that is over, once all of its parts are settled; whether it is settled now.

        The conversation's total first, then the job: broken off in between, the next call finds the total told.
        """
        cost = total(parts)
        if not cost.settled:
            return False
        warnings = self._tell(turn, parts)
        error = turn.error and {**turn.error, "charged": cost.charged}
        told = dict.fromkeys((*turn.warnings, *(each for part in parts for each in part.warnings), *warnings))
        return self.jobs.settle(turn.model_copy(update={"cost": cost, "error": error, "warnings": tuple(told)}))

    def _tell(self, turn: Job, parts: list[Job]) -> tuple[str, ...]:
        """Has the conversation take the turn's cost; its warnings. One that is gone, or full, is left as it is."""
        state, cost = turn.turn, cost_of(parts)
        if state is None:
            return ()
        try:
            conversation = self.conversations.find(turn.user, state.conversation_id)
            if versions.answer_to(conversation, turn.id) is None:
                # It was canceled when it had been paid for, which nobody has told the conversation.
                if cost.amount:
                    self.conversations.append(turn.user, conversation.id, failed(turn, state, turn.error or {}, cost))
                return ()
            return self.conversations.settle(turn.user, conversation.id, turn.id, cost, warn_at=self.warn_at(turn.user))
        except (NotFound, PayloadTooLarge):
            return ()


def spent(parts: Iterable[Job]) -> MicroUsd:
    """At the most: a cost that is unknown yet counts as its reservation."""
    costs = [part.cost for part in parts]
    return sum((cost.actual or 0) if cost.settled else cost.reserved for cost in costs)


def failed(turn: Job, state: TurnState, problem: Mapping[str, Any], cost: Cost) -> versions.Turn:
    """What a conversation is told of a turn that came to nothing and was paid for."""
    reply = f"That did not work. {problem.get('detail', '')}".strip()
    return versions.Turn(turn.id, state.content, reply, {}, state.base, cost=cost, dry_run=state.choices.dry_run)


def total(parts: Iterable[Job]) -> JobCost:
    """What a turn's parts come to; not settled while one of them is not."""
    every = [part.cost for part in parts]
    charges = {cost.charged for cost in every}
    is_settled = all(cost.settled for cost in every)
    return JobCost(
        estimated=sum(cost.estimated or 0 for cost in every),
        reserved=sum(cost.reserved for cost in every),
        actual=_known(every) if is_settled else None,
        settled=is_settled,
        charged="unknown" if "unknown" in charges or not is_settled else True in charges,
    )


def cost_of(parts: list[Job]) -> Cost:
    """The same for the conversation, which counts what is known already."""
    every = [part.cost for part in parts]
    planned = took(parts[0]) if parts else None
    return Cost(_known(every), all(cost.settled for cost in every), planned)


def begun(parts: Iterable[Job]) -> datetime | None:
    """When the first of them was; None if none ever was."""
    return min((part.started_at for part in parts if part.started_at), default=None)


def _known(costs: Iterable[JobCost]) -> MicroUsd:
    return sum(cost.actual or 0 for cost in costs if cost.settled)
