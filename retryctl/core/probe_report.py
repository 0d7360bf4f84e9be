"""What a probe of CloudWatch Logs found out."""

from __future__ import annotations

from retryctl.core.doctor.result import Diagnosis, overall
from retryctl.core.value_classes import value_class


@value_class
class ProbeReport:
    """One diagnosis for each assumption: ``passed`` is ``None`` where it could not be tested.

    ``bytes_written`` and ``bytes_scanned`` are what the service charges for, ``usd`` their price
    in us-east-1. ``kept_groups`` are log groups of a probe, this one or an earlier one, that were
    not deleted.
    """

    region: str
    diagnoses: tuple[Diagnosis, ...]
    seconds: float
    calls: int
    bytes_written: int
    bytes_scanned: float
    usd: float
    kept_groups: tuple[str, ...] = ()

    @property
    def passed(self) -> bool | None:
        """False where an assumption is wrong, else ``None`` where one was not tested."""
        return overall(self.diagnoses)
