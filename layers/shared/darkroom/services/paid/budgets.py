"""What a user may spend: their limits, the budgets that follow from them, and what is left."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from darkroom.errors import BudgetExceeded, Conflict, CostLimit, PriceUnknown
from darkroom.models.admission import Outcome
from darkroom.models.budget import Budget, BudgetName, BudgetRef
from darkroom.models.caller import Caller
from darkroom.models.money import MicroUsd, in_dollars, said
from darkroom.models.user_settings import Limits, UserSettings
from darkroom.ports import Clock, Ledger, SettingsStore

WARN_AT_PERCENT = 80
_SAVES = 5


class Budgets:
    """Args: defaults: the stack's limits. They are a ceiling, too, for whoever spends the stack owner's money."""

    def __init__(self, settings: SettingsStore, ledger: Ledger, clock: Clock, *, defaults: Limits) -> None:
        self._settings = settings
        self._ledger = ledger
        self._clock = clock
        self._defaults = defaults

    def limits(self, user: str, *, own_key: bool) -> Limits:
        """The user's own limits where set, else the stack's."""
        return self._effective(self._settings.load(user), own_key=own_key)

    def change(self, user: str, changes: Mapping[str, Any], **others: Any) -> UserSettings:
        """Sets the limits and the other settings that are named; None returns one to the stack's default."""
        return self.update(user, lambda seen: {**others, "limits": seen.limits.model_copy(update=dict(changes))})

    def update(self, user: str, change: Callable[[UserSettings], Mapping[str, Any]]) -> UserSettings:
        """Changes the settings as they are when they are written, again as long as others are faster."""
        for _ in range(_SAVES):
            seen = self._settings.load(user)
            changed = seen.model_copy(update=dict(change(seen)))
            if self._settings.save(user, changed):
                return changed
        raise Conflict("The settings are being changed elsewhere.", fix="Try again.")

    def refs(
        self, caller: Caller, limits: Limits, *, conversation_id: str | None = None, at: datetime | None = None
    ) -> tuple[BudgetRef, ...]:
        """The budgets that a request of this caller is reserved from.

        Args:
            at: when its job was made, so that both are of the same day and month; now when absent.
        """
        now = self._clock() if at is None else at
        token = caller.token
        rows: list[tuple[BudgetName, str, MicroUsd | None]] = [
            ("day", "", limits.per_day),
            ("month", "", limits.per_month),
        ]
        if token is not None:
            rows.append(("token_day", f"token#{token.id}#", token.day_limit))
            rows.append(("token_month", f"token#{token.id}#", token.month_limit))
        refs = [_periodic(name, before, limit, now) for name, before, limit in rows if limit is not None]
        if conversation_id and limits.per_conversation is not None:
            refs.append(
                BudgetRef(name="conversation", id=f"conversation#{conversation_id}", limit=limits.per_conversation)
            )
        return tuple(refs)

    def show(self, caller: Caller, *, own_key: bool) -> dict[str, Any]:
        """The limits, and where each budget stands now."""
        settings = self._settings.load(caller.user)
        limits = self._effective(settings, own_key=own_key)
        refs = self.refs(caller, limits)
        known = self._ledger.budgets(caller.user, [ref.id for ref in refs])
        return {
            "limits": _shown_limits(limits),
            "warn_at_percent": settings.warn_at_percent or WARN_AT_PERCENT,
            "budgets": [_shown(ref, known.get(ref.id)) for ref in refs],
        }

    def settings(self, user: str) -> UserSettings:
        return self._settings.load(user)

    def warn_at_percent(self, user: str) -> int:
        """Of a budget: where the user wants to be told."""
        return self._settings.load(user).warn_at_percent or WARN_AT_PERCENT

    def warnings(self, user: str, refs: tuple[BudgetRef, ...], *, actual: MicroUsd) -> tuple[str, ...]:
        """A sentence for each budget that crosses the threshold by spending `actual`; each is said once in all."""
        if not refs or actual <= 0:
            return ()
        percent = self.warn_at_percent(user)
        known = self._ledger.budgets(user, [ref.id for ref in refs])
        warnings: list[str] = []
        for ref in refs:
            budget = known.get(ref.id)
            if budget is None or budget.is_warned or budget.limit <= 0:
                continue
            spent = budget.spent + actual
            if spent * 100 >= percent * budget.limit and self._ledger.warn_once(user, ref.id):
                warnings.append(_warning(ref, budget.limit, spent))
        return tuple(warnings)

    def refusal(
        self, user: str, refs: tuple[BudgetRef, ...], *, reserve: MicroUsd, estimate: MicroUsd | None
    ) -> BudgetExceeded | None:
        """Of the first budget that has too little left for a reservation, by the ledger's rule; it takes nothing."""
        known = self._ledger.budgets(user, [ref.id for ref in refs])
        for ref in refs:
            standing = _standing(ref, known.get(ref.id))
            if reserve > standing.remaining - standing.overdrawn:
                outcome = Outcome(refused_by=standing, refused_ref=ref)
                return exceeded(outcome, reserve=reserve, estimate=estimate)
        return None

    def keep_days(self, user: str) -> int | None:
        """For how many days the user wants things kept; None if as long as the stack does."""
        return self._settings.load(user).retention_days

    def _effective(self, settings: UserSettings, *, own_key: bool) -> Limits:
        chosen: dict[str, MicroUsd | None] = {}
        for name in Limits.model_fields:
            own, default = getattr(settings.limits, name), getattr(self._defaults, name)
            if own is None:
                chosen[name] = default
            elif own_key or default is None:
                chosen[name] = own
            else:
                chosen[name] = min(own, default)
        return Limits(**chosen)


