"""Requests come in and become jobs."""

import aws_cdk as cdk
from aws_cdk import aws_lambda as lambda_
from aws_cdk import aws_sns as sns
from constructs import Construct

from infra.function import ThawFunction
from infra.platform import Platform
from infra.work_queue import WorkQueue


class JobStart(Construct):
    """`initiate`, woken by users' requests and by retrievals whose wait is over."""

    def __init__(
        self,
        scope: Construct,
        construct_id: str,
        *,
        platform: Platform,
        requests: WorkQueue,
        resumes: WorkQueue,
        topic: sns.ITopic,
    ) -> None:
        super().__init__(scope, construct_id)
        self.initiate = ThawFunction(
            self,
            "Initiate",
            name="initiate",
            description="Takes requests in and starts Glacier's jobs",
            platform=platform,
            environment={
                "TABLE_NAME": platform.retrievals.table.table_name,
                "RESUME_QUEUE_URL": platform.resume_queue.queue_url,
                "NOTIFICATION_TOPIC_ARN": topic.topic_arn,
                "ACCOUNT_ID": cdk.Aws.ACCOUNT_ID,
                "VAULTS": cdk.Stack.of(self).to_json_string(list(platform.vault_arns)),
            },
            # It puts a retrieval that must wait on the queue that wakes it. Lambda takes such a loop for
            # a mistake and ends it on its 17th turn; here the number of attempts and the delays end it.
            recursive_loop=lambda_.RecursiveLoop.ALLOW,
        )
        self.initiate.work_on("Requests", requests)
        self.initiate.work_on("Resumes", resumes)
