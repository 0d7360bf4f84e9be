# A small image that runs retryctl as an ordinary user:
#   docker build -t retryctl .
#   docker run --rm retryctl demo
#   docker run --rm -v "$PWD:/logs:ro" retryctl trace --from log.json
FROM python:3.13-alpine AS build
WORKDIR /src
COPY pyproject.toml README.md LICENSE ./
COPY retryctl retryctl
RUN pip install --no-cache-dir --prefix=/install . \
    # botocore's models of other services are most of its size
    && cd /install/lib/python3.13/site-packages/botocore/data \
    && ls | grep -vxE '.*[.]json|logs|lambda|sts|sso|sso-oidc|signin|dynamodb|s3|sqs|sns|events' \
    | xargs rm -rf

FROM python:3.13-alpine
COPY --from=build /install /usr/local
RUN adduser -D -H retryctl
USER retryctl
WORKDIR /logs
ENTRYPOINT ["retryctl"]
CMD ["--help"]
