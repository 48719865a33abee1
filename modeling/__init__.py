"""Caption-to-story models: train, decode, score. Plain PyTorch; the package root and `config` import no torch."""
