"""Which way rings go: Redis if there is a broker, else PostgreSQL's notices, else the supervisor's socket."""

import socket

from revolution_hub.queue.redis_wake import RedisEar, RedisSender
from revolution_hub.queue.ringer import Listener, Ringer
from revolution_hub.queue.wake import Bell, Ear, SocketEar, Waker
from revolution_hub.settings import Settings
from revolution_hub.store.notify import NoticeListener, NoticeSender

_LISTEN_S = 1.0


def make_waker(settings: Settings, bell: socket.socket) -> Waker:
    """Return what this process rings with; `bell` is its end of the supervisor's channel."""
    if settings.broker_url:
        return Ringer("Redis does not carry rings", RedisSender(settings.broker_url).send)
    if _on_postgresql(settings):
        return Ringer("PostgreSQL does not carry rings", NoticeSender(settings.database).send)
    return Bell(bell)


def make_ear(settings: Settings, ear: socket.socket) -> Ear:
    """Return what this process hears rings with; `ear` is its end of the supervisor's channel."""
    if settings.broker_url:
        return RedisEar(settings.broker_url)
    if _on_postgresql(settings):
        notices = NoticeListener(settings.database)
        return Listener(
            "PostgreSQL does not wake this process", lambda: notices.wait(_LISTEN_S), notices.close
        )
    return SocketEar(ear)


def _on_postgresql(settings: Settings) -> bool:
    return settings.database.startswith("postgresql://")
