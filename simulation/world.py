"""The embedded AWS, made ready for run after run."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from moto.dynamodb.models import dynamodb_backends

from local import garbage
from local.calls import Call, Caller
from local.cloud import Cloud
from local.deploy import ACCOUNT_ID, REGION
from local.environments import FunctionConfig
from local.stock import Stock
from simulation.history import History
from simulation.idle import Idle
from simulation.workload import FOREIGN_ACCOUNT, FOREIGN_VAULT, SOMEONE_ELSES, VAULT, Archive, Step, Workload
from thaw import bounds

SETTINGS = {"maxUnits": 2, "vaults": ["*", f"arn:aws:glacier:{REGION}:{FOREIGN_ACCOUNT}:vaults/*"]}
_NEVER_IDLE_SECONDS = 1e9


@dataclass
class World:
    """One deployment for all runs of a process."""

    cloud: Cloud
    stock: Stock
    configs: dict[str, FunctionConfig]
    refusal: Callable[[Call, Caller], str | None]
    """Why a function's role does not allow a call, or None."""
    skew_seconds: float = bounds.CLOCK_SKEW_SECONDS
    """The most that any function's clock is ahead."""

    @classmethod
    @contextmanager
    def deployed(cls, assembly: Path | None = None, stock: Stock | None = None) -> Iterator[World]:
        """
        Args:
            assembly: a cdk.out folder to deploy in place of the app.
            stock: loaded code of the functions, from an earlier deployment.
        """
        stock = stock or Stock()
        with Cloud(settings=SETTINGS, assembly=assembly, stock=stock) as cloud:
            cloud.functions.idle_seconds = _NEVER_IDLE_SECONDS
            garbage.begin_to_look()
            yield cls(cloud, stock, dict(cloud.functions.configs), cloud.calls.refusal)

    def prepared(self, seed: int, workload: Workload) -> History:
        """Back to when all had just been deployed, with what the workload needs; what happens from now on."""
        cloud = self.cloud
        cloud.calls.strike = None
        cloud.reset(seed)
        cloud.functions.concurrency = workload.concurrency
        self._configure(workload)
        self._behave(workload)
        (table,) = dynamodb_backends[ACCOUNT_ID][REGION].tables.values()
        history = History(cloud.clock, cloud.calls, table)
        cloud.on_change = history.on_change
        idle = Idle(cloud, history, self.skew_seconds)
        for schedule in cloud.wiring.schedules:
            schedule.skips = lambda arn: not workload.every_tick and idle(arn)
        return history

    def _configure(self, workload: Workload) -> None:
        """The settings that top_up finds in its environment; its role allows what the largest of them needs."""
        variables = {
            "MAX_UNITS": str(workload.max_units),
            "DRAIN_WITHIN_SECONDS": str(workload.drain_within_minutes * 60),
            "TRY_BEYOND_GUARANTEE": str(workload.try_beyond_guarantee).lower(),
        }
        for name, config in self.configs.items():
            assert config.label != "top_up" or variables.keys() <= config.variables.keys()
            mine = {**config.variables, **variables} if config.label == "top_up" else config.variables
            self.cloud.functions.configs[name] = replace(config, variables=mine)

    def _behave(self, workload: Workload) -> None:
        glacier = self.cloud.glacier.settings
        glacier.inventories = "always"
        glacier.listing_lag_seconds = 0.0
        glacier.on_demand_room = workload.on_demand_room
        glacier.beyond_guarantee = "served" if workload.beyond_guarantee_served else "rejected"
        glacier.newest_jobs_first = workload.newest_jobs_first
        glacier.jobs_per_page = workload.jobs_per_page
        glacier.marker_repeats = workload.marker_repeats

    def furnish(self, workload: Workload) -> None:
        """Vaults and archives. Once Glacier's faults are in place."""
        glacier, client = self.cloud.glacier, self.cloud.client("glacier")
        client.create_vault(accountId="-", vaultName=VAULT)
        glacier.call("CreateVault", FOREIGN_ACCOUNT, REGION, {"accountId": "-", "vaultName": FOREIGN_VAULT})
        policy = {"Policy": json.dumps(_shared_with_us())}
        given = {"accountId": "-", "vaultName": FOREIGN_VAULT, "policy": policy}
        glacier.call("SetVaultAccessPolicy", FOREIGN_ACCOUNT, REGION, given)
        for number, archive in enumerate(workload.archives[:-1]):
            self._put(VAULT, ACCOUNT_ID, number, archive)
        self._put(FOREIGN_VAULT, FOREIGN_ACCOUNT, 0, workload.archives[0])
        if workload.vault_notifies:
            config = {
                "SNSTopic": self.cloud.outputs["NotificationTopicArn"],
                "Events": ["ArchiveRetrievalCompleted", "InventoryRetrievalCompleted"],
            }
            client.set_vault_notifications(accountId="-", vaultName=VAULT, vaultNotificationConfig=config)

    def _put(self, vault: str, account_id: str, number: int, archive: Archive) -> None:
        self.cloud.glacier.put_synthetic_archive(
            vault, archive.size_mib * 2**20, number, account_id=account_id, archive_id=archive.id
        )

    def perform(self, step: Step) -> str | None:
        """Does what a user does; returns the id of the message that was sent, if one was."""
        client = self.cloud.client("glacier")
        match step.what:
            case "send":
                url = self.cloud.outputs["RequestQueueUrl"]
                sent = self.cloud.client("sqs").send_message(QueueUrl=url, MessageBody=step.body)
                return str(sent["MessageId"])
            case "buy":
                if len(self.cloud.glacier.account().valid_units()) < 2:
                    client.purchase_provisioned_capacity(accountId="-")
            case "start":
                job = {"Type": "archive-retrieval", "ArchiveId": step.body, "Tier": "Bulk"}
                job |= {"Description": SOMEONE_ELSES, "SNSTopic": self.cloud.outputs["NotificationTopicArn"]}
                with suppress(client.exceptions.ResourceNotFoundException):
                    client.initiate_job(accountId="-", vaultName=VAULT, jobParameters=job)
            case "delete":
                with suppress(client.exceptions.ResourceNotFoundException):
                    client.delete_archive(accountId="-", vaultName=VAULT, archiveId=step.body)
        return None

    def use_code(self, code: Path) -> None:
        """From the next run on the functions are those of this folder."""
        self.configs = {name: replace(config, code=code) for name, config in self.configs.items()}
        self.stock.clear()

    @property
    def code(self) -> Path:
        """The folder of the functions' code."""
        return next(iter(self.configs.values())).code


def _shared_with_us() -> dict[str, object]:
    actions = [f"glacier:{name}" for name in ("InitiateJob", "DescribeJob", "ListJobs", "GetJobOutput")]
    statement = {
        "Effect": "Allow",
        "Principal": {"AWS": f"arn:aws:iam::{ACCOUNT_ID}:root"},
        "Action": actions,
        "Resource": f"arn:aws:glacier:{REGION}:{FOREIGN_ACCOUNT}:vaults/{FOREIGN_VAULT}",
    }
    return {"Version": "2012-10-17", "Statement": [statement]}
