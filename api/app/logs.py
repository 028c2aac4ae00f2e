"""Logs as one JSON object a line."""

import logging
import logging.config

from pythonjsonlogger.core import RESERVED_ATTRS

logger = logging.getLogger("app.request")


def configure(level: str) -> None:
    """Send all logs, uvicorn's included, to standard error as JSON."""
    logging.config.dictConfig(
        {
            "version": 1,
            "disable_existing_loggers": False,
            "formatters": {
                "json": {
                    "()": "pythonjsonlogger.json.JsonFormatter",
                    "fmt": "{asctime}{levelname}{name}{message}",
                    "style": "{",
                    "rename_fields": {"asctime": "time", "levelname": "level", "name": "logger"},
                    "reserved_attrs": [*RESERVED_ATTRS, "color_message"],
                }
            },
            "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
            "root": {"level": level, "handlers": ["stderr"]},
        }
    )


def log_request(method: str, path: str, status: int, seconds: float, request_id: bytes) -> None:
    """Write the line of one request."""
    logger.info(
        "request",
        extra={
            "method": method,
            "path": path,
            "status": status,
            "seconds": round(seconds, 6),
            "request_id": request_id.decode(),
        },
    )
