"""Generations: the loop from ratings to a new model, and to a campaign that says whether people prefer it."""
