"""References: rules that a request brings, read from the code of a reference or defined in a file of the user's."""
