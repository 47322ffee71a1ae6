"""Workers: the processes that run subjects, and the protocol spoken with them."""
