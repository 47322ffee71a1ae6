"""Operations: for each function of torch that is read, the expression that it computes of its arguments."""
