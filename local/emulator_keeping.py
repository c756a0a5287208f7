"""Keeps what the emulator holds: written before each answer, read when it starts again.

ministack (pinned in pyproject.toml) has its services in dictionaries of its modules, and saves each service as a whole
when it shuts down. Here, each row, message and setting that a request has changed is in the journal, in one
transaction, before the request is answered: what a caller was told is there after a `kill -9`, and a transaction of the
table is there as a whole or not at all. The handlers of these services run on one thread and do not wait in between, so
that there is nothing half done between two answers. Objects of buckets are files (`local/emulator_objects.py`).
"""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from ministack.core import persistence
from ministack.core.responses import AccountRegionScopedDict
from ministack.services import dynamodb, kms, s3, sqs

from local.emulator_objects import Objects
from local.journal import Journal, Name, NotWritten

# Kinds of entries in the journal.
_SETTINGS, _ROW, _TOKEN, _QUEUE, _MESSAGE = "settings", "row", "token", "queue", "message"
# The requests that there are many of, and that change no settings. After any other, settings are compared with what is
# kept of them; rows are told of by hooks.
_NO_SETTINGS: Final = frozenset(
    {
        *("GetItem", "PutItem", "UpdateItem", "DeleteItem", "Query", "Scan", "BatchGetItem", "BatchWriteItem"),
        *("TransactGetItems", "TransactWriteItems", "DescribeTable"),
        *("Encrypt", "Decrypt", "GenerateDataKey", "DescribeKey"),
        *("SendMessage", "SendMessageBatch", "ReceiveMessage", "DeleteMessage", "DeleteMessageBatch"),
        *("ChangeMessageVisibility", "ChangeMessageVisibilityBatch", "GetQueueAttributes", "GetQueueUrl"),
    }
)
_SQS: Final = "AmazonSQS"
_OF_TABLE: Final = ("tags", "ttl_settings", "pitr_settings", "kinesis_destinations", "contributor_insights")
_OF_TABLES_BESIDE: Final = ("backups", "resource_policies", "exports", "imports")
_COUNTED: Final = frozenset({"items", "ItemCount", "TableSizeBytes", dynamodb._INDEX_MEMBERS})
_COUNTS: Final = frozenset(f"ApproximateNumberOfMessages{which}" for which in ("", "NotVisible", "Delayed"))


@dataclass(frozen=True, slots=True)
class Request:
    """What is known of a request before it is carried out.

    Args:
        target: service and operation, as DynamoDB, KMS and SQS are told them; empty for S3.
    """

    method: str
    path: str
    target: str

    @property
    def may_change_messages(self) -> bool:
        return self.target.startswith(_SQS) or (not self.target and not self._is_reading)

    @property
    def may_change_settings(self) -> bool:
        if self.target:
            return self.target.rpartition(".")[2] not in _NO_SETTINGS
        # Of a bucket; an object's address has a slash in the middle.
        return not self._is_reading and "/" not in self.path.strip("/")

    @property
    def _is_reading(self) -> bool:
        return self.method in ("GET", "HEAD", "OPTIONS")