def reserve_for(
    *,
    estimate: MicroUsd | None,
    reserve: MicroUsd | None,
    most: MicroUsd | None,
    per_request: MicroUsd | None,
    least: MicroUsd = 0,
    may_vouch: bool = True,
    bound: MicroUsd | None = None,
    expected: MicroUsd | None = None,
) -> MicroUsd:
    """How much to set aside for a request; never less than the bound.

    Args:
        estimate: what it will cost; None if unknown.
        reserve: the bound with a margin; None if unknown.
        most: what the caller said this one may cost. It is a promise to them: the bound has to be within it.
        per_request: what any request of theirs may cost. It is there for what is too dear: the estimate has to be
            within it, for few could be made if the dearest case that is thinkable had to be.
        least: what is known of the price, with a margin, where not all of it is.
        may_vouch: whether the caller's word counts for a price that nobody says: not where others' limits or money
            would rest on it.
        bound: what it costs at the most; the estimate when absent.
        expected: what it will probably cost, where the estimate is above that; it is only told.

    Raises:
        PriceUnknown: neither a price nor a word that counts.
        CostLimit: it may cost more than it may.
    """
    if estimate is None or reserve is None:
        estimate = reserve = bound = max(_vouched(most, may_vouch=may_vouch), least)
    bound = estimate if bound is None else bound
    told = estimate if expected is None else expected
    if most is not None and bound > most:
        raise CostLimit(
            f"{_may_cost(bound, told)}; `max_cost_usd` is {said(most)}.",
            fix="Raise `max_cost_usd`, or choose a cheaper model, quality or size.",
            param="max_cost_usd",
            context=_figures(told, bound, most),
        )
    if per_request is not None and estimate > per_request:
        raise CostLimit(
            f"{_may_cost(estimate, told)}; a request of yours may cost {said(per_request)}.",
            fix="Choose a cheaper model, quality or size, or raise `max_cost_per_request` (PATCH /v1/settings).",
            context=_figures(told, bound, per_request),
        )
    return max(bound, min(cap for cap in (reserve, most, per_request) if cap is not None))


def _may_cost(amount: MicroUsd, expected: MicroUsd) -> str:
    return f"This may cost {said(amount)}{'' if amount == expected else f', and will probably cost {said(expected)}'}"


def _figures(estimated: MicroUsd, reserved: MicroUsd, limit: MicroUsd) -> dict[str, float]:
    """In dollars, by the names that they have in every answer; `reserved_usd` is what would have to be set aside."""
    amounts = {"estimated_usd": estimated, "reserved_usd": reserved, "limit_usd": limit}
    return {name: float(in_dollars(amount)) for name, amount in amounts.items()}


def _vouched(most: MicroUsd | None, *, may_vouch: bool) -> MicroUsd:
    if not may_vouch:
        raise PriceUnknown(
            "Nobody says what this would cost, so it cannot be kept within the limits that others have set for you.",
            fix="Choose a model with a published price.",
            param="model",
        )
    if most is None:
        raise PriceUnknown(
            "Nobody says what this would cost.",
            fix="Choose a model with a published price, or send `max_cost_usd`, the most that it may cost.",
            param="max_cost_usd",
        )
    return most


