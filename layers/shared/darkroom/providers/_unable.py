"""What a provider says that is asked for something it has not the skill for. `skills` tells beforehand."""

from darkroom.errors import InvalidParameter
from darkroom.models.chat import ChatRequest, ChatResult, CompletionRequest, CompletionResult
from darkroom.models.generation import GenerationRequest, GenerationResult, RawAnswer
from darkroom.ports import PaidCall


def unable(title: str, what: str) -> InvalidParameter:
    """Args: what: the end of a sentence, such as `chat`."""
    return InvalidParameter(f"{title} cannot {what}.", fix="Choose another provider, or `auto`.", param="provider")


class WithoutPictures:
    """Half a provider: one that makes no pictures."""

    title: str

    def generate(self, _request: GenerationRequest, _call: PaidCall) -> GenerationResult:
        raise unable(self.title, "make pictures")

    def reread(self, _request: GenerationRequest, _answer: RawAnswer) -> GenerationResult:
        raise unable(self.title, "make pictures")


class WithoutChat:
    """Half a provider: one that does not chat."""

    title: str

    def chat(self, _request: ChatRequest, _call: PaidCall) -> ChatResult:
        raise unable(self.title, "chat")

    def reread_chat(self, _request: ChatRequest, _answer: RawAnswer) -> ChatResult:
        raise unable(self.title, "chat")

    def complete(self, _request: CompletionRequest, _call: PaidCall) -> CompletionResult:
        raise unable(self.title, "chat")

    def reread_completion(self, _request: CompletionRequest, _answer: RawAnswer) -> CompletionResult:
        raise unable(self.title, "chat")
