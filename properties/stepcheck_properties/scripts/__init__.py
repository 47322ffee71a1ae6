"""Scripts on which laws are checked: plain, from zero, exact, on quadratics; and exact traces of some of them."""
