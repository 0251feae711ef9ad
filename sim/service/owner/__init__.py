"""A shop owner's page: who came, when and where, in Korean and English, on a phone or a desk."""
