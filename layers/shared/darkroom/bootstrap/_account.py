"""The functions of people and their accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.bootstrap._base import budgets, callers, keys, now, openrouter_auth, stores
from darkroom.models.money import MicroUsd
from darkroom.ports import Ledger
from darkroom.services.budgets import Budgets
from darkroom.services.callers import Callers
from darkroom.services.connect import Connect, SignInPolicy
from darkroom.services.keys import Keys
from darkroom.services.sessions import Sessions
from darkroom.services.tokens import Tokens
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class AccountServices:
    callers: Callers
    tokens: Tokens
    keys: Keys
    budgets: Budgets
    ledger: Ledger
    credit: MicroUsd
    chat_model: str


def account(environ: Mapping[str, str]) -> AccountServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return AccountServices(
        callers=callers(settings, behind),
        tokens=Tokens(behind.tokens, now),
        keys=keys(settings, behind),
        budgets=budgets(settings, behind),
        ledger=behind.ledger,
        credit=settings.credit,
        chat_model=settings.chat_model,
    )


@dataclass(frozen=True, slots=True)
class OAuthServices:
    callers: Callers
    connect: Connect
    keys: Keys
    sessions: Sessions


def oauth(environ: Mapping[str, str]) -> OAuthServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    sessions, kept = Sessions(behind.sessions, now), keys(settings, behind)
    return OAuthServices(
        callers=callers(settings, behind),
        connect=Connect(
            store=behind.sessions,
            sessions=sessions,
            keys=kept,
            issuer=openrouter_auth(settings),
            policy=SignInPolicy(settings.sign_in, settings.sign_in_users),
            clock=now,
        ),
        keys=kept,
        sessions=sessions,
    )
