"""The researcher's site: its addresses, its start page, and what each person sets for themselves."""
