"""Hung calls that time out after a moment, while every other call has its whole time.

A short read timeout would break off good calls too, on a machine that is slow for a moment.
"""

from __future__ import annotations

import http.client

import pytest

from tests.endpoint.faults import HUNG_HEADER


def install(monkeypatch: pytest.MonkeyPatch) -> None:
    """Raise a timeout for each answer of the endpoint that stands for a hang (``hang_s``)."""
    get_response = http.client.HTTPConnection.getresponse

    def timed_out(connection: http.client.HTTPConnection) -> http.client.HTTPResponse:
        response = get_response(connection)
        if HUNG_HEADER in response.headers:
            response.close()
            raise TimeoutError("timed out")
        return response

    monkeypatch.setattr(http.client.HTTPConnection, "getresponse", timed_out)
