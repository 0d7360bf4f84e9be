"""The result of a probe of CloudWatch Logs for programs: ``retryctl/probe/1``."""

from __future__ import annotations

from retryctl.core.probe_report import ProbeReport
from retryctl.views.json.doctor import diagnosis_object
from retryctl.views.json.encoding import document_text, fields_of

SCHEMA = "retryctl/probe/1"


def probe_document(report: ProbeReport) -> str:
    """One document without account numbers; ``passed`` is null where nothing could be tested."""
    document = {
        "schema": SCHEMA,
        **fields_of(report, "region passed"),
        "seconds": round(report.seconds, 1),
        "api_calls": report.calls,
        **fields_of(report, "bytes_written bytes_scanned"),
        "usd": round(report.usd, 6),
        "kept_groups": report.kept_groups,
        "assumptions": [diagnosis_object(diagnosis) for diagnosis in report.diagnoses],
    }
    return document_text(document)
