"""The loop as a whole: what may run now, and what one turn of it does."""
