"""Glacier's operations by name: each takes the account meant and the call's input, and gives its output.

Input and output are by botocore's names of the members, headers and body alike; a None is a null on the wire.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from local.glacier.account import Account
from local.glacier.operations import archives, capacity, jobs, multipart, vault_policies, vaults

Operation = Callable[[Account, Mapping[str, Any]], dict[str, Any]]

OPERATIONS: dict[str, Operation] = {
    "AbortMultipartUpload": multipart.abort,
    "AbortVaultLock": vault_policies.abort_lock,
    "AddTagsToVault": vaults.add_tags,
    "CompleteMultipartUpload": multipart.complete,
    "CompleteVaultLock": vault_policies.complete_lock,
    "CreateVault": vaults.create,
    "DeleteArchive": archives.delete,
    "DeleteVault": vaults.delete,
    "DeleteVaultAccessPolicy": vault_policies.delete_access,
    "DeleteVaultNotifications": vaults.delete_notifications,
    "DescribeJob": jobs.describe,
    "DescribeVault": vaults.describe,
    "GetDataRetrievalPolicy": capacity.get_retrieval_policy,
    "GetJobOutput": jobs.get_output,
    "GetVaultAccessPolicy": vault_policies.get_access,
    "GetVaultLock": vault_policies.get_lock,
    "GetVaultNotifications": vaults.get_notifications,
    "InitiateJob": jobs.initiate,
    "InitiateMultipartUpload": multipart.initiate,
    "InitiateVaultLock": vault_policies.initiate_lock,
    "ListJobs": jobs.list_jobs,
    "ListMultipartUploads": multipart.list_uploads,
    "ListParts": multipart.list_parts,
    "ListProvisionedCapacity": capacity.list_units,
    "ListTagsForVault": vaults.list_tags,
    "ListVaults": vaults.list_vaults,
    "PurchaseProvisionedCapacity": capacity.purchase_unit,
    "RemoveTagsFromVault": vaults.remove_tags,
    "SetDataRetrievalPolicy": capacity.set_retrieval_policy,
    "SetVaultAccessPolicy": vault_policies.set_access,
    "SetVaultNotifications": vaults.set_notifications,
    "UploadArchive": archives.upload,
    "UploadMultipartPart": multipart.upload_part,
}
