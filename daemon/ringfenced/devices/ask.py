"""One question to NVML after the other: an answer, or None."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Sequence
from typing import Any, Final

import pynvml

from ringfenced.devices.words import FAILURES, LASTING, PASSING

_FIELD_TYPES: Final = ("dVal", "uiVal", "ulVal", "ullVal", "sllVal", "siVal", "usVal")
"""nvmlValueType_t: which part of the union holds a field's value."""


def code_of(error: pynvml.NVMLError) -> int:
    """NVML's number of a failure."""
    return int(getattr(error, "value", 0))


class Ask:
    """Asks about one device, or about the library. Belongs to one thread.

    What the device says it does not support is not asked again as long as this object lives. After an answer that makes
    all others void (`FAILURES`), nothing is asked until `again`.
    """

    def __init__(self) -> None:
        """Know nothing yet."""
        self.failure = ""
        """What makes all answers void, a value of `FAILURES`; empty for nothing."""
        self.is_complete = True
        """Nothing failed, since `again`, for a reason that may pass."""
        self._unsupported: set[Hashable] = set()

    def again(self) -> None:
        """Begin a new sample."""
        self.failure = ""
        self.is_complete = True

    def __call__(self, call: Callable[..., Any], *arguments: Any, as_: Hashable = None) -> Any:
        """The answer to `call(*arguments)`; None where there is none.

        Args:
            call: a function of pynvml.
            arguments: what it takes.
            as_: what tells this question from others by the same call that may be supported where this one is not.
        """
        question = call.__name__, as_
        if self.failure or question in self._unsupported:
            return None
        try:
            return call(*arguments)
        except pynvml.NVMLError as error:
            self._note(code_of(error), question)
        except pynvml.NVMLLibraryMismatchError:
            self._unsupported.add(question)
        except ValueError:  # a name that is no UTF-8
            pass
        return None

    def fields(self, handle: Any, numbers: Sequence[int]) -> dict[int, int | float]:
        """Several field values at the price of one call; those that are not known are left out.

        Args:
            handle: the device.
            numbers: NVML_FI_DEV_*, whose scope is the whole device.
        """
        wanted = [number for number in numbers if ("field", number) not in self._unsupported]
        values = self(pynvml.nvmlDeviceGetFieldValues, handle, wanted) if wanted else None
        known: dict[int, int | float] = {}
        for number, value in zip(wanted, values or (), strict=False):
            if value.nvmlReturn:
                self._note(int(value.nvmlReturn), ("field", number))
            elif value.valueType < len(_FIELD_TYPES):
                known[number] = getattr(value.value, _FIELD_TYPES[value.valueType])
        return known

    def _note(self, code: int, question: Hashable) -> None:
        if code in FAILURES:
            self.failure = FAILURES[code]
        elif code in PASSING:
            self.is_complete = False
        elif code in LASTING:
            self._unsupported.add(question)
