"""Versions made by hand: steps that somebody chose, done without a planner and for nothing.

Such a version is made by a turn whose plan is there already: it is rendered from the last picture that was given or
painted, by whichever function can, and is taken by the conversation once. It leaves no messages.
"""

import json
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Final

from msgspec import Struct
from ulid import ULID

from darkroom.errors import IdempotencyKeyReused, InvalidParameter, NotFound
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation, Step
from darkroom.models.digest import digest
from darkroom.models.job import Job, Parent, TurnChoices, TurnState
from darkroom.models.plan import OperateAction, Plan
from darkroom.models.user_settings import UserSettings
from darkroom.operations import dump
from darkroom.ports import Clock, JobStore
from darkroom.services.accounts.snapshot import keep
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.planning import seen_from
from darkroom.services.conversations.turn_render import origin_of
from darkroom.services.paid.admission import TURN, Submission, kept_for, request_sha256
from darkroom.services.recipes.recipes import operation_at

MOST_STEPS: Final = 20
MOST_CHARACTERS: Final = 30_000


class ByHand(Struct, frozen=True):
    """Args:
    advance: goes on with a turn.
    retention, settings: as Conversations takes them.
    """

    conversations: Conversations
    jobs: JobStore
    clock: Clock
    advance: Callable[[str, str], bool]
    retention: timedelta
    settings: Callable[[str], UserSettings]

    def make(
        self, caller: Caller, conversation_id: str, base: str | None, steps: Sequence[Step], terms: Terms
    ) -> Submission:
        """The job that makes a version of the steps, which is over unless another function has to do them.

        Args:
            base: the version to begin with; None: the one that is shown.

        Raises:
            NotFound: there is no such conversation or version.
            InvalidParameter: there is no picture, or a step is none, or has to be painted.
            IdempotencyKeyReused: the key stands for another request.
        """
        conversation = self.conversations.find(caller.user, conversation_id)
        asked = {
            "conversation": conversation_id,
            "base": base,
            "steps": [each.model_dump(mode="json") for each in steps],
        }
        sha256 = request_sha256(terms.route, asked)
        about = seen_from(conversation, base)
        state = _state(about, _operations(steps))
        renewed = self.conversations.renew(conversation)
        self.conversations.require_room(renewed)
        keep(("conversation", renewed.id), renewed)
        job = self._job(caller, about, state, sha256)
        key = terms.idempotency_key
        stands = self.jobs.add(job, source=digest(f"{caller.user}\n{terms.route}\n{key}") if key else None)
        if stands is not None and stands.id != job.id and stands.request_sha256 != sha256:
            raise IdempotencyKeyReused(
                "This Idempotency-Key was sent with another request.",
                fix="Use a new key for a new request; the same key repeats the same request alone.",
                param="Idempotency-Key",
            )
        if stands is None:
            raise NotFound(
                "The job that this Idempotency-Key stands for was removed.",
                fix="Use a new key to have it done again.",
                param="Idempotency-Key",
            )
        self.advance(caller.user, stands.id)
        return Submission(self.jobs.find(caller.user, stands.id) or stands, is_replayed=stands.id != job.id)

    def _job(self, caller: Caller, about: Conversation, state: TurnState, sha256: str) -> Job:
        now = self.clock()
        shown = about.version(str(about.current))
        return Job(
            id=f"job_{ULID.from_datetime(now)}",
            user=caller.user,
            op=TURN,
            created_at=now,
            expires_at=now + kept_for(self.retention, self.settings(caller.user)),
            input={
                "conversation": about.id,
                "base": about.current,
                "steps": len(state.plan["actions"][0]["operations"]),
            }
            if state.plan
            else {},
            lineage=(Parent(kind="file", sha256=shown.image.sha256),) if shown else (),
            request_sha256=sha256,
            token_id=caller.token.id if caller.token else None,
            conversation_id=about.id,
            turn=state,
        )


def _operations(steps: Sequence[Step]) -> list[dict[str, Any]]:
    if not 1 <= len(steps) <= MOST_STEPS:
        raise InvalidParameter(
            f"{len(steps)} steps were given.", fix=f"Give 1 to {MOST_STEPS} operations.", param="steps"
        )
    painted = next((index for index, step in enumerate(steps) if step.operation is None), None)
    if painted is not None:
        raise InvalidParameter(
            "A painting costs money, and versions made by hand cost none.",
            fix="Say what is to be painted in a message: POST /v1/conversations/{id}/messages.",
            param=f"steps[{painted}]",
        )
    found = dump([operation_at(step, index) for index, step in enumerate(steps)])
    if len(json.dumps(found)) > MOST_CHARACTERS:
        raise InvalidParameter(
            f"The steps are longer than {MOST_CHARACTERS:,} characters, which the conversation would have to keep.",
            fix="Upload masks (POST /v1/uploads) and give their ids, or take several versions for it.",
            param="steps",
        )
    return found


def _state(about: Conversation, operations: list[dict[str, Any]]) -> TurnState:
    version = about.version(about.current) if about.current else None
    if version is None:
        raise InvalidParameter(
            "The conversation has no picture yet.", fix="Have one painted by a message first.", param="base"
        )
    origin, since = origin_of(about, version)
    plan = Plan(reply="", type="technical", actions=(OperateAction(kind="operations", operations=tuple(operations)),))
    return TurnState(
        conversation_id=about.id,
        content="",
        choices=TurnChoices(base=version.id),
        base=version.id,
        plan=plan.model_dump(mode="json"),
        image=version.image,
        origin=origin,
        since=since,
        by_hand=True,
    )
