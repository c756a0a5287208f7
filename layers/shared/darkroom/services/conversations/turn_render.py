"""A turn's operations on the picture: by the worker, or by the image function where the subject must be known.

They are done from the last picture that was given or painted, together with all that was done to it before. So nothing
is lost by encoding it anew at each turn, and the recipe of a version makes the very same file.
"""

import json
from typing import Any, Final

from msgspec import Struct

from darkroom.errors import CallerError, DarkroomError
from darkroom.models.conversation import Conversation, Step, Version
from darkroom.models.job import Job, JobStatus, StoredImage, TurnState
from darkroom.models.operations import OperationStep
from darkroom.models.plan import OperateAction, Plan
from darkroom.models.recipe import MOST_STEPS
from darkroom.operations import Rendered
from darkroom.ports import Clock, JobQueue, JobStore
from darkroom.services.conversations.versions import rendered_keys
from darkroom.services.recipes.render import Render

# The turn's row has to hold them. From there on, versions are made from the version before.
_MOST_SINCE: Final = 60_000

Operations = tuple[OperationStep, ...]


class TurnRender(Struct, frozen=True):
    jobs: JobStore
    queue: JobQueue
    render: Render
    clock: Clock

    def operate(self, turn: Job, state: TurnState, action: OperateAction) -> Job:
        """Does the operations; the turn with what came of them, which is not written down.

        Raises:
            NeedsImageFunction: there is no segmentation model here; nothing was done.
            CallerError: an operation cannot be done to the picture.
        """
        before = state.image
        if before is None:
            return moved(turn, state, done=state.done + 1, rendering=False)
        rendered, origin, since = self._rendered(turn.user, state, before, action.operations)
        is_kept = rendered.is_unchanged and not state.since
        image = before if is_kept else self.render.keep(turn, rendered, stem=str(state.done))
        told = dict.fromkeys((*turn.warnings, *rendered.warnings))
        turn = turn.model_copy(update={"warnings": tuple(told)})
        steps = [Step(operation=each).model_dump(mode="json", exclude_none=True) for each in action.operations]
        return moved(
            turn,
            state,
            done=state.done + 1,
            image=image,
            origin=state.origin if is_kept else origin,
            since=state.since if is_kept else since,
            steps=(*state.steps, *steps),
            rendering=False,
        )

    def _rendered(
        self, user: str, state: TurnState, image: StoredImage, operations: Operations
    ) -> tuple[Rendered, StoredImage, Operations]:
        """What comes of the operations, and from which picture it was made by which."""
        if state.origin is not None and state.since:
            since = (*state.since, *operations)
            try:
                return self.render.redo(user, state.origin, since), state.origin, since
            except CallerError:
                # It may be an earlier one that cannot be done again, say with a picture that was removed since.
                pass
        return self.render.redo(user, image, operations), image, operations

    def discard(self, turn: Job, state: TurnState) -> None:
        """Removes what the turn has made by operations, for which there is no conversation any more."""
        self.render.images.remove_outputs(rendered_keys(turn.user, turn.id, state.plan or {}))

    def run(self, user: str, turn_id: str) -> bool:
        """The image function's part, after which the worker goes on; whether the job is a turn at all."""
        turn = self.jobs.find(user, turn_id)
        if turn is None or turn.turn is None:
            return False
        state = turn.turn
        if turn.status.is_final or not state.rendering:
            return True
        action = Plan.model_validate(state.plan).actions[state.done]
        try:
            if isinstance(action, OperateAction):
                self.jobs.progress(self.operate(turn, state, action))
        except DarkroomError as error:
            if error.retryable:
                raise
            self.jobs.progress(moved(turn, state, rendering=False, problem=error.problem()))
        self.queue.send(user, turn_id)
        return True


def moved(turn: Job, state: TurnState, **changes: Any) -> Job:
    """The turn as it has come along; whoever writes that down finds out whether somebody else was faster."""
    return turn.model_copy(
        update={"turn": state.model_copy(update=changes), "status": JobStatus.RUNNING, "error": None}
    )


def origin_of(conversation: Conversation, version: Version) -> tuple[StoredImage, Operations]:
    """The last picture up to the version that was given or painted, and the operations that lead from it to there."""
    since: Operations = ()
    above: Version | None = version
    while above is not None and above.parent is not None and not any(step.paint for step in above.steps):
        since = (*(step.operation for step in above.steps if step.operation), *since)
        above = conversation.version(above.parent)
    if above is None or len(since) > MOST_STEPS or len(json.dumps(since)) > _MOST_SINCE:
        return version.image, ()
    return above.image, since
