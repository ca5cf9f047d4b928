"""DynamoDB Local, AWS's own engine, in the place of moto's DynamoDB.

`python -m local.dynamodb_local COMMAND …` runs a command with it; see docs/dynamodb-local.md.
"""
