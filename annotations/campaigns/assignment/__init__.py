"""Who rates what next, and in which order they see it. Pure and seeded: plain values in, plain values out."""
