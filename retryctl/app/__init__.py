"""The use cases of retryctl as plain functions: its Python API."""
