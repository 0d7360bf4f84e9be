"""The reading of Lambda records: pure, standard library only, no I/O, no clock."""
