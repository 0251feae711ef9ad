"""Loyalty: a ledger that is the balance, stamp cards, coupons, mileage, redemption in two phases."""
