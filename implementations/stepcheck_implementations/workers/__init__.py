"""Workers: the processes that run subjects, the pool that keeps them, and the protocol spoken with them."""
