"""Where log events come from. A source never judges what it reads."""
