"""What is read of a subject, by operations bound before it was imported: numbers, states, and what it left changed."""
