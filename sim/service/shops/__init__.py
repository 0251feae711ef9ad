"""Who sells and who stamps: vendors, brands, merchants, stores, and the stamps enrolled to them."""