class Keeper:
    """Args:
    journal: where rows, messages and settings are kept.
    objects: the files of what is in the buckets.

    Attributes:
        trouble: why the last write did not work; None while all is kept.
    """

    def __init__(self, journal: Journal, objects: Objects) -> None:
        self.trouble: str | None = None
        self._journal = journal
        self._objects = objects
        self._lock = threading.Lock()
        self._touched: set[tuple[str, str, str, str, str]] = set()
        self._replaced: set[tuple[str, str, str]] = set()
        self._tokens: set[tuple[str, str, str]] = set()
        self._pending: dict[Name, bytes | None] = {}
        # What the journal has of settings, queues and messages, to write what differs.
        self._settings: dict[str, bytes] = {}
        self._queues: dict[str, bytes] = {}
        self._messages: dict[str, tuple[Any, ...]] = {}
        self._kept_tokens: set[str] = set()

    def restore(self) -> None:
        """Fills the emulator's services from the journal, and begins to watch them.

        Raises:
            JournalError: an entry is damaged.
        """
        settings: dict[str, Any] = {}
        rows: dict[tuple[str, str, str], dict[str, dict[str, Any]]] = defaultdict(lambda: defaultdict(dict))
        queues: dict[tuple[str, str, str], dict[str, Any]] = {}
        for kind, name, value in self._journal:
            if kind == _ROW:
                account, region, table, partition, sort = json.loads(name)
                rows[account, region, table][partition][sort] = json.loads(value)
            elif kind == _SETTINGS:
                settings[name] = json.loads(value, object_hook=persistence._json_object_hook)
                self._settings[name] = value
            elif kind == _QUEUE:
                account, region, queue = json.loads(name)
                queues[account, region, queue] = {**json.loads(value), "messages": []}
                self._queues[name] = value
            elif kind == _TOKEN:
                self._restore_token(name, value)
        self._restore_tables(settings, rows)
        self._restore_queues(queues)
        kms.load_persisted_state({store: settings[f"kms.{store}"] for store in _stores(settings, "kms")})
        s3.load_persisted_state({store: settings[f"s3.{store}"] for store in _stores(settings, "s3")})
        self._watch()

    def keep(self, request: Request) -> None:
        """Writes what has changed since the last time, before the answer to the request is sent.

        Raises:
            NotWritten: nothing was written, and will be tried again with the next. The objects of buckets that could
                not be written are named, too.
        """
        self._gather(request)
        try:
            if self._pending:
                # Of messages none is lost that matters: the sweep sends those of jobs again.
                is_durable = any(kind != _MESSAGE for kind, _ in self._pending)
                self._journal.write(self._pending, is_durable=is_durable)
                self._pending.clear()
            self.trouble = None
            if failed := self._objects.failed():
                raise NotWritten(failed)
        except NotWritten as error:
            self.trouble = str(error)
            raise

    def _gather(self, request: Request) -> None:
        with self._lock:
            touched, self._touched = self._touched, set()
            replaced, self._replaced = self._replaced, set()
            tokens, self._tokens = self._tokens, set()
        self._gather_rows(touched)
        for scope in replaced:
            self._gather_table(scope)
        if tokens:
            self._gather_tokens(tokens)
        if request.may_change_messages:
            self._gather_messages()
        if request.may_change_settings:
            self._gather_settings()

    def _gather_rows(self, touched: Iterable[tuple[str, str, str, str, str]]) -> None:
        for account, region, table, partition, sort in touched:
            found = dynamodb._tables.get_scoped(account, region, table)
            row = found["items"].get(partition, {}).get(sort) if found else None
            self._pending[_ROW, _name(account, region, table, partition, sort)] = None if row is None else _json(row)

    def _gather_table(self, scope: tuple[str, str, str]) -> None:
        """All rows of a table whose rows were exchanged, or that is gone."""
        for kind, name, _ in list(self._journal):
            if kind == _ROW and tuple(json.loads(name)[:3]) == scope:
                self._pending[_ROW, name] = None
        table = dynamodb._tables.get_scoped(*scope)
        rows = table["items"].items() if table else ()
        self._gather_rows((*scope, partition, sort) for partition, sorts in rows for sort in sorts)

    def _gather_tokens(self, tokens: Iterable[tuple[str, str, str]]) -> None:
        """Transactions that would not be carried out a second time, for ten minutes."""
        for token in tokens:
            entry = dynamodb._txn_idempotency.get_scoped(*token)
            if entry is not None:
                self._pending[_TOKEN, _name(*token)] = _json(entry)
                self._kept_tokens.add(_name(*token))
        live = dynamodb._txn_idempotency._data
        if len(self._kept_tokens) > 2 * len(live) + 100:
            gone = self._kept_tokens - {_name(*token) for token in live}
            self._pending.update({(_TOKEN, name): None for name in gone})
            self._kept_tokens -= gone

    def _gather_messages(self) -> None:
        found: dict[str, tuple[Any, ...]] = {}
        for (account, region, _), queue in sqs._queues.all_items():
            for message in queue["messages"]:
                name = _name(account, region, queue["name"], message["id"])
                state = (message["receipt_handle"], message["visible_at"], message["receive_count"])
                found[name] = state
                if self._messages.get(name) != state:
                    self._pending[_MESSAGE, name] = _json(message)
            if queue["is_fifo"]:
                self._gather_queue(account, region, queue)
        self._pending.update({(_MESSAGE, name): None for name in self._messages.keys() - found.keys()})
        self._messages = found

    def _gather_queue(self, account: str, region: str, queue: dict[str, Any]) -> str:
        name = _name(account, region, queue["name"])
        attributes = {key: value for key, value in queue["attributes"].items() if key not in _COUNTS}
        value = _json({**queue, "attributes": attributes, "messages": [], "url": ""})
        if self._queues.get(name) != value:
            self._pending[_QUEUE, name] = self._queues[name] = value
        return name

    def _gather_settings(self) -> None:
        queues = {self._gather_queue(account, region, queue) for (account, region, _), queue in sqs._queues.all_items()}
        for gone in self._queues.keys() - queues:
            self._pending[_QUEUE, gone] = None
            del self._queues[gone]
        found = {f"dynamodb.{store}": value for store, value in _settings_of_tables().items()}
        found |= {f"kms.{store}": value for store, value in kms.get_state().items()}
        found |= {f"s3.{store}": value for store, value in s3.get_state().items()}
        before = self._tables()
        for name, value in found.items():
            written = json.dumps(value, default=persistence._json_default).encode()
            if self._settings.get(name) != written:
                self._pending[_SETTINGS, name] = self._settings[name] = written
        for table in before - self._tables():
            self._gather_table(table)

    def _tables(self) -> set[tuple[str, str, str]]:
        kept = self._settings.get("dynamodb.tables")
        return set(json.loads(kept, object_hook=persistence._json_object_hook)._data) if kept else set()

    def _restore_tables(self, settings: dict[str, Any], rows: dict[tuple[str, str, str], Any]) -> None:
        data = {store: settings[f"dynamodb.{store}"] for store in _stores(settings, "dynamodb")}
        for scope, table in data.get("tables", AccountRegionScopedDict()).all_items():
            table["items"] = defaultdict(dict, rows.get(scope, {}))
            dynamodb._update_counts(table)
        dynamodb.load_persisted_state(data)

    def _restore_queues(self, queues: dict[tuple[str, str, str], dict[str, Any]]) -> None:
        """Brings messages back. Those in flight can be received at once: their receiver ended with the emulator."""
        now = time.time()
        for kind, name, value in self._journal:
            if kind != _MESSAGE:
                continue
            account, region, queue, _ = json.loads(name)
            message = json.loads(value)
            self._messages[name] = (message["receipt_handle"], message["visible_at"], message["receive_count"])
            if message["receive_count"]:
                message["visible_at"] = min(message["visible_at"], now)
            if (account, region, queue) in queues:
                queues[account, region, queue]["messages"].append(message)
        for (account, region, name), queue in queues.items():
            # The address has the port, which may be another one now.
            queue["url"] = sqs._queue_url_for_account(account, name)
            sqs._queues.set_scoped(account, region, queue["url"], queue)
            sqs._queue_name_to_url.set_scoped(account, region, name, queue["url"])

    def _restore_token(self, name: str, value: bytes) -> None:
        entry = json.loads(value)
        self._kept_tokens.add(name)
        if time.time() - entry["completed_at"] < dynamodb._TXN_TOKEN_TTL:
            dynamodb._txn_idempotency.set_scoped(*json.loads(name), entry)

    def _watch(self) -> None:
        """Has the emulator tell which rows and transactions change, and S3 tell queues before it answers."""
        set_item, remove_item = dynamodb._set_item, dynamodb._remove_item
        items_replaced, token_store = dynamodb._items_replaced, dynamodb._txn_token_store

        def set_and_tell(table: Any, partition: str, sort: str, item: Any) -> Any:
            self._touch((*_scope(table), partition, sort))
            return set_item(table, partition, sort, item)

        def remove_and_tell(table: Any, partition: str, sort: str) -> Any:
            removed = remove_item(table, partition, sort)
            self._touch((*_scope(table), partition, sort))
            return removed

        def replace_and_tell(table: Any) -> None:
            items_replaced(table)
            with self._lock:
                self._replaced.add(_scope(table))

        def store_and_tell(token: str, entry: Any) -> None:
            token_store(token, entry)
            with self._lock:
                self._tokens.add(dynamodb._txn_idempotency._scoped(token))

        dynamodb._set_item, dynamodb._remove_item = set_and_tell, remove_and_tell
        dynamodb._items_replaced, dynamodb._txn_token_store = replace_and_tell, store_and_tell
        s3._fire_s3_event_async = _fire_at_once

    def _touch(self, row: tuple[str, str, str, str, str]) -> None:
        with self._lock:
            self._touched.add(row)


