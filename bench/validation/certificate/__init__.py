"""The certificate of a lot: its contents, seal, check and pages."""
