"""A turn of a conversation: from what somebody said to a reply and, perhaps, a new version.

The turn is a job that costs nothing itself; its paid calls (the planner, one repair, each painting) are jobs of their
own, named after it, each with its own reservation and its own end. `advance` looks at how they stand and does the next
thing. It may be called at any time, by anybody, any number of times: what is done is written down before the next thing
is begun, a part can only ever have one id, and the conversation takes a turn once. No turn waits for a price: a turn is
over when its picture and its words are there, and `TurnCosts` tells later what a part cost that did not say so.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from darkroom.errors import (
    Conflict,
    CostLimit,
    DarkroomError,
    InternalError,
    InvalidParameter,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Conversation, PaintStep, Step, Version
from darkroom.models.job import Job, JobStatus, Parent, TurnState
from darkroom.models.money import MicroUsd, in_dollars, said
from darkroom.models.plan import HistoryAction, OperateAction, PaintAction, Plan
from darkroom.ports import Clock, JobStore, RenderQueue
from darkroom.services.accounts.snapshot import read_anew, read_once
from darkroom.services.conversations import painting_off, versions
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.painting import Painting
from darkroom.services.conversations.planner import InvalidPlan, PaintingForbidden, Planner
from darkroom.services.conversations.planning import Planning
from darkroom.services.conversations.turn_cost import TurnCosts, begun, cost_of, failed, total
from darkroom.services.conversations.turn_render import TurnRender, origin_of
from darkroom.services.conversations.versions import NOTHING_CHANGED
from darkroom.services.paid.admission import TURN, Admission, Prepared, Submission, part_of
from darkroom.services.paid.settlement import DECIDED_AFTER, SIMULATED
from darkroom.services.recipes.render import NeedsImageFunction
from darkroom.services.selection.providers import Choice

MOST_CONTENT = 4000
_REFUSED = f"{NOTHING_CHANGED} I could not make a plan of that; say it in other words, or in smaller steps."


@dataclass(frozen=True, slots=True)
class Turns:
    conversations: Conversations
    planner: Planner
    planning: Planning
    painting: Painting
    rendering: TurnRender
    costs: TurnCosts
    render_queue: RenderQueue
    admission: Admission
    jobs: JobStore
    clock: Clock

    def submit(self, caller: Caller, conversation_id: str, content: str, terms: Terms) -> Submission:
        """The job of the turn; raises what Conversations.find and Admission.submit raise."""
        conversation = self.conversations.find(caller.user, conversation_id)
        words = content.strip()
        if not 1 <= len(words) <= MOST_CONTENT:
            raise InvalidParameter(
                f"A message has 1 to {MOST_CONTENT} characters.", fix="Say what is to be done.", param="content"
            )

        def prepare(choice: Choice) -> Prepared:
            kept = self.conversations.renew(conversation)
            self.conversations.require_room(kept)
            state = TurnState(conversation_id=kept.id, content=words, base=kept.current)
            return self.planning.first(kept, words, state, choice)

        identity = {"conversation": conversation.id, "content": words}
        return self.admission.submit(caller, "plan", terms, identity, prepare, skill="chat")

    def advance(self, user: str, turn_id: str) -> None:
        """Does whatever is to be done next, until somebody else has to do something first."""
        with read_once():
            self._advance(user, turn_id)

    def _advance(self, user: str, turn_id: str) -> None:
        for _ in range(100):
            turn = self.jobs.find(user, turn_id)
            if turn is None or turn.turn is None:
                return
            if turn.status.is_final:
                if not turn.cost.settled:
                    self.costs.settle(turn)
                return
            if not self._step(turn, turn.turn):
                return
        raise InternalError("A turn does not come to its end.")

    def _step(self, turn: Job, state: TurnState) -> bool:
        """One step; False when there is nothing to do now."""
        if turn.created_at + DECIDED_AFTER <= self.clock():
            return self._fail(turn, _too_old().problem())
        if state.plan is None:
            return self._guarded(turn, lambda: self._plan(turn, state))
        plan = Plan.model_validate(state.plan)
        if state.rendering:
            # The image function has it; should its message be lost, this one is as good.
            self.render_queue.send(turn.user, turn.id)
            return False
        if state.problem is not None:
            return self._fail(turn, state.problem)
        if state.done >= len(plan.actions):
            # The conversation may have been removed meanwhile, or be full.
            return self._guarded(turn, lambda: self._finish(turn, state, plan))
        action = plan.actions[state.done]
        if isinstance(action, HistoryAction):
            return self._save(turn, state, done=state.done + 1)
        if isinstance(action, PaintAction):
            return self._guarded(turn, lambda: self._paint(turn, state, action))
        return self._guarded(turn, lambda: self._operate(turn, state, action))

    def _guarded(self, turn: Job, step: Callable[[], bool]) -> bool:
        """What a caller could mend, or a budget forbids, ends the turn; what passes by itself is tried again."""
        try:
            return step()
        except DarkroomError as error:
            if error.retryable:
                raise
            return self._fail(turn, error.problem())

    def _plan(self, turn: Job, state: TurnState) -> bool:
        repair = self.jobs.find(turn.user, f"{turn.id}-repair")
        call = repair or self.jobs.find(turn.user, f"{turn.id}-plan")
        if call is None or not call.status.is_final:
            return self._uncertain(turn, call)
        if call.status is not JobStatus.SUCCEEDED:
            return self._fail(turn, call.error or {})
        text = str(call.result.get("text", ""))
        conversation = self.conversations.find(turn.user, state.conversation_id)
        try:
            plan = self.planning.read(turn.user, text, has_picture=state.base is not None)
        except InvalidPlan as invalid:
            if repair is not None:
                is_painted = isinstance(invalid, PaintingForbidden)
                refused = Plan(reply="" if is_painted else _REFUSED, type="talk", needs_painting=is_painted)
                return self._save_plan(turn, state, refused)
            asked: ChatRequest | None = call.work.chat if call.work else None
            if asked is None:
                raise InternalError("The planner's request is gone.") from invalid
            request = self.planner.repair(asked, text, invalid.why)
            spent = self.costs.spent(turn)
            limit = self.painting.left(turn.user, spent, own_key=call.own_key)
            with self._within_the_turn(turn, "Asking the planner once more", spent, own_key=call.own_key):
                part = self.planning.part(turn, "repair", request, like=call, limit=limit)
            self.admission.admit_part(part)
            return False
        version = _version(conversation, state.base)
        found: dict[str, Any] = {}
        if version is not None:
            origin, since = origin_of(conversation, version)
            found = {"image": version.image, "origin": origin, "since": since}
        return self._save_plan(turn, state, plan, **found)

    def _save_plan(self, turn: Job, state: TurnState, plan: Plan, **found: Any) -> bool:
        """With nothing in its reply that is not so, and why nothing is painted if that is to be told."""
        plan, why = painting_off.honest(plan, self.planning.why_no_painting(turn.user))
        if why is not None:
            turn = turn.model_copy(update={"warnings": (*turn.warnings, why)})
        return self._save(turn, state, plan=plan.model_dump(mode="json"), reply=plan.reply, **found)

    def _paint(self, turn: Job, state: TurnState, action: PaintAction) -> bool:
        name = f"paint{state.done}"
        painted = self.jobs.find(turn.user, f"{turn.id}-{name}")
        if painted is None:
            # Whoever has removed the conversation does not want to pay for it any more.
            self.conversations.find(turn.user, state.conversation_id)
            spent = self.costs.spent(turn)
            like = self.jobs.find(turn.user, f"{turn.id}-plan") or turn
            # A purchase is decided on what is true by now: the planner may have taken long.
            with read_anew(), self._within_the_turn(turn, "The painting", spent, own_key=like.own_key):
                job = self.painting.job(turn, action.prompt, state.image, like=like, spent=spent)
            self.admission.admit_part(part_of(turn, name, job))
            return False
        if not painted.status.is_final:
            return self._uncertain(turn, painted)
        if painted.status is not JobStatus.SUCCEEDED:
            return self._fail(turn, painted.error or {})
        step = Step(paint=PaintStep(prompt=action.prompt, model=painted.model_used))
        return self._save(
            turn,
            state,
            done=state.done + 1,
            image=painted.images[0],
            origin=painted.images[0],
            since=(),
            steps=(*state.steps, step.model_dump(mode="json", exclude_none=True)),
        )

    def _operate(self, turn: Job, state: TurnState, action: OperateAction) -> bool:
        try:
            return self.rendering.operate(turn, state, action)
        except NeedsImageFunction:
            if self._save(turn, state, rendering=True):
                self.render_queue.send(turn.user, turn.id)
            return False

    def _save(self, turn: Job, state: TurnState, **changes: Any) -> bool:
        began = turn.started_at or begun(self.costs.parts(turn)) or self.clock()
        return self.rendering.save(turn.model_copy(update={"started_at": began}), state, **changes)

    def _finish(self, turn: Job, state: TurnState, plan: Plan) -> bool:
        parts = self.costs.parts(turn)
        move = next((each.kind for each in plan.actions if isinstance(each, HistoryAction)), None)
        told = dict.fromkeys(warning for job in (*parts, turn) for warning in job.warnings)
        over = versions.Turn(
            turn.id,
            state.content,
            painting_off.told(plan, turn.warnings),
            state.plan or {},
            state.base,
            image=state.image if state.steps else None,
            steps=tuple(Step.model_validate(each) for each in state.steps),
            move=move,
            # What is true of every answer of a simulator stands behind what is to be known of this one.
            warnings=tuple(sorted(told, key=SIMULATED.__eq__)),
            cost=cost_of(parts),
            warn_at=self.planning.warn_at_cost(turn.user),
        )
        taken = self.conversations.append(turn.user, state.conversation_id, over)
        return self._end(
            turn,
            {
                "status": JobStatus.SUCCEEDED,
                "error": None,
                "images": (state.image,) if state.image and state.steps else (),
                "result": {
                    "reply": taken.reply,
                    "type": plan.type,
                    "plan": state.plan,
                    "version": taken.version,
                    "conversation": state.conversation_id,
                },
                "warnings": taken.warnings,
                "model_used": parts[0].model_used if parts else None,
            },
        )

    def _fail(self, turn: Job, problem: Mapping[str, Any]) -> bool:
        """Ends the turn. What its parts cost may be found out later; whether there is something to do by now."""
        parts = self.costs.parts(turn)
        known = dict(problem) or InternalError("A part of the turn failed.").problem()
        is_gone = turn.turn is not None and not self._tell_failure(turn, turn.turn, known, parts)
        is_settling = self._end(turn, {"status": JobStatus.FAILED, "error": {**known, "charged": total(parts).charged}})
        if is_gone and turn.turn is not None:
            self.rendering.discard(turn, turn.turn)
        return is_settling

    def _tell_failure(self, turn: Job, state: TurnState, problem: Mapping[str, Any], parts: list[Job]) -> bool:
        """What was paid for belongs into the conversation's total, whatever came of it; False if that is gone."""
        cost = cost_of(parts)
        try:
            self.conversations.find(turn.user, state.conversation_id)
            if cost.amount or not cost.is_settled:
                self.conversations.append(turn.user, state.conversation_id, failed(turn, state, problem, cost))
        except NotFound:
            return False
        except PayloadTooLarge:
            return True
        return True

    def _end(self, turn: Job, update: Mapping[str, Any]) -> bool:
        """Whether what it cost is yet to be settled; a part may have been, while the turn was being ended."""
        parts = self.costs.parts(turn)
        lineage = tuple(Parent(kind="job", ref=part.id, sha256=part.request_sha256 or "") for part in parts)
        began = begun(parts)
        if turn.started_at is None and began is not None:
            # What is written with the end leaves this as it was.
            noted = self.jobs.progress(turn.model_copy(update={"started_at": began}))
            if noted is None:
                return False
            turn = noted
        cost = total(parts)
        ended = {"completed_at": self.clock(), "cost": cost, "lineage": lineage, **update}
        return self.jobs.finish(turn.model_copy(update=ended)) and not cost.settled

    def _uncertain(self, turn: Job, part: Job | None) -> bool:
        """Tells whoever waits that a part's answer was lost; the turn goes on when it is known what became of it."""
        if part is not None and part.status is JobStatus.UNCERTAIN and turn.status is not JobStatus.UNCERTAIN:
            self.jobs.progress(turn.model_copy(update={"status": JobStatus.UNCERTAIN, "error": part.error}))
        return False

    @contextmanager
    def _within_the_turn(self, turn: Job, what: str, spent: MicroUsd, *, own_key: bool) -> Iterator[None]:
        """All calls of a turn are one request to whoever said it: a refusal says what is left for this one."""
        try:
            yield
        except CostLimit as error:
            limit, wanted = self.painting.left(turn.user, 0, own_key=own_key), error.context.get("estimated_usd")
            if limit is None or wanted is None:
                raise
            left = max(0, limit - spent)
            raise CostLimit(
                f"{what} may cost {said(round(wanted * 1_000_000))}; {said(left)} is left of the {said(limit)} that a "
                f"request of yours may cost, for this message has cost {said(spent)} so far.",
                fix="Raise `max_cost_per_request` (PATCH /v1/settings), or choose a cheaper model.",
                context={
                    "limit": "max_cost_per_request",
                    "estimated_usd": wanted,
                    "limit_usd": float(in_dollars(limit)),
                    "spent_usd": float(in_dollars(spent)),
                    "remaining_usd": float(in_dollars(left)),
                },
            ) from error


def _version(conversation: Conversation, version: str | None) -> Version | None:
    found = conversation.version(version) if version else None
    if version and found is None:
        raise Conflict("The version that the message was about is gone.", fix="Say it again.")
    return found


def _too_old() -> ServiceUnavailable:
    return ServiceUnavailable("The turn came to no end within a day.", fix="Say it again.", retryable=False)


__all__ = ["TURN", "Turns"]
