"""Trial plans: plans that name a scenario. They are read, run, recorded and reported here."""
