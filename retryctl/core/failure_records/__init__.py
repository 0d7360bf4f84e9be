"""Records of events that Lambda gave up on, and how they compare with the log."""
