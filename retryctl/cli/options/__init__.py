"""The options that commands share: declared once, and read from what was typed."""
