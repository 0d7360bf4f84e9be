"""The commands: arguments, calls, a view, an exit status."""
