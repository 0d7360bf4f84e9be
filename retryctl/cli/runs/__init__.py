"""What a command does once its options are read. A module is imported when its command runs."""
