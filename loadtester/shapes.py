"""Ready-made courses of the number of users, to choose from in Locust's UI.

Each reaches the number of users that was asked for, and lasts the run time that was asked for,
or five minutes where its course needs an end.
"""

from locust import LoadTestShape

UNTIL_STOPPED = float("inf")
FIVE_MINUTES = 300.0

Users = tuple[int, float] | None
"""Users and how many to start a second; None ends the run."""


class Shape(LoadTestShape):
    """A course as a share of the users over a share of the run time."""

    abstract = True
    use_common_options = True
    default_seconds = FIVE_MINUTES

    def share(self, done: float) -> float:
        """Return the share of users at this share of the run time, both 0 to 1."""
        raise NotImplementedError

    def tick(self) -> Users:
        """Return how many users there should be now; Locust asks every second."""
        assert self.runner is not None
        options = self.runner.environment.parsed_options
        assert options is not None
        seconds = float(options.run_time or self.default_seconds)
        elapsed = self.get_run_time()
        if elapsed >= seconds:
            return None
        users = options.num_users or 1
        share = self.share(elapsed / seconds)
        return max(1, round(users * share)), float(options.spawn_rate or users)


class Steady(Shape):
    """All users until the run time is over, or until stopped."""

    default_seconds = UNTIL_STOPPED

    def share(self, done: float) -> float:  # noqa: ARG002  # the same at any time
        """Return 1."""
        return 1.0


class Ramp(Shape):
    """Ten equal steps up to all users: shows at which load latency turns."""

    def share(self, done: float) -> float:
        """Return a tenth more in each tenth of the time."""
        return (int(done * 10) + 1) / 10


class Spike(Shape):
    """A tenth of the users, all of them in the middle fifth: shows overload and recovery."""

    def share(self, done: float) -> float:
        """Return 1 in the middle fifth of the time, 0.1 before and after it."""
        return 1.0 if 0.4 <= done < 0.6 else 0.1
