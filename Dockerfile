# Not root, no AWS keys inside: pass them with -e or mount ~/.aws read-only.
#   docker build -t retryctl . && docker run --rm --network none retryctl demo
FROM python:3.13-alpine AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY retryctl ./retryctl
RUN python -m venv /opt/retryctl \
    && /opt/retryctl/bin/pip install --no-cache-dir --no-compile . \
    && /opt/retryctl/bin/pip uninstall --yes pip

FROM python:3.13-alpine
COPY --from=build /opt/retryctl /opt/retryctl
RUN adduser -D -u 10001 retryctl
USER retryctl
WORKDIR /data
ENTRYPOINT ["/opt/retryctl/bin/retryctl"]
