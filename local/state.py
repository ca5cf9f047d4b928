"""What a deployment left in moto, and the way back to it without deploying again."""

from __future__ import annotations

from typing import Any

from moto.core.model_instances import reset_model_data
from moto.dynamodb.models import dynamodb_backends
from moto.events.models import events_backends
from moto.s3.models import s3_backends
from moto.sns.models import sns_backends
from moto.sqs.models import Queue, sqs_backends

from local.deploy import ACCOUNT_ID, REGION


class DeployedState:
    """Remembers which queues, topics, rules and buckets there are; `restore` empties them and removes all others."""

    def __init__(self) -> None:
        self._sqs = sqs_backends[ACCOUNT_ID][REGION]
        self._sns = sns_backends[ACCOUNT_ID][REGION]
        self._events = events_backends[ACCOUNT_ID][REGION]
        self._s3 = s3_backends[ACCOUNT_ID]["aws"]
        self._dynamodb = dynamodb_backends[ACCOUNT_ID][REGION]
        self._queues = dict(self._sqs.queues)
        self._topics = dict(self._sns.topics)
        self._subscriptions = dict(self._sns.subscriptions)
        self._buses = dict(self._events.event_buses)
        self._rules = {name: dict(bus.rules) for name, bus in self._buses.items()}
        self._keys = {name: set(bucket.keys) for name, bucket in self._s3.buckets.items()}

    def queues(self) -> list[Queue]:
        """Those of the deployment."""
        return list(self._queues.values())

    def queue(self, url_or_name: str) -> Queue:
        return self._sqs.queues[url_or_name.rpartition("/")[2]]

    def dead_letter_queues(self) -> list[Queue]:
        targets = {id(queue.dead_letter_queue) for queue in self._queues.values()}
        return [queue for queue in self._queues.values() if id(queue) in targets]

    def restore(self) -> None:
        reset_model_data()  # moto remembers every message and item there ever was
        self._restore_messages()
        for table in self._dynamodb.tables.values():
            table.items.clear()
            if table.stream_shard is not None:
                table.stream_shard.items.clear()
        for bucket, key in self._new_keys():
            del self._s3.buckets[bucket].keys[key]

    def new_keys(self) -> list[str]:
        """The keys of the objects that were put since."""
        return [key for _, key in self._new_keys()]

    def _new_keys(self) -> list[tuple[str, str]]:
        return [
            (bucket, key) for bucket, kept in self._keys.items() for key in set(self._s3.buckets[bucket].keys) - kept
        ]

    def _restore_messages(self) -> None:
        _set(self._sqs.queues, self._queues)
        for queue in self._queues.values():
            queue._messages.clear()
            queue._pending_messages.clear()
            queue.__dict__.pop("_delayed_until", None)
            queue.deleted_messages.clear()
        _set(self._sns.topics, self._topics)
        _set(self._sns.subscriptions, self._subscriptions)
        for topic in self._topics.values():
            topic.sent_notifications.clear()
        _set(self._events.event_buses, self._buses)
        for name, rules in self._rules.items():
            _set(self._buses[name].rules, rules)


def _set(mapping: dict[Any, Any], content: dict[Any, Any]) -> None:
    mapping.clear()
    mapping.update(content)
