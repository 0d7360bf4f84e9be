"""A strict CloudWatch Logs endpoint over HTTP on loopback, for the tests and the benchmarks."""
