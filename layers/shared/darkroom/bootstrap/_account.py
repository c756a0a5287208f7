"""The functions of people and their accounts."""

from collections.abc import Mapping
from dataclasses import dataclass

from darkroom.adapters import probes
from darkroom.adapters.identity_store import DynamoIdentityStore
from darkroom.adapters.link_store import DynamoLinkStore
from darkroom.bootstrap._base import (
    ProvidersByName,
    Stores,
    budgets,
    callers,
    clients,
    cursors,
    keys,
    now,
    openrouter,
    openrouter_auth,
    s3_client,
    stores,
)
from darkroom.bootstrap._preferences import preferences
from darkroom.bootstrap._usage import key_figures, reports, usage
from darkroom.models.money import MicroUsd
from darkroom.ports import Clock, Ledger
from darkroom.services.accounts.callers import Callers
from darkroom.services.accounts.connect import Connect, SignInPolicy
from darkroom.services.accounts.cursors import Cursors
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.links import Links
from darkroom.services.accounts.sessions import Sessions
from darkroom.services.accounts.tokens import Tokens
from darkroom.services.health import Health
from darkroom.services.paid.budgets import Budgets
from darkroom.services.preferences import Preferences
from darkroom.services.usage.reports import Reports
from darkroom.services.usage.usage import KeyFigures, Usage
from darkroom.settings import Settings


@dataclass(frozen=True, slots=True)
class AccountServices:
    callers: Callers
    tokens: Tokens
    keys: Keys
    budgets: Budgets
    ledger: Ledger
    credit: MicroUsd
    preferences: Preferences
    health: Health
    usage: Usage
    key_figures: KeyFigures
    reports: Reports
    cursors: Cursors
    identities: Identities
    public_docs: bool


def account(environ: Mapping[str, str]) -> AccountServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    return AccountServices(
        callers=callers(settings, behind),
        tokens=behind.tokens,
        keys=keys(settings, behind),
        budgets=budgets(settings, behind),
        ledger=behind.ledger,
        credit=settings.credit,
        preferences=preferences(settings, behind),
        health=health(settings, behind),
        usage=usage(settings, behind),
        key_figures=key_figures(settings, behind),
        reports=reports(settings, behind),
        cursors=cursors(settings, behind),
        identities=identities(settings, behind),
        public_docs=settings.public_docs,
    )


def identities(settings: Settings, behind: Stores) -> Identities:
    return Identities(DynamoIdentityStore(settings.table, behind.dynamodb), now)


def health(settings: Settings, behind: Stores) -> Health:
    s3 = s3_client()
    sqs = clients().sqs
    queues = {"jobs and webhooks": settings.job_queue, "pictures": settings.render_queue}
    return Health(
        {
            "table": probes.table(settings.table, behind.dynamodb),
            "bucket:uploads": probes.bucket(settings.uploads_bucket, s3),
            "bucket:outputs": probes.bucket(settings.outputs_bucket, s3),
            **{f"queue:{name}": probes.queue(url, sqs) for name, url in queues.items() if url},
        },
        openrouter(settings),
        keys(settings, behind),
        ProvidersByName(settings),
        now,
        sees_stack_key=not settings.operator_key_secret,
    )


@dataclass(frozen=True, slots=True)
class OAuthServices:
    callers: Callers
    connect: Connect
    keys: Keys
    sessions: Sessions
    identities: Identities
    links: Links
    tokens: Tokens
    now: Clock


def oauth(environ: Mapping[str, str]) -> OAuthServices:
    settings = Settings.from_environ(environ)
    behind = stores(settings)
    sessions, kept = Sessions(behind.sessions, now), keys(settings, behind)
    people = identities(settings, behind)
    return OAuthServices(
        callers=callers(settings, behind),
        connect=Connect(
            store=behind.sessions,
            sessions=sessions,
            keys=kept,
            identities=people,
            issuer=openrouter_auth(settings),
            policy=SignInPolicy(settings.sign_in, settings.sign_in_users),
            clock=now,
        ),
        keys=kept,
        sessions=sessions,
        identities=people,
        links=Links(DynamoLinkStore(settings.table, behind.dynamodb), now),
        tokens=behind.tokens,
        now=now,
    )
