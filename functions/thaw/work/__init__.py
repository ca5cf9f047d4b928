"""What the five functions do: the rules applied through the edges."""
