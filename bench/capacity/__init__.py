"""Which family can be shipped on a phone: predicted and simulated error rates, enrolment of new stamps."""
