"""The formula: which rule the code of a target computes, as read from it, beside what its runs show."""
