"""The loop as a whole: the conditions under which it runs, and the stages of an iteration."""
