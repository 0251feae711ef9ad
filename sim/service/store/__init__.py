"""The service's database: connection, transactions, what may only be appended."""
