"""The work of a command after its options are read. A module is imported when its command runs."""
