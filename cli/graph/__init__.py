"""Pictures of stacks: what is inside what, and what talks to what, from what the program registers."""
