"""Every law, in the order reports list them."""
