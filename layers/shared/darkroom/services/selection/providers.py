"""Which provider a request is for: who is named, who is set, or whoever has a key, OpenRouter first."""

from collections.abc import Iterable, Mapping
from typing import Final

from msgspec import Struct, field, structs

from darkroom.errors import InvalidParameter
from darkroom.models.provider import AUTO, Skill
from darkroom.models.user_settings import UserSettings
from darkroom.ports import Provider, SettingsStore
from darkroom.services.accounts.keys import Keys, no_key

FIRST = "openrouter"
_LACKS: Final[Mapping[Skill, str]] = {
    "generate": "makes no pictures",
    "edit": "edits no pictures",
    "chat": "holds no conversations",
    "cutout": "cuts out no pictures",
}


class Choice(Struct, frozen=True):
    """Args:
    others: that may serve in its place while nothing has been billed; none where it was asked for by name.
    settings: the caller's own, as they were when it was chosen.
    own_key: whether it is the caller who pays, whoever of them serves; else the stack's owner may have to.
    warnings: why it is another than was named.
    """

    provider: Provider
    others: tuple[Provider, ...] = ()
    settings: UserSettings = field(default_factory=UserSettings)
    own_key: bool = True
    warnings: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        return self.provider.name

    @property
    def is_direct(self) -> bool:
        """Whether it is the maker of its models itself, so that no routing among sources is for it."""
        return self.provider.name != FIRST


class Providers:
    """Args:
    known: by name; a lookup may be what loads one.
    preferred: the stack's: a name, or `auto`.
    """

    def __init__(self, known: Mapping[str, Provider], keys: Keys, settings: SettingsStore, *, preferred: str) -> None:
        self._known = known
        self._keys = keys
        self._settings = settings
        self._preferred = preferred

    def get(self, name: str) -> Provider:
        """Raises InvalidParameter that lists those there are."""
        return named(name, self._known)

    def choose(self, user: str, skill: Skill, *, asked: str | None = None, is_one_of_several: bool = False) -> Choice:
        """Who is to serve: by the request, else the user's settings, else the stack's; `auto` goes by the keys.

        A provider that is set but lacks the skill is passed over, which a warning says; one that is asked for is not.

        Args:
            is_one_of_several: it is asked for a message that takes several skills, of which it may lack this one.

        Raises:
            InvalidParameter: the one that was asked for is not known, or cannot do it.
            InvalidApiKey: nobody would pay.
        """
        settings = self._settings.load(user)
        wanted = asked or settings.provider or self._preferred
        passed: Provider | None = None
        if wanted != AUTO:
            provider = named(wanted, self._known, skill if asked and not is_one_of_several else None)
            if skill in provider.skills:
                return self._choice(user, provider, (), settings)
            passed = provider if asked or settings.provider else None
        able = [provider for provider in self._with_key(user) if skill in provider.skills]
        if not able:
            raise no_key(FIRST)
        choice = self._choice(user, able[0], tuple(able[1:]), settings)
        return choice if passed is None else structs.replace(choice, warnings=(_instead(passed, able[0], skill),))

    def _choice(self, user: str, first: Provider, others: tuple[Provider, ...], settings: UserSettings) -> Choice:
        if self._keys.payer(user, first.name) == "stack":
            return Choice(first, others, settings, own_key=False)
        # Nobody has set limits for what the user pays, but the stack's owner has for what they do.
        paid_alike = tuple(each for each in others if self._keys.payer(user, each.name) == "user")
        return Choice(first, paid_alike, settings)

    def _with_key(self, user: str) -> list[Provider]:
        """OpenRouter before the others, which come in the alphabet's order."""
        names = sorted(self._known, key=lambda name: (name != FIRST, name))
        return [self._known[name] for name in names if self._keys.find_payer(user, name)]


def _instead(passed: Provider, found: Provider, skill: Skill) -> str:
    return f"{passed.title} {_LACKS[skill]}; {found.title} is asked instead."


def named(name: str, known: Mapping[str, Provider], skill: Skill | None = None) -> Provider:
    """The provider that a caller names.

    Raises:
        InvalidParameter: there is none, or it cannot do it; with those that can.
    """
    if name not in known:
        raise _not("There is no such provider.", known)
    provider = known[name]
    if skill is not None and skill not in provider.skills:
        raise _not(f"{provider.title} cannot do this.", [each for each in known if skill in known[each].skills])
    return provider


def _not(detail: str, able: Iterable[str]) -> InvalidParameter:
    accepted = [AUTO, *sorted(able)]
    return InvalidParameter(
        detail, fix=f"Use one of: {', '.join(accepted)}.", param="provider", context={"accepted": accepted}
    )
