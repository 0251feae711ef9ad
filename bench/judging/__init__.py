"""What is measured of presses, and how it is judged: rates, intervals, sequential tests, comparisons."""
