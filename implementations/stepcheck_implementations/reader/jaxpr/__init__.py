"""JAX in the reader: what a transformation's jaxpr computes, as the expressions that a run would have shown."""