def exceeded(outcome: Outcome, *, reserve: MicroUsd, estimate: MicroUsd | None) -> BudgetExceeded:
    """The error for a budget that had too little left."""
    budget, ref = outcome.refused_by, outcome.refused_ref
    assert budget is not None and ref is not None  # noqa: S101, PT018 - that is what refused means
    resets = f" It begins anew at {ref.resets_at.isoformat()}." if ref.resets_at else ""
    return BudgetExceeded(
        f"{_shortage(ref, budget, reserve)}{resets}",
        fix="Wait, or choose something cheaper. "
        + ("The token's maker set its limit." if "token" in ref.name else "PATCH /v1/settings raises the limit."),
        context={
            "budget": ref.name,
            "estimated_usd": None if estimate is None else float(in_dollars(estimate)),
            "reserved_usd": float(in_dollars(reserve)),
            "limit_usd": float(in_dollars(budget.limit)),
            "remaining_usd": float(in_dollars(budget.remaining)),
            "overdrawn_usd": float(in_dollars(budget.overdrawn)),
            "in_progress_usd": float(in_dollars(budget.reserved)),
            "spent_usd": float(in_dollars(budget.spent)),
            "resets_at": ref.resets_at.isoformat() if ref.resets_at else None,
        },
    )


def _shortage(ref: BudgetRef, budget: Budget, reserve: MicroUsd) -> str:
    """Of an overdrawn budget nothing is to be had, also where nothing is to be set aside: a price of nothing is only
    what somebody has said, and that they may be wrong is what such a budget has shown."""
    if budget.overdrawn:
        return (
            f"{_title(ref.name).capitalize()} budget of {said(budget.limit)} is overdrawn by {said(budget.overdrawn)}. "
            "Until it is whole again nothing is admitted, not even what should cost nothing."
        )
    return (
        f"{said(reserve)} would have to be set aside; {said(budget.remaining)} is left of "
        f"{_title(ref.name)} budget of {said(budget.limit)}."
    )


def _periodic(name: BudgetName, before: str, limit: MicroUsd, now: datetime) -> BudgetRef:
    midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if name.endswith("day"):
        return BudgetRef(
            name=name, id=f"{before}day#{now:%Y-%m-%d}", limit=limit, resets_at=midnight + timedelta(days=1)
        )
    next_month = (midnight.replace(day=28) + timedelta(days=4)).replace(day=1)
    return BudgetRef(name=name, id=f"{before}month#{now:%Y-%m}", limit=limit, resets_at=next_month)


def _title(name: BudgetName) -> str:
    return {
        "day": "the day's",
        "month": "the month's",
        "conversation": "the conversation's",
        "token_day": "the API token's daily",
        "token_month": "the API token's monthly",
        "batch": "the batch's",
    }[name]


def _warning(ref: BudgetRef, limit: MicroUsd, spent: MicroUsd) -> str:
    return f"{said(spent)} of {_title(ref.name)} budget of {said(limit)} is spent."


def _shown_limits(limits: Limits) -> dict[str, float | None]:
    return {
        f"max_cost_{name}": None if value is None else float(in_dollars(value))
        for name, value in limits.model_dump().items()
    }


def _standing(ref: BudgetRef, budget: Budget | None) -> Budget:
    """A budget under the limit that it has by now."""
    known = budget or Budget(id=ref.id, limit=ref.limit, remaining=ref.limit, reserved=0, spent=0)
    # The row takes over a changed limit with the next reservation; it counts from now.
    left = ref.limit - known.reserved - known.spent
    changed = {"limit": ref.limit, "remaining": max(0, left), "overdrawn": max(0, -left)}
    return known.model_copy(update=changed)


def _shown(ref: BudgetRef, budget: Budget | None) -> dict[str, Any]:
    standing = _standing(ref, budget)
    amounts = ("limit", "remaining", "reserved", "spent", "overdrawn")
    return {
        "name": ref.name,
        **{f"{name}_usd": float(in_dollars(getattr(standing, name))) for name in amounts},
        "resets_at": ref.resets_at.isoformat() if ref.resets_at else None,
    }
