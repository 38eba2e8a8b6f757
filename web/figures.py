"""Prometheus figures of the web process: counts and times, never names."""

from __future__ import annotations

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

REGISTRY = CollectorRegistry()
REQUESTS = Counter(
    "lianxin_http_requests_total", "Answered requests", ("method", "route", "status"), registry=REGISTRY
)
REQUEST_SECONDS = Histogram("lianxin_http_request_seconds", "Time to answer", registry=REGISTRY)
RATE_LIMITED = Counter(
    "lianxin_rate_limited_total", "Requests refused as too fast", ("kind",), registry=REGISTRY
)
ROOMS = Gauge("lianxin_rooms", "Rooms open in this process", registry=REGISTRY)
TASKS = Gauge("lianxin_tasks", "Tasks of the event loop that are not done", registry=REGISTRY)
WEBHOOKS = Counter("lianxin_webhook_events_total", "Events that other systems took over", registry=REGISTRY)


def exposition() -> bytes:
    return generate_latest(REGISTRY)
