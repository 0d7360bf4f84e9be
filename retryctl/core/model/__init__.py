"""The data that every layer shares: frozen, with units."""
