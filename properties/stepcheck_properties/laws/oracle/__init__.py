"""SC101 to SC104: every step is the rule's, within its running error bound."""
