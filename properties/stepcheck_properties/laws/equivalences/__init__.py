"""SC4xx and SC5xx: special cases and first steps in closed form."""
