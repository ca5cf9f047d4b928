"""A queue that a function works on, and where a message ends that it can't work on."""

import aws_cdk as cdk
from aws_cdk import aws_sqs as sqs
from constructs import Construct

# Of the functions that work on them.
TIME_OUT_SECONDS = 60
# SQS's longest: whoever is to see to a dead letter may be on holiday.
RETENTION = cdk.Duration.days(14)
# As Lambda advises, so that a batch that is retried inside Lambda is not delivered twice at once.
VISIBILITY_TIME_OUT = cdk.Duration.seconds(6 * TIME_OUT_SECONDS)
MAX_RECEIVE_COUNT = 5


class WorkQueue(Construct):
    """`queue` and `dead_letters`, named after the stack: Thaw-requests, Thaw-requests-dead-letters."""

    def __init__(self, scope: Construct, construct_id: str, *, name: str) -> None:
        super().__init__(scope, construct_id)
        stack = cdk.Stack.of(self)
        queue_name = f"{stack.stack_name}-{name}"
        # By its name: each of the two queues would otherwise wait for the other's creation.
        source = sqs.Queue.from_queue_arn(self, "Source", stack.format_arn(service="sqs", resource=queue_name))
        self.dead_letters = sqs.Queue(
            self,
            "DeadLetters",
            queue_name=f"{queue_name}-dead-letters",
            retention_period=RETENTION,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            redrive_allow_policy=sqs.RedriveAllowPolicy(source_queues=[source]),
        )
        self.queue = sqs.Queue(
            self,
            "Queue",
            queue_name=queue_name,
            visibility_timeout=VISIBILITY_TIME_OUT,
            retention_period=RETENTION,
            encryption=sqs.QueueEncryption.SQS_MANAGED,
            enforce_ssl=True,
            dead_letter_queue=sqs.DeadLetterQueue(queue=self.dead_letters, max_receive_count=MAX_RECEIVE_COUNT),
        )
