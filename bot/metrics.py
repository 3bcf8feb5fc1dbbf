"""What is counted about ourselves, for Prometheus. No label ever names or numbers a person."""

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

registry = CollectorRegistry()

EVENTS = Counter("omsbot_events", "Events by channel and what became of them", ["channel", "outcome"], registry=registry)
IGNORED = Counter("omsbot_ignored", "Updates that are not for us, by channel and kind", ["channel", "kind"], registry=registry)
ROUND_SIZE = Histogram("omsbot_round_events", "Events in one round", buckets=(1, 2, 4, 8, 16, 32, 64, 128, 256), registry=registry)
ROUND_SECONDS = Histogram("omsbot_round_seconds", "Duration of one round", registry=registry)
WAITING = Gauge("omsbot_events_waiting", "Events waiting at the turnstile", registry=registry)
SENT = Counter("omsbot_sent", "Messages by channel and what became of them", ["channel", "outcome"], registry=registry)
UNSENT = Gauge("omsbot_outbox", "Messages on their way out", registry=registry)
JOBS_FAILED = Counter("omsbot_jobs_failed", "Jobs of the upkeep that failed", ["job"], registry=registry)
BACKED_UP = Gauge("omsbot_backup_timestamp_seconds", "When the last backup was made", registry=registry)
REACHED = Gauge("omsbot_channel_reached_timestamp_seconds", "When the platform last answered", ["channel"], registry=registry)
