"""What a person is told where painting is switched off: the setting by its name, and nothing that was not done.

A planner is told not to paint, and says so in the person's language; whether it keeps to that is not left to it.
"""

import re
from collections.abc import Iterable
from typing import Final

from darkroom.models.plan import OperateAction, Plan
from darkroom.models.user_settings import UserSettings
from darkroom.services.conversations.versions import NOTHING_CHANGED

_SWITCH: Final = "`enable_image_generation`: false"
_METHOD: Final = "`preferred_manipulation_method`: local"


def _reason(*settings: str) -> str:
    return f"Painting is switched off by {' and '.join(settings)} (PATCH /v1/settings changes that)."


_REASONS: Final = {
    (True, False): _reason(_SWITCH),
    (False, True): _reason(_METHOD),
    (True, True): _reason(_SWITCH, _METHOD),
}
# Claims to have painted: with painting switched off they are false, whatever else was done.
_PAINTED: Final = (
    r"\bI(?:['’]ve| have)?(?: \w+ly| now| just| also)? (?:re)?(?:painted|drawn|drew|generated|rendered)\b",
    r"\bhere(?:['’]s| is) (?:your|the|a|an)\b.{0,40}\b(?:painting|picture|image|drawing)\b",
    r"\bich habe?\b(?:(?!\b(?:nicht|nichts|kein\w*)\b)[^.!?])*\b(?:gemalt|gezeichnet|generiert|erzeugt)\b",
    r"\bj['’]ai (?:\w+ )?(?:peint|dessiné|généré)",
    r"(?<!no )\bhe (?:\w+ )?(?:pintado|dibujado|generado)\b",
)
# Claims to have done anything: false where nothing was.
_DONE: Final = (
    r"\bI(?:['’]ve| have)?(?: \w+ly| now| just| also)? (?:made|added|removed|replaced|turned|changed|put|erased|"
    r"created|edited|transformed|converted|placed|applied|extended)\b",
    r"^\W*(?:done|finished|all set|fertig|erledigt|voilà|listo|hecho)\b",
    r"\bich habe?\b(?:(?!\b(?:nicht|nichts|kein\w*)\b)[^.!?])*\b(?:\w*ge\w+(?:t|en)|(?:er|ent|ver)\w+t)\b",
    r"\bj['’]ai (?:\w+ )?(?:ajouté|créé|transformé|remplacé|supprimé|mis|fait|enlevé)",
    r"(?<!no )\bhe (?:\w+ )?(?:añadido|agregado|creado|convertido|transformado|reemplazado|eliminado|puesto|hecho)\b",
)
_CLAIMS_PAINTING: Final = re.compile("|".join(_PAINTED), re.IGNORECASE)
_CLAIMS_ANYTHING: Final = re.compile("|".join((*_PAINTED, *_DONE)), re.IGNORECASE)


def reason(settings: UserSettings) -> str | None:
    """Which of a person's settings forbids painting, as a sentence; None where it is allowed."""
    is_local = settings.manipulation_method == "local"
    return _REASONS.get((settings.enable_image_generation is False, is_local))


def honest(plan: Plan, why: str | None) -> tuple[Plan, str | None]:
    """The plan without words that claim what is not done, and the reason if the person has to be told it.

    Args:
        why: painting is switched off.
    """
    if why is None or plan.paints():
        return plan, None
    is_idle = not plan.actions
    # Whoever does nothing, and does not say whether it would have taken painting, is taken to have been kept from it.
    is_missed = plan.needs_painting or (is_idle and plan.needs_painting is None)
    claims = _CLAIMS_ANYTHING if is_idle and is_missed else _CLAIMS_PAINTING
    if claims.search(plan.reply):
        return plan.model_copy(update={"reply": ""}), why
    return plan, why if is_missed else None


def told(plan: Plan, warnings: Iterable[str]) -> str:
    """What the person is told: the planner's words, after the reason if that is among the warnings."""
    why = next((each for each in warnings if each in _REASONS.values()), None)
    if why is None:
        return plan.reply
    if not plan.actions:
        return f"{NOTHING_CHANGED} {why} {plan.reply}".strip()
    done = [each for action in plan.actions if isinstance(action, OperateAction) for each in action.operations]
    names = dict.fromkeys(str(each.get("op")) for each in done)
    instead = f"What was done instead: {', '.join(names)}." if names else ""
    return " ".join(part for part in (why, instead, plan.reply) if part)
