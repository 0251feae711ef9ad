"""NTAG 424 DNA: a tag in software, the reader that personalises it, and the verifier of what it says."""
