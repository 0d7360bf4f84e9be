"""The order of lines of one millisecond, in saved logs that do not keep it."""
