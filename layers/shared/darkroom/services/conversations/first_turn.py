"""A conversation that begins with its first message, in one request."""

from dataclasses import asdict

from msgspec import Struct
from msgspec.structs import replace

from darkroom.models.admission import Terms
from darkroom.models.caller import Caller
from darkroom.models.job import TurnChoices
from darkroom.models.source import ImageSource
from darkroom.services.accounts.snapshot import keep
from darkroom.services.conversations.conversations import Conversations
from darkroom.services.conversations.planning import Planning, state_of
from darkroom.services.paid.admission import Admission, Prepared, Submission
from darkroom.services.selection.providers import Choice


class FirstTurn(Struct, frozen=True):
    conversations: Conversations
    planning: Planning
    admission: Admission

    def submit(
        self, caller: Caller, source: ImageSource | None, content: str, terms: Terms, choices: TurnChoices
    ) -> Submission:
        """The job of the first turn of a new conversation, about the picture or about none.

        The conversation is stored when the request becomes a job: one that is refused leaves none behind, and one that
        is sent again begins no other. Raises what Conversations.create and Admission.submit raise.
        """

        def prepare(choice: Choice) -> Prepared:
            conversation, store = self.conversations.begun(caller.user, source)
            said = state_of(conversation, content, choices)
            keep(("conversation", conversation.id), conversation)
            prepared = self.planning.first(conversation, said.content, said, choice)

            def keep_both() -> None:
                prepared.keep()
                store()

            return replace(prepared, keep=keep_both)

        identity = {"begins_with": None if source is None else asdict(source), "content": content.strip()}
        identity |= choices.model_dump(exclude_defaults=True)
        return self.admission.submit(caller, "plan", terms, identity, prepare, skill="chat", provider=choices.provider)
