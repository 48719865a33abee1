"""`python -m samples FOLDER` writes the synthetic set."""

import argparse
from pathlib import Path

from samples.generate import generate

parser = argparse.ArgumentParser(prog="python -m samples", description="Write the synthetic set in VIST's layout.")
parser.add_argument("folder", type=Path)
parser.add_argument("--seed", type=int, default=1)
arguments = parser.parse_args()
for split, files in generate(arguments.folder, seed=arguments.seed).items():
    print(split, *files.values())
