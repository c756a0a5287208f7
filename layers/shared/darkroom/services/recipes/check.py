"""Says whether a picture meets the rules of a built-in frame."""

from msgspec import Struct

from darkroom.errors import CallerError, NotFound
from darkroom.images.check import Finding, check
from darkroom.images.decode import decode
from darkroom.models.caller import Caller
from darkroom.models.presets import presets
from darkroom.models.source import ImageSource
from darkroom.services.inputs.sources import Sources


class Check(Struct, frozen=True):
    sources: Sources
    max_megapixels: float

    def answer(self, caller: Caller, name: str, source: ImageSource) -> tuple[Finding, ...]:
        """Each rule with what was found. Nothing is kept.

        Raises:
            NotFound: there is no built-in recipe of that name, or no such upload or job.
            CallerError: it is no picture that can be used; `param` is the source's name.
        """
        preset = presets().get(name)
        if preset is None:
            raise NotFound(
                f"There is no built-in recipe {name[:64]!r}, and others have no rules.",
                fix="GET /v1/recipes?built_in=true lists them.",
                param="name",
            )
        try:
            data = self.sources.read(caller.user, source)
            picture = decode(data, max_megapixels=self.max_megapixels)
        except CallerError as error:
            error.param = error.param or source.name
            raise
        return check(picture, len(data), preset.rules)
