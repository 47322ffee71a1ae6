"""SC201 to SC218: contracts that every optimizer owes its user."""
