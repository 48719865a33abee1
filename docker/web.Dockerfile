# The site, the migrations and the sweeper: everything but torch. Build from the repository's root:
#   docker build --file docker/web.Dockerfile --tag storyblender-web .
FROM python:3.11-slim

ENV PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 storyblender \
    && install --directory --owner storyblender /srv/storyblender \
    && install --directory --owner storyblender --mode 0700 /var/lib/storyblender
WORKDIR /srv/storyblender

# What WeasyPrint draws a report's PDF with.
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0 fonts-dejavu-core \
    && rm -rf /var/lib/apt/lists/*

# The dependencies change seldom, the code often: two layers.
COPY pyproject.toml constraints.txt README.md LICENSE ./
RUN pip install --constraint constraints.txt .
COPY manage.py ./
COPY annotations annotations
COPY docs docs
COPY modeling modeling
COPY samples samples
COPY storyblender_site storyblender_site
COPY texts texts
COPY workers workers

ENV PRODUCTION=1 ACCESS_LOG=1 VAR_DIR=/var/lib/storyblender STATIC_ROOT=/srv/storyblender/static
RUN PRODUCTION=0 VAR_DIR=/tmp/build python manage.py collectstatic --noinput --verbosity 0 && rm -r /tmp/build
USER 10001
VOLUME /var/lib/storyblender
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=4)"]
CMD ["python", "manage.py", "serve", "--host", "0.0.0.0"]
