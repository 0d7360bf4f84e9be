"""Log events to records."""
