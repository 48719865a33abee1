import os

# numpy's own threads: the site works on many small matrices, over which they only wait for one another.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
