"""A small synthetic set in VIST's layout: albums, drawn pictures, captions and story sentences.

Nobody took these pictures and nobody lived these days. The sentences are put together from the forms in `outings`, so
that a story sentence fits its caption and a small model can learn to look at it.
"""
