"""Log events from CloudWatch Logs."""
