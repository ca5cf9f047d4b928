"""No attempt is repeated without a pause: a refused call costs little, a thousand of them do not."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass, field

from local.calls import Call
from simulation.promises.violation import Promise, Violation
from thaw.description import Tag

_WITHIN_MS = 10 * 60 * 1000
_AT_MOST = 12
"""Of one retrieval: the shortest wait after a refusal is half a minute, and each is longer than the one before."""


@dataclass
class Pauses:
    """Looks at each call as it is made."""

    _newest: dict[str, deque[int]] = field(default_factory=lambda: defaultdict(lambda: deque(maxlen=_AT_MOST)))
    """By retrieval: when its jobs were asked for last."""

    def of_call(self, call: Call) -> Iterator[Violation]:
        if call.operation != "InitiateJob":
            return
        tag = Tag.read(call.params["jobParameters"].get("Description"))
        times = self._newest[tag.retrieval_id if tag else ""]
        times.append(call.at_ms)
        if tag and len(times) == _AT_MOST and times[-1] - times[0] < _WITHIN_MS:
            what = f"{tag.retrieval_id} was tried {_AT_MOST} times in {(times[-1] - times[0]) / 1000:.0f} s"
            yield Violation(Promise.PAUSES, what)
