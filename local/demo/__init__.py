"""`make demo`: what a user does with Thaw, on this machine, while Glacier misbehaves; and whether it came out right.

Requests go to the real queue by boto3, events come from a queue behind a rule, outputs are fetched; only the
vaults' large archives are put there without an upload.
"""
