"""The test bench: sources, plans, runs, records, statistics, reports and the command line."""
