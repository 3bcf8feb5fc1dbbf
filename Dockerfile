# Build: docker build -t oms-bot .    Run: docker run -p 8080:8080 -v oms-bot:/app/data -e OMSBOT_DATA_KEYS=… oms-bot
# Inside: docker exec … oms-bot requests list
FROM python:3.11-slim AS build
WORKDIR /app
RUN python -m venv --without-pip .venv
COPY requirements.lock ./
RUN pip --python .venv/bin/python install --no-cache-dir --no-compile --require-hashes -r requirements.lock \
 && .venv/bin/python -m compileall -q -j 0 --invalidation-mode unchecked-hash .venv

FROM python:3.11-slim
RUN groupadd --gid 10001 oms-bot \
 && useradd --uid 10001 --gid oms-bot --home-dir /app --no-create-home --shell /usr/sbin/nologin oms-bot
WORKDIR /app
COPY --from=build /app/.venv .venv
RUN printf '#!/bin/sh\nexec /app/.venv/bin/python -m bot "$@"\n' > .venv/bin/oms-bot && chmod 755 .venv/bin/oms-bot
COPY bot bot
COPY content content
COPY migrations migrations
RUN .venv/bin/python -m compileall -q --invalidation-mode unchecked-hash bot migrations \
 && install -d -o oms-bot -g oms-bot -m 700 data
# A number, so that Kubernetes can see that it is not root.
USER 10001:10001
ENV PATH=/app/.venv/bin:$PATH PYTHONPATH=/app PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    OMSBOT_HOST=0.0.0.0 OMSBOT_LOG_FORMAT=json
EXPOSE 8080
VOLUME /app/data
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["python", "-c", \
  "import os, urllib.request as u; u.urlopen(f\"http://127.0.0.1:{os.environ.get('OMSBOT_PORT') or 8080}/health/live\", timeout=2)"]
CMD ["oms-bot", "serve"]
