"""What a person is told of a turn: what was done, and the planner's own words only where they are borne out by that.

A planner may claim what it has not planned, in any language. So the facts are made of the steps that were carried out.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NamedTuple

from darkroom import operations
from darkroom.models.conversation import Step
from darkroom.models.plan import OperateAction, PaintAction, Plan
from darkroom.models.user_settings import UserSettings


class _Said(NamedTuple):
    """The sentences of a language."""

    done: str
    would: str
    same: str
    nothing: str
    painted: str
    undo: str
    redo: str
    again: str
    planner: str


_LANGUAGES: Final[Mapping[str, _Said]] = {
    "en": _Said(
        "Done: {}.",
        "This would be done: {}.",
        "Without effect on this picture: {}.",
        "Nothing was changed.",
        "painted",
        "The last change was undone.",
        "The change was redone.",
        "I could not make a plan of that; say it in other words, or in smaller steps.",
        "The planner says: “{}”",
    ),
    "de": _Said(
        "Gemacht: {}.",
        "Das würde gemacht: {}.",
        "Ohne Wirkung auf dieses Bild: {}.",
        "Es wurde nichts geändert.",
        "gemalt",
        "Die letzte Änderung ist rückgängig gemacht.",
        "Die Änderung ist wiederhergestellt.",
        "Daraus konnte ich keinen Plan machen; sag es mit anderen Worten oder in kleineren Schritten.",
        "Der Planer sagt: „{}“",
    ),
    "fr": _Said(
        "Fait : {}.",
        "Voici ce qui serait fait : {}.",
        "Sans effet sur cette image : {}.",
        "Rien n’a été changé.",
        "peint",
        "Le dernier changement est annulé.",
        "Le changement est rétabli.",
        "Je n’ai pas pu en faire un plan ; dites-le autrement, ou en plus petites étapes.",
        "Le planificateur dit : « {} »",
    ),
    "es": _Said(
        "Hecho: {}.",
        "Se haría: {}.",
        "Sin efecto en esta imagen: {}.",
        "No se ha cambiado nada.",
        "pintado",
        "Se ha deshecho el último cambio.",
        "Se ha rehecho el cambio.",
        "No pude hacer un plan con eso; dilo con otras palabras o en pasos más pequeños.",
        "El planificador dice: «{}»",
    ),
    "zh": _Said(
        "已完成：{}。",
        "将会执行：{}。",
        "对这张图片没有效果：{}。",
        "没有做任何更改。",
        "已绘制",
        "已撤销上一步更改。",
        "已重做更改。",
        "无法据此制定步骤，请换个说法或分步说明。",
        "规划器说：“{}”",
    ),
    "ja": _Said(
        "完了：{}。",
        "実行される内容：{}。",
        "この画像には効果がありません：{}。",
        "何も変更していません。",
        "描画",
        "直前の変更を取り消しました。",
        "変更をやり直しました。",
        "手順にできませんでした。別の言い方か、小さな手順でお願いします。",
        "プランナーの返答：「{}」",
    ),
}
_CLAUSE: Final = re.compile(
    r"[.,;:!?。，、！？；：\n]|\b(?:and|und|et|y|then|dann|puis|luego|but|aber|mais|pero)\b|并且|然后"
)
_CANNOT: Final = "What was planned cannot be done: {}"
_WHY: Final = "Painting is switched off by {} (PATCH /v1/settings changes that)."


def why_unpainted(settings: UserSettings) -> str | None:
    """Which of a person's settings forbid painting, as a sentence; None where it is allowed."""
    switched = {
        "`enable_image_generation`: false": settings.enable_image_generation is False,
        "`preferred_manipulation_method`: local": settings.manipulation_method == "local",
    }
    named = [name for name, is_set in switched.items() if is_set]
    return _WHY.format(" and ".join(named)) if named else None


def is_missed(plan: Plan) -> bool:
    """Whether a plan without painting, made where nothing may be painted, lacks some.

    One that does nothing, and does not say whether it would have taken painting, is taken to have been kept from it.
    """
    return not plan.paints() and bool(plan.needs_painting or (not plan.actions and plan.needs_painting is None))


def why_in(warnings: Iterable[str]) -> str | None:
    """Why something is not done, if that is among the warnings of a turn."""
    begins = tuple(each.partition("{")[0] for each in (_WHY, _CANNOT))
    return next((each for each in warnings if each.startswith(begins)), None)


def cannot(what: str) -> str:
    """As a warning: why what a planner has planned twice cannot be done."""
    return _CANNOT.format(what)


def nothing(language: str) -> str:
    """That nothing was changed."""
    return _said(language).nothing


def told(plan: Plan, steps: Sequence[Step], *, why: str | None, move: str | None, is_changed: bool) -> str:
    """What is said of a plan that was carried out.

    Args:
        steps: those that were taken.
        why: nothing may be painted, and the person has to be told.
        move: through the versions, which was made.
        is_changed: the picture is another one than before.
    """
    said, words = _said(plan.language), plan.reply.strip()
    if move is not None:
        return said.undo if move == "undo" else said.redo
    if not steps and why is None and words:
        return f"{said.nothing} {said.planner.format(words)}"
    if not steps:
        return f"{said.nothing} {why or said.again}"
    named = ", ".join(_named(step, plan) for step in steps)
    if not is_changed:
        return " ".join(filter(None, (said.nothing, why, said.same.format(named))))
    done = said.done.format(named)
    if why is not None:
        return f"{why} {done}"
    is_true = any(step.paint for step in steps) or _is_borne_out(words, steps)
    return f"{done} {words}".strip() if is_true and not _is_said(words, named) else done


def in_words(plan: Plan) -> list[str]:
    """What a plan would do, each step with its values, in the language of the message."""
    found: list[str] = []
    for action in plan.actions:
        if isinstance(action, OperateAction):
            found += [operations.described(each, plan.language.casefold()[:2]) for each in action.operations]
        else:
            found.append(_said(plan.language).painted if isinstance(action, PaintAction) else action.kind)
    return found


def of_dry_run(plan: Plan, *, why: str | None) -> str:
    """What is said of a plan that was only asked for."""
    named = ", ".join(in_words(plan))
    if not named:
        return told(plan, (), why=why, move=None, is_changed=False)
    said = _said(plan.language)
    return " ".join(filter(None, (said.nothing, why, said.would.format(named))))


def _said(language: str) -> _Said:
    return _LANGUAGES.get(language.casefold()[:2], _LANGUAGES["en"])


def _named(step: Step, plan: Plan) -> str:
    if step.operation is None:
        return _said(plan.language).painted
    return operations.described(step.operation, plan.language.casefold()[:2])


def _is_said(words: str, named: str) -> bool:
    """Whether the planner only names again what the facts have named."""
    return operations.folded(words).strip(" .!。") in operations.folded(named)


def _is_borne_out(words: str, steps: Sequence[Step]) -> bool:
    """Whether each part of what is said names an operation that was done, in whatever language."""
    phrases = {phrase for step in steps if step.operation for phrase in operations.called(str(step.operation["op"]))}
    parts = [operations.folded(each).strip() for each in _CLAUSE.split(words)]
    return all(any(phrase in part for phrase in phrases) for part in parts if part)
