"""The checks of a function's configuration for programs: ``retryctl/doctor/1``."""

from __future__ import annotations

from retryctl.core.doctor.result import Diagnosis, DoctorReport
from retryctl.views.json.encoding import document_text, fields_of

SCHEMA = "retryctl/doctor/1"


def doctor_document(report: DoctorReport) -> str:
    """One document with every check; ``passed`` is null where a check could not be made."""
    document = {
        "schema": SCHEMA,
        **fields_of(report, "function passed"),
        "checks": [diagnosis_object(diagnosis) for diagnosis in report.diagnoses],
    }
    return document_text(document)


def diagnosis_object(diagnosis: Diagnosis) -> dict[str, object]:
    """Return one check."""
    return {**fields_of(diagnosis, "name passed evidence"), "remedy": diagnosis.remedy or None}
