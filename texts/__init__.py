"""What a text is, wherever it is shown, scored or learned from. Pure Python: no Django, no torch."""
