"""Output of commands: the terminal, live displays, results and report files."""
