"""A turn of a conversation: from what somebody said to a reply and, perhaps, a new version.

The turn is a job that costs nothing itself; its paid calls (the planner, one repair, each painting) are jobs of their
own, named after it, each with its own reservation and end. `advance` looks at how they stand and does the next thing,
as often as it is called: what is done is written down before the next thing is begun, a part has one id, and the
conversation takes a turn once. A turn is over when its picture and words are there; `TurnCosts` tells costs later.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from msgspec import Struct

from darkroom.errors import (
    Conflict,
    DarkroomError,
    InternalError,
    NotFound,
    PayloadTooLarge,
    ServiceUnavailable,
)
from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.chat import ChatRequest
from darkroom.models.conversation import Conversation, PaintStep, Step, Version
from darkroom.models.job import Job, JobStatus, Parent, TurnChoices, TurnState
from darkroom.models.plan import HistoryAction, OperateAction, PaintAction, Plan
from darkroom.models.source import ImageSource
from darkroom.ports import Clock, JobStore, RenderQueue
from darkroom.services.accounts.snapshot import keep, kept, read_anew, read_once
from darkroom.services.conversations import replies, versions
from darkroom.services.conversations.conversations import Conversations, with_mask
from darkroom.services.conversations.forecasts import Forecasts
from darkroom.services.conversations.painting import AS_SET, Painting
from darkroom.services.conversations.planner import InvalidPlan, PaintingForbidden, Planner
from darkroom.services.conversations.planning import Planning, seen_from, state_of
from darkroom.services.conversations.turn_cost import TurnCosts, begun, cost_of, failed, spent, total
from darkroom.services.conversations.turn_render import TurnRender, moved, origin_of
from darkroom.services.paid.admission import TURN, Admission, Prepared, Submission, in_order, part_of
from darkroom.services.paid.at_hand import keep_job
from darkroom.services.paid.settlement import DECIDED_AFTER, SIMULATED
from darkroom.services.recipes.render import NeedsImageFunction
from darkroom.services.selection.providers import Choice


class _Course(Struct):
    """What one process knows of a turn while it goes on with it: read once, and carried from step to step.

    Args:
        is_written_at_each_step: not so while all that is left to do is free, and would come out the same again.
        is_ended: by this process.
    """

    turn: Job
    parts: list[Job]
    conversation: Conversation | None = None
    is_written_at_each_step: bool = True
    is_ended: bool = False

    @property
    def state(self) -> TurnState:
        assert self.turn.turn is not None  # noqa: S101 - only such are read
        return self.turn.turn

    def part(self, name: str) -> Job | None:
        return next((part for part in self.parts if part.id == f"{self.turn.id}-{name}"), None)


class Turns(Struct, frozen=True):
    conversations: Conversations
    planner: Planner
    planning: Planning
    painting: Painting
    forecasts: Forecasts
    rendering: TurnRender
    costs: TurnCosts
    render_queue: RenderQueue
    admission: Admission
    jobs: JobStore
    clock: Clock

    def submit(
        self,
        caller: Caller,
        conversation_id: str,
        content: str,
        terms: Terms,
        choices: TurnChoices = AS_SET,
        *,
        mask: ImageSource | None = None,
    ) -> Submission:
        """The job of the turn; raises what Conversations.find, Conversations.read_mask and Admission.submit raise."""
        conversation = self.conversations.find(caller.user, conversation_id)
        said = state_of(conversation, content, choices)

        def prepare(choice: Choice) -> Prepared:
            renewed = self.conversations.renew(conversation)
            self.conversations.require_room(renewed)
            keep(("conversation", renewed.id), renewed)
            about = seen_from(renewed, choices.base)
            self.forecasts.check_painter(caller.user, about, choices)
            state = said.model_copy(update={"base": about.current})
            if mask is None:
                return self.planning.first(about, said.content, state, choice)
            marked = self.conversations.read_mask(caller.user, mask, about)
            state = state.model_copy(update={"choices": choices.model_copy(update={"mask": marked.image})})
            return with_mask(
                self.planning.first(about, said.content, state, choice), marked, self.conversations.keep_mask
            )

        identity: dict[str, Any] = {"conversation": conversation.id, "content": said.content}
        identity |= choices.model_dump(mode="json", exclude_defaults=True)
        identity |= {} if mask is None else {"mask": asdict(mask)}
        return self.admission.submit(caller, "plan", terms, identity, prepare, skill="chat", provider=choices.provider)

    def advance(self, user: str, turn_id: str) -> bool:
        """Does whatever is to be done next, until somebody else has to do something first; whether it is a turn."""
        with read_once():
            at = self._read(user, turn_id)
            for _ in range(100):
                if at is None:
                    return False
                if at.turn.status.is_final:
                    if not at.turn.cost.settled:
                        self.costs.settle(at.turn, at.parts)
                    return True
                if not self._step(at, at.state):
                    return True
                if at.is_ended:
                    # A part may have been settled while the turn was being ended.
                    at = self._read(user, turn_id)
        raise InternalError("A turn does not come to its end.")

    def conversation_after(self, turn: Job) -> Conversation:
        """The conversation as this process left it when it ended the turn, or else as it is now. Raises NotFound."""
        assert turn.turn is not None  # noqa: S101 - it is one
        taken: Conversation | None = kept(("taken", turn.id))
        return taken or self.conversations.find(turn.user, turn.turn.conversation_id)

    def _read(self, user: str, turn_id: str) -> "_Course | None":
        family = self.jobs.family(user, turn_id)
        if not family or family[0].id != turn_id or family[0].turn is None:
            return None
        return _Course(family[0], in_order(turn_id, family))

    def _step(self, at: "_Course", state: TurnState) -> bool:
        """One step; False when there is nothing to do now."""
        turn = at.turn
        if turn.created_at + DECIDED_AFTER <= self.clock():
            return self._fail(at, _too_old().problem())
        if state.plan is None:
            return self._guarded(at, lambda: self._plan(at, state))
        plan = Plan.model_validate(state.plan)
        if state.rendering:
            # The image function has it; should its message be lost, this one is as good.
            self.render_queue.send(turn.user, turn.id)
            return False
        if state.problem is not None:
            return self._fail(at, state.problem)
        if state.choices.dry_run or state.done >= len(plan.actions):
            # The conversation may have been removed meanwhile, or be full.
            return self._guarded(at, lambda: self._finish(at, state, plan))
        action = plan.actions[state.done]
        if isinstance(action, HistoryAction):
            return self._go_on(at, moved(turn, state, done=state.done + 1))
        if isinstance(action, PaintAction):
            return self._guarded(at, lambda: self._paint(at, state, action))
        return self._guarded(at, lambda: self._operate(at, state, action))

    def _guarded(self, at: "_Course", step: Callable[[], bool]) -> bool:
        """What a caller could mend, or a budget forbids, ends the turn; what passes by itself is tried again."""
        try:
            return step()
        except DarkroomError as error:
            if error.retryable:
                raise
            return self._fail(at, error.problem())

    def _plan(self, at: "_Course", state: TurnState) -> bool:
        turn, repair = at.turn, at.part("repair")
        call = repair or at.part("plan")
        if call is None or not call.status.is_final:
            return self._uncertain(turn, call)
        if call.status is not JobStatus.SUCCEEDED:
            return self._fail(at, call.error or {})
        text = str(call.result.get("text", ""))
        # Its versions stay as they were, and whether it is there is found out before anything is painted, or saved.
        conversation = at.conversation or kept(("conversation", state.conversation_id)) or self._conversation(at, state)
        try:
            plan = self.planning.read(
                turn.user, text, has_picture=state.base is not None, is_masked=state.choices.mask is not None
            )
        except InvalidPlan as invalid:
            if repair is not None:
                is_painted = isinstance(invalid, PaintingForbidden)
                refused = Plan(reply="", type="talk", needs_painting=is_painted)
                if invalid.told is not None:
                    told = (*turn.warnings, replies.cannot(invalid.told))
                    at.turn = turn.model_copy(update={"warnings": tuple(dict.fromkeys(told))})
                return self._take_plan(at, state, refused)
            return self._ask_again(at, call, text, invalid)
        version = _version(conversation, state.base)
        found: dict[str, Any] = {}
        if version is not None:
            origin, since = origin_of(conversation, version)
            found = {"image": version.image, "origin": origin, "since": since}
        return self._take_plan(at, state, plan, **found)

    def _ask_again(self, at: "_Course", call: Job, text: str, invalid: InvalidPlan) -> bool:
        """Has the planner mend what cannot be read as a plan, once."""
        asked: ChatRequest | None = call.work.chat if call.work else None
        if asked is None:
            raise InternalError("The planner's request is gone.") from invalid
        request = self.planner.repair(asked, text, invalid.why)
        cost = spent(at.parts)
        # A purchase is decided on what is true by now: the planner may have taken long.
        with read_anew(), self.painting.within(at.turn, "Asking the planner once more", cost, own_key=call.own_key):
            limit = self.painting.left(at.turn.user, cost, own_key=call.own_key)
            part = self.planning.part(at.turn, "repair", request, like=call, limit=limit)
        self.admission.admit_part(part)
        return False

    def _take_plan(self, at: "_Course", state: TurnState, plan: Plan, **found: Any) -> bool:
        """With why nothing is painted, if that is to be told.

        A plan that paints is written down before anything is bought by it. Any other is done at once, and written down
        with what comes of it: broken off before, it is read once more from the planner's answer, which is kept.
        """
        turn = at.turn
        why = self.planning.why_no_painting(turn.user)
        if why is not None and replies.is_missed(plan):
            turn = turn.model_copy(update={"warnings": (*turn.warnings, why)})
        at.is_written_at_each_step = bool(plan.paints()) and not state.choices.dry_run
        return self._go_on(at, moved(turn, state, plan=plan.model_dump(mode="json"), reply=plan.reply, **found))

    def _paint(self, at: "_Course", state: TurnState, action: PaintAction) -> bool:
        name, turn = f"paint{state.done}", at.turn
        painted = at.part(name)
        if painted is None:
            # Whoever has removed the conversation does not want to pay for it any more.
            self._conversation(at, state)
            cost = spent(at.parts)
            like = at.part("plan") or turn
            # As above.
            with read_anew(), self.painting.within(turn, "The painting", cost, own_key=like.own_key):
                job = self.painting.job(turn, action.prompt, state.image, like=like, spent=cost, by=state.choices)
            self.admission.admit_part(part_of(turn, name, job))
            return False
        if not painted.status.is_final:
            return self._uncertain(turn, painted)
        if painted.status is not JobStatus.SUCCEEDED:
            return self._fail(at, painted.error or {})
        step = Step(paint=PaintStep(prompt=action.prompt, model=painted.model_used))
        done = moved(
            turn,
            state,
            done=state.done + 1,
            image=painted.images[0],
            origin=painted.images[0],
            since=(),
            steps=(*state.steps, step.model_dump(mode="json", exclude_none=True)),
        )
        return self._go_on(at, done)

    def _operate(self, at: "_Course", state: TurnState, action: OperateAction) -> bool:
        try:
            done = self.rendering.operate(at.turn, state, action)
        except NeedsImageFunction:
            if self._go_on(at, moved(at.turn, state, rendering=True), is_written=True):
                self.render_queue.send(at.turn.user, at.turn.id)
            return False
        return self._go_on(at, done)

    def _go_on(self, at: "_Course", moved_on: Job, *, is_written: bool | None = None) -> bool:
        """Takes the turn as it has come along; False if somebody else was faster, who goes on then."""
        began = moved_on.started_at or begun(at.parts) or self.clock()
        stored: Job | None = moved_on.model_copy(update={"started_at": began})
        if at.is_written_at_each_step if is_written is None else is_written:
            stored = self.jobs.progress(moved_on.model_copy(update={"started_at": began}))
        if stored is None:
            return False
        at.turn = stored
        return True

    def _conversation(self, at: "_Course", state: TurnState) -> Conversation:
        """Raises NotFound."""
        if at.conversation is None:
            at.conversation = self.conversations.find(at.turn.user, state.conversation_id)
        return at.conversation

    def _finish(self, at: "_Course", state: TurnState, plan: Plan) -> bool:
        turn, parts, is_dry = at.turn, at.parts, state.choices.dry_run
        move = next((each.kind for each in plan.actions if isinstance(each, HistoryAction)), None)
        told = dict.fromkeys(warning for job in (*parts, turn) for warning in job.warnings)
        seen = at.conversation or kept(("conversation", state.conversation_id)) or self._conversation(at, state)
        steps = tuple(Step.model_validate(each) for each in state.steps)
        why = replies.why_in(turn.warnings)
        is_changed = bool(steps) and not versions.is_same(seen, state.base, state.image, steps)
        image = state.image if is_changed else None
        over = versions.Turn(
            turn.id,
            state.content,
            replies.of_dry_run(plan, why=why)
            if is_dry
            else replies.told(plan, steps, why=why, move=move, is_changed=is_changed),
            state.plan or {},
            state.base,
            image=image,
            steps=steps if is_changed else (),
            move=None if is_dry else move,
            # What is true of every answer of a simulator stands behind what is to be known of this one.
            warnings=tuple(sorted(told, key=SIMULATED.__eq__)),
            cost=cost_of(parts),
            warn_at=self.planning.warn_at_cost(turn.user),
            model_used=parts[0].model_used if parts else None,
            is_branch=state.choices.base is not None,
            dry_run=is_dry,
            by_hand=state.by_hand,
        )
        told_of = {"dry_run": self.forecasts.of_plan(turn, plan, state.image, parts[0])} if is_dry else {}
        taken = self.conversations.append(turn.user, state.conversation_id, over, seen=seen)
        keep(("taken", turn.id), taken.conversation)
        return self._end(
            at,
            {
                "status": JobStatus.SUCCEEDED,
                "error": None,
                "images": (image,) if image else (),
                "result": {
                    "reply": taken.reply,
                    "type": plan.type,
                    "plan": state.plan,
                    "version": taken.version,
                    "conversation": state.conversation_id,
                    **told_of,
                },
                "warnings": taken.warnings,
                "model_used": parts[0].model_used if parts else None,
            },
        )

    def _fail(self, at: "_Course", problem: Mapping[str, Any]) -> bool:
        """Ends the turn. What its parts cost may be found out later; whether there is something to do by now."""
        known = dict(problem) or InternalError("A part of the turn failed.").problem()
        is_gone = not self._tell_failure(at, at.state, known)
        charged = total(at.parts).charged
        is_settling = self._end(at, {"status": JobStatus.FAILED, "error": {**known, "charged": charged}})
        if is_gone:
            self.rendering.discard(at.turn, at.state)
        return is_settling

    def _tell_failure(self, at: "_Course", state: TurnState, problem: Mapping[str, Any]) -> bool:
        """What was paid for belongs into the conversation's total, whatever came of it; False if that is gone."""
        cost, user = cost_of(at.parts), at.turn.user
        try:
            seen = self.conversations.find(user, state.conversation_id)
            if cost.amount or not cost.is_settled:
                over = failed(at.turn, state, problem, cost)
                self.conversations.append(user, state.conversation_id, over, seen=seen)
        except NotFound:
            return False
        except PayloadTooLarge:
            return True
        return True

    def _end(self, at: "_Course", update: Mapping[str, Any]) -> bool:
        """Whether what it cost is yet to be settled; a part may have been, while the turn was being ended."""
        turn, parts = at.turn, at.parts
        made = (Parent(kind="job", ref=part.id, sha256=part.request_sha256 or "") for part in parts)
        # Which version it was about its state says.
        lineage = (*(each for each in turn.lineage if each.kind == "job"), *made)
        cost = total(parts)
        known = {"started_at": turn.started_at or begun(parts), "completed_at": self.clock()}
        at.is_ended = True
        ended = turn.model_copy(update={**known, "cost": cost, "lineage": lineage, **update})
        is_stored = self.jobs.finish(ended)
        if is_stored:
            keep_job(ended)
        return is_stored and not cost.settled

    def _uncertain(self, turn: Job, part: Job | None) -> bool:
        """Tells whoever waits that a part's answer was lost; the turn goes on when it is known what became of it."""
        if part is not None and part.status is JobStatus.UNCERTAIN and turn.status is not JobStatus.UNCERTAIN:
            self.jobs.progress(turn.model_copy(update={"status": JobStatus.UNCERTAIN, "error": part.error}))
        return False


def _version(conversation: Conversation, version: str | None) -> Version | None:
    found = conversation.version(version) if version else None
    if version and found is None:
        raise Conflict("The version that the message was about is gone.", fix="Say it again.")
    return found


def _too_old() -> ServiceUnavailable:
    return ServiceUnavailable("The turn came to no end within a day.", fix="Say it again.", retryable=False)


__all__ = ["TURN", "Turns"]
