# The engine alone: no embedded broker, no tests, no compiler. `docker build -t streamwarden .`
FROM python:3.11 AS build
RUN python -m venv /opt/warden
WORKDIR /src
COPY pyproject.toml setup.py README.md LICENSE ./
COPY rules rules
COPY lab lab
COPY streams streams
RUN /opt/warden/bin/pip install --no-cache-dir .

FROM python:3.11-slim
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/warden warden
COPY --from=build /opt/warden /opt/warden
ENV PATH=/opt/warden/bin:$PATH \
    PYTHONUNBUFFERED=1
WORKDIR /var/lib/warden
EXPOSE 6066
USER warden
ENTRYPOINT ["warden"]
