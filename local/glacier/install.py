"""Puts the Glacier that behaves in the place of moto's."""

from __future__ import annotations

from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import moto.glacier
import moto.glacier.models
from moto.core.base_backend import BackendDict, BaseBackend
from moto.core.exceptions import ServiceException
from moto.sns.models import sns_backends

from local.glacier.responses import GlacierResponse
from local.glacier.service import GlacierService
from local.glacier.settings import Settings

_URLS = SimpleNamespace(
    url_bases=[r"https?://glacier\.(.+)\.amazonaws.com"],
    url_paths={"{0}/(?P<path>.+)$": GlacierResponse.dispatch},
)
_MOTOS_OWN = moto.glacier.models.glacier_backends


class GlacierBackend(BaseBackend):
    """What moto asks for: where the service answers, and a reset. The state itself is the service's."""

    def reset(self) -> None:
        service().reset()

    @property
    def _url_module(self) -> Any:
        return _URLS


_backends = BackendDict(GlacierBackend, "glacier")


def install(settings: Settings | None = None) -> GlacierService:
    """The service, in moto's place from now on; with new settings if there are any, and nothing in it.

    To be called before `mock_aws()` starts, or moto's server is asked for Glacier for the first time. Calling
    it again is harmless, and gives the same service.
    """
    running = service()
    if settings is not None:
        running.settings = settings
    running.reset()
    _backends.clear()
    _set_backends(_backends)
    return running


def uninstall() -> None:
    """Gives moto its own Glacier back."""
    _set_backends(_MOTOS_OWN)


def service() -> GlacierService:
    """The one service of this process; the same whether it is installed or not."""
    return GlacierResponse.service


def _set_backends(backends: Any) -> None:
    # moto looks its backends up by this name each time
    vars(moto.glacier)["glacier_backends"] = backends


def _publish_to_sns(topic_arn: str, message: str) -> None:
    """As the service principal: no policy is asked. A topic or a subscriber that is not there is silence."""
    _, _, _, region, account_id, _ = topic_arn.split(":", 5)
    backends = sns_backends[account_id]
    if region in backends and topic_arn in backends[region].topics:
        with suppress(ServiceException):
            backends[region].publish(message, arn=topic_arn)


GlacierResponse.service = GlacierService(Settings(), _publish_to_sns)
