"""A conversation as Alice has it: she says something, and message by message everybody does their part."""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.conversation import Conversation
from darkroom.models.deadline import Deadline
from darkroom.models.job import Job, StoredImage, TurnChoices
from darkroom.models.source import ImageSource
from darkroom.services.paid.settlement import SIMULATED
from tests.application import LONG, Studio
from tests.photos import photo, save

USER = "alice"
PICTURE = save(photo("chelsea").resize((60, 40)), "PNG")
CALLER = Caller(user=USER)
NO_PLAN = "I would rather not say."
_MOST_MESSAGES = 50


def own(warnings: Iterable[str]) -> tuple[str, ...]:
    """Without what every answer of a simulator says."""
    return tuple(warning for warning in warnings if warning != SIMULATED)


@dataclass
class Talk:
    studio: Studio
    id: str = ""

    def begin(self, picture: bytes | None = PICTURE) -> "Talk":
        # Pixels are most of what a turn takes, and change nothing of what it does.
        self.studio.simulator.scenario("small_picture", side=64)
        source = None if picture is None else ImageSource("image", data=picture)
        return Talk(self.studio, self.studio.app.conversations.create(USER, source).id)

    def submit(
        self,
        content: str,
        *,
        by: Caller = CALLER,
        choices: TurnChoices | None = None,
        mask: ImageSource | None = None,
        **terms: Any,
    ) -> Job:
        """The turn, of which nothing is done yet."""
        given = Terms(**{"route": "POST /messages", "is_async": True, **terms})
        return self.studio.app.turns.submit(by, self.id, content, given, choices or TurnChoices(), mask=mask).job

    def say(self, content: str, **more: Any) -> Job:
        """The turn as it is when nobody has anything left to do."""
        turn = self.submit(content, **more)
        self.run()
        return self.turn(turn)

    def run(self) -> None:
        """Carries out whatever waits in the two queues, and what comes of it."""
        for _ in range(_MOST_MESSAGES):
            if self.studio.job_queue.sent:
                user, job_id = self.studio.job_queue.sent.pop(0)
                self.studio.app.worker.run(user, job_id, Deadline(LONG))
            elif self.studio.render_queue.sent:
                self.studio.app.turn_render.run(*self.studio.render_queue.sent.pop(0))
            else:
                return
        raise AssertionError("There is no end to it.")

    def sweep(self, after: timedelta = timedelta(minutes=5)) -> None:
        self.studio.clock.step(after)
        self.studio.app.sweep.run(Deadline(LONG))
        self.run()

    def turn(self, turn: Job) -> Job:
        return self.studio.job(turn.user, turn.id)

    def part(self, turn: Job, name: str) -> Job:
        return self.studio.job(turn.user, f"{turn.id}-{name}")

    def parts(self, turn: Job) -> Mapping[str, Job]:
        """The paid calls of a turn, by name."""
        every = self.studio.of(turn.user)
        return {name.rpartition("-")[2]: job for name, job in every.items() if job.parent_id == turn.id}

    @property
    def now(self) -> Conversation:
        return self.studio.app.conversations.find(USER, self.id)

    @property
    def shown(self) -> StoredImage:
        """The picture that is shown."""
        version = self.now.version(str(self.now.current))
        assert version is not None
        return version.image

    def bytes_of(self, image: StoredImage) -> bytes:
        return self.studio.images.outputs[image.key].data

    def plans(self, *actions: Mapping[str, Any], reply: str = "Done.", times: int | None = 1) -> None:
        """Has the planner answer with these actions, whatever is said."""
        kinds = {"operations": "technical", "paint": "artistic"}
        plan = {"reply": reply, "type": kinds.get(str(actions[0]["kind"]), "history"), "actions": actions}
        self.answers(json.dumps(plan), times=times)

    def answers(self, text: str, times: int | None = 1) -> None:
        """Has the planner answer with this text."""
        self.fails("text_answer", path="/chat/completions", times=times, options={"text": text})

    def fails(
        self, scenario: str, *, path: str, times: int | None = 1, options: Mapping[str, Any] | None = None
    ) -> None:
        """Has the provider do something else than usual; `path` is `/chat/completions` or `/images`."""
        state = self.studio.simulator.world
        state.scenarios.add(scenario, state.state.clock(), path=path, times=times, options=options)

    def posts(self) -> list[str]:
        """The paths of all that may have cost something, in order: `chat` for a planner, `images` for a painter."""
        names = {"completions": "chat", "images": "images"}
        return [names[str(row["path"]).rpartition("/")[2]] for row in self.studio.paid_requests()]


def operations(*given: Mapping[str, Any]) -> dict[str, Any]:
    return {"kind": "operations", "operations": list(given)}


def paint(prompt: str) -> dict[str, Any]:
    return {"kind": "paint", "prompt": prompt}


def assert_books_agree(talk: Talk, *turns: Job) -> None:
    """To the micro-dollar: a turn, its parts and their receipts; the conversation; every budget; the invoice."""
    studio = talk.studio
    receipts = {job_id: receipt for (user, job_id), receipt in studio.ledger.receipts_.items() if user == USER}
    for turn in map(talk.turn, turns):
        parts = talk.parts(turn)
        assert turn.cost.actual == sum(receipts[part.id].actual or 0 for part in parts.values())
        assert all(part.cost.settled for part in parts.values())
        said = [
            message.cost for message in talk.now.messages if message.turn == turn.id and message.role == "assistant"
        ]
        assert said == [turn.cost.actual]
    total = sum(studio.charged(USER))
    assert sum(receipt.actual or 0 for receipt in receipts.values()) == total
    assert talk.now.spent == total
    for account in studio.ledger.accounts.values():
        assert (account.reserved, account.spent) == (0, total)
