"""SC201 to SC218: contracts between an optimizer and its user, about calls and arguments, tensors and numbers."""
