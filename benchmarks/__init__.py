"""One script a figure: `python -m benchmarks.NAME`. Each prints a table and, last, one JSON line.

Times are CPU seconds. Peers run beside ours in the same call.
"""
