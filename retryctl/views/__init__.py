"""A history or a summary as text, JSON and more. A view never fetches, computes or judges."""
