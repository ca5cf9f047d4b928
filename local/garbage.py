"""When Python looks for garbage: not among what is loaded, which stays, and not as often as it would."""

import gc

_OBJECTS_AND_TIMES = (50_000, 20, 20)
"""So many new objects, and times of the younger generations."""


def begin_to_look() -> None:
    """From now on, and not among what is there: to look through that again and again takes a tenth of a run's time, and
    through what is new, as often as Python does, another. Who loads much has `gc` disabled meanwhile."""
    gc.freeze()
    gc.set_threshold(*_OBJECTS_AND_TIMES)
    gc.enable()
