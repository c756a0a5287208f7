"""Accounts, keys and sessions as earlier versions wrote them: rows without the columns that there are now."""

from datetime import timedelta

import pytest
from ulid import ULID

from darkroom.adapters.dynamo import to_item
from darkroom.adapters.identity_store import DynamoIdentityStore
from darkroom.adapters.job_store import DynamoJobStore
from darkroom.adapters.session_store import DynamoSessionStore
from darkroom.models.caller import Caller
from darkroom.models.digest import digest
from darkroom.models.key import KeyStatus
from darkroom.ports import KeyVault
from darkroom.services.accounts.connect import Connect, Purpose, SignInPolicy
from darkroom.services.accounts.identities import Identities
from darkroom.services.accounts.keys import Keys
from darkroom.services.accounts.sessions import Sessions
from tests.conftest import SteppingClock
from tests.contract.conftest import Cloud
from tests.contract.free_jobs import free_job
from tests.fakes.issuer import ScriptedOpenRouter

SECRET = "sk-or-v1-" + "before" * 10
COOKIE = "C" * 43


class Before:
    """What a sign-in with an earlier version left in the table, and this version's services over it."""

    def __init__(self, cloud: Cloud, vault: KeyVault, clock: SteppingClock) -> None:
        self.cloud = cloud
        self.openrouter = ScriptedOpenRouter()
        self.openrouter.user_id = f"user_{ULID()}"
        self.openrouter.status = KeyStatus(user_id=self.openrouter.user_id)
        # Of the user's id, as the first version named accounts.
        self.account = f"or-{digest(self.openrouter.user_id)[:32]}"
        self.vault = vault
        self.keys = Keys(
            vault, {"openrouter": self.openrouter}, clock, operator_key=lambda _: None, operated=frozenset()
        )
        self.keys.connect(self.account, "openrouter", SECRET)
        dynamodb = cloud.aws.dynamodb
        dynamodb.update_item(
            TableName=cloud.table,
            Key=to_item({"pk": f"USER#{self.account}", "sk": "KEY#openrouter"}),
            UpdateExpression="REMOVE owner_sha256",
        )
        for row in (
            {
                "pk": f"SESSION#{digest(COOKIE)}",
                "sk": "SESSION",
                "sha256": digest(COOKIE),
                "user": self.account,
                "created_at": clock.now.isoformat(),
                "expires_at": int((clock.now + timedelta(days=30)).timestamp()),
            },
            {
                "pk": f"ATTEMPT#{digest('N' * 43)}",
                "sk": "ATTEMPT",
                "sha256": digest("N" * 43),
                "browser_sha256": digest("B" * 43),
                "code_verifier": "v" * 128,
                "return_to": "/oauth",
                "expires_at": int((clock.now + timedelta(minutes=10)).timestamp()),
                "used": False,
            },
        ):
            dynamodb.put_item(TableName=cloud.table, Item=to_item(row))
        self.jobs = DynamoJobStore(cloud.table, dynamodb)
        self.job = free_job(self.account, clock)
        self.jobs.add(self.job)
        self.sessions = Sessions(DynamoSessionStore(cloud.table, dynamodb), clock)
        self.identities = Identities(DynamoIdentityStore(cloud.table, dynamodb), clock)
        self.connect = Connect(
            store=DynamoSessionStore(cloud.table, dynamodb),
            sessions=self.sessions,
            keys=self.keys,
            identities=self.identities,
            issuer=self.openrouter,
            policy=SignInPolicy("anyone", frozenset()),
            clock=clock,
        )

    def sign_in(self, purpose: Purpose | None = None) -> str:
        way = self.connect.start(callback="https://x/oauth/callback", return_to=None, browser=None, purpose=purpose)
        caller = purpose.caller if purpose else None
        done = self.connect.finish(
            nonce=way.nonce, browser=way.browser, code="c", caller=caller, callback="https://x/oauth/callback"
        )
        return done.user


@pytest.fixture
def before(cloud: Cloud | None, key_vault: KeyVault, clock: SteppingClock) -> Before:
    assert cloud is not None
    return Before(cloud, key_vault, clock)


pytestmark = pytest.mark.parametrize("cloud", ["emulator"], indirect=True)


def test_signing_in_leads_to_the_same_account_with_its_pictures(before: Before) -> None:
    assert before.sign_in() == before.account
    assert [job.id for job in before.jobs.page(before.account, limit=10, before=None).jobs] == [before.job.id]
    assert [each.user for each in before.identities.of_user(before.account)] == [before.account]


def test_a_session_goes_on(before: Before) -> None:
    session = before.sessions.find(COOKIE)
    assert session is not None
    assert (session.user, session.signed_in_with, session.token_sha256) == (before.account, "openrouter", "")


def test_an_attempt_that_was_under_way_is_finished(before: Before) -> None:
    store = DynamoSessionStore(before.cloud.table, before.cloud.aws.dynamodb)
    attempt = store.use(digest("N" * 43), digest("B" * 43))
    assert attempt is not None
    assert (attempt.user, attempt.session_sha256, bool(attempt.terms)) == ("", "", False)


def test_its_key_moves_with_consent_and_its_pictures_stay(before: Before) -> None:
    session = before.sessions.find(before.sessions.open("alice"))
    caller = Caller(user="alice", session=session)
    before.openrouter.key = "sk-or-v1-" + "second" * 10
    assert before.sign_in(Purpose(caller=caller, move=True)) == "alice"
    assert before.vault.reveal(before.account, "openrouter") is None
    assert before.vault.reveal("alice", "openrouter") == before.openrouter.key
    (identity,) = before.identities.of_user("alice")
    before.identities.unlink("alice", identity.sha256)
    assert before.sign_in() == before.account, "and so the way back to them is there"
