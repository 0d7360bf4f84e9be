"""What commands print: the terminal, live displays, answers and report files."""
