"""RMSprop and ADADELTA."""
