"""Reports of guard: the result of a check as text, Markdown and JSON, releases side by side, and a bisection."""
