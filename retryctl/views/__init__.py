"""A history or a summary as text, JSON and other forms. A view never fetches, computes or judges."""
