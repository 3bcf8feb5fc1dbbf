# Build: docker build -t oms-bot .    Run: docker run -p 8080:8080 -v oms-bot:/app/data -e OMSBOT_DATA_KEYS=… oms-bot
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv .venv
COPY requirements.lock ./
RUN .venv/bin/pip install --no-cache-dir --require-hashes -r requirements.lock

FROM python:3.11-slim
RUN useradd --system --uid 10001 --home-dir /app oms-bot
WORKDIR /app
COPY --from=build /app/.venv .venv
COPY bot bot
COPY content content
COPY migrations migrations
RUN install -d -o oms-bot -g oms-bot -m 700 data
USER oms-bot
ENV OMSBOT_HOST=0.0.0.0 OMSBOT_LOG_FORMAT=json PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1
EXPOSE 8080
VOLUME /app/data
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s \
  CMD [".venv/bin/python", "-c", "import urllib.request as u; u.urlopen('http://127.0.0.1:8080/health/ready', timeout=2)"]
CMD [".venv/bin/python", "-m", "bot", "serve"]