def _fire_at_once(bucket: str, key: str, event: str, size: int = 0, etag: str = "", *given: Any, **more: Any) -> None:
    """Tells a bucket's queues before the request is answered, so that no file that was taken in goes unnoticed.

    ministack does it in another thread, after the answer.
    """
    if bucket in s3._bucket_notifications:
        s3._fire_s3_event(bucket, key, event, size, etag, *given, sequencer=s3._next_event_sequencer(event), **more)


def _settings_of_tables() -> dict[str, Any]:
    """What `dynamodb.get_state` has, without copying the rows."""
    tables = AccountRegionScopedDict()
    for scope, table in dynamodb._tables.all_items():
        tables.set_scoped(*scope, {key: value for key, value in table.items() if key not in _COUNTED})
    beside = {store: getattr(dynamodb, f"_{store}") for store in (*_OF_TABLE, *_OF_TABLES_BESIDE)}
    return {"tables": tables, **beside}


def _scope(table: Any) -> tuple[str, str, str]:
    """Account, region and name, of which the table itself has but its ARN."""
    _, _, _, region, account, resource = table["TableArn"].split(":", 5)
    return account, region, resource.removeprefix("table/")


def _stores(settings: dict[str, Any], service: str) -> list[str]:
    return [name.removeprefix(f"{service}.") for name in settings if name.startswith(f"{service}.")]


def _name(*parts: str) -> str:
    return json.dumps(parts, separators=(",", ":"))


def _json(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":")).encode()
