"""How many stamps of a lot are drawn: sampling plans, switching rules, history."""
