"""SC301 to SC310: invariants that SymPy proves of a rule, and that an arithmetic preserves."""
