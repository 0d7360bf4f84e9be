"""Log events from saved logs."""
