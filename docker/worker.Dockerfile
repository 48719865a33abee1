# A worker: trains, decodes, scores and imports. Build from the repository's root:
#   docker build --file docker/worker.Dockerfile --tag storyblender-worker .
# By default pip finds the build of torch for NVIDIA GPUs, which runs on CPUs as well. For a much smaller image that runs
# on CPUs alone, name the address of PyTorch's CPU index:
#   docker build … --build-arg TORCH_INDEX_URL=ADDRESS
FROM python:3.11-slim

ARG TORCH_INDEX_URL=""
ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 storyblender \
    && install --directory --owner storyblender /srv/storyblender \
    && install --directory --owner storyblender --mode 0700 /var/lib/storyblender
WORKDIR /srv/storyblender

COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --constraint constraints.txt ${TORCH_INDEX_URL:+--index-url "$TORCH_INDEX_URL"} torch \
    && pip install --constraint constraints.txt '.[worker,ct2]'
COPY manage.py ./
COPY annotations annotations
COPY modeling modeling
COPY samples samples
COPY storyblender_site storyblender_site
COPY texts texts
COPY workers workers

ENV PRODUCTION=1 VAR_DIR=/var/lib/storyblender STATIC_ROOT=/tmp/static QUEUES=cpu
USER 10001
VOLUME /var/lib/storyblender
HEALTHCHECK --interval=30s --timeout=20s --start-period=60s CMD ["python", "manage.py", "listening"]
# Solo: one run at a time in the worker's own process. A stopping worker puts its run back in the queue.
CMD ["sh", "-c", "exec celery -A storyblender_site worker --pool solo --queues \"$QUEUES\" --loglevel WARNING --without-mingle"]
