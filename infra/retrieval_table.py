"""The one table: requests, retrievals and what top_up remembers."""

import aws_cdk as cdk
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

DUE_INDEX = "due"


class RetrievalTable(Construct):
    def __init__(self, scope: Construct, construct_id: str) -> None:
        super().__init__(scope, construct_id)
        # Encrypted with DynamoDB's own key, as every table is: a key of the customer's would cost
        # a request fee on each write and give every role a second thing to be allowed.
        self.table = dynamodb.Table(
            self,
            "Table",
            partition_key=dynamodb.Attribute(name="id", type=dynamodb.AttributeType.STRING),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            stream=dynamodb.StreamViewType.NEW_AND_OLD_IMAGES,
            time_to_live_attribute="expiresAt",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=True,
            removal_policy=cdk.RemovalPolicy.RETAIN,
        )
        # Sparse: only what someone must look at again has these attributes. Keys alone, since whoever
        # acts on what the index shows reads the record first: the index may be behind.
        self.table.add_global_secondary_index(
            index_name=DUE_INDEX,
            partition_key=dynamodb.Attribute(name="dueIn", type=dynamodb.AttributeType.STRING),
            sort_key=dynamodb.Attribute(name="dueAt", type=dynamodb.AttributeType.NUMBER),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

    @property
    def stream_arn(self) -> str:
        arn = self.table.table_stream_arn
        assert arn is not None  # the table above has a stream
        return arn

    @property
    def due_index_arn(self) -> str:
        return f"{self.table.table_arn}/index/{DUE_INDEX}"
