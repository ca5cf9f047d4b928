"""A Glacier that behaves like the real one, in the place of moto's.

service = install()                        before mock_aws() starts
service.next_event_at(), service.advance() whoever keeps the clock lets jobs complete
service.faults, service.ledger             what goes wrong on purpose, what has been served
"""

from local.glacier.install import install, service, uninstall
from local.glacier.service import GlacierService
from local.glacier.settings import Settings

__all__ = ["GlacierService", "Settings", "install", "service", "uninstall"]
