# The engine alone: no embedded broker, no tests, no compiler. `docker build -t streamwarden .`
# What is installed is what requirements/*.txt pin, by hash; `make lock` makes them.
FROM python:3.11 AS build
RUN python -m venv /opt/build && python -m venv /opt/warden
WORKDIR /src
COPY requirements requirements
RUN /opt/build/bin/pip install --no-cache-dir --only-binary=:all: --require-hashes -r requirements/build.txt \
 && /opt/warden/bin/pip install --no-cache-dir --only-binary=:all: --require-hashes -r requirements/runtime.txt
COPY pyproject.toml setup.py README.md LICENSE ./
COPY rules rules
COPY lab lab
COPY streams streams
RUN /opt/build/bin/pip wheel --no-cache-dir --no-deps --no-build-isolation --wheel-dir /wheels . \
 && /opt/warden/bin/pip install --no-cache-dir --no-deps --no-index /wheels/*.whl

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/warden warden
COPY --from=build /opt/warden /opt/warden
ENV PATH=/opt/warden/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    PYTHONDONTWRITEBYTECODE=1
WORKDIR /var/lib/warden
EXPOSE 6066
USER 10001
ENTRYPOINT ["warden"]
