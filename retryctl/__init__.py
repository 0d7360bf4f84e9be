"""retryctl: what happened on each attempt of a retried AWS Lambda event."""

__version__ = "0.1.0"
