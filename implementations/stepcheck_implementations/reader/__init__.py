"""The reader: runs a step of an optimizer and writes down, as plain data, the expression that each number is."""
