"""The median of a sample, and how sure it is."""

import math
import statistics
import typing


class Median(typing.NamedTuple):
    """`low` and `high` hold the median of all that could have been sampled, 19 times in 20; None where
    the sample is too small to say."""
    value: float
    low: typing.Optional[float]
    high: typing.Optional[float]

    def within(self, distance):
        """Whether it is that sure."""
        return self.low is not None and max(self.high - self.value, self.value - self.low) <= distance


def below_median(n, k):
    """The chance that less than `k` of `n` samples are below the median of what they come from."""
    return sum(math.comb(n, i) for i in range(k)) / 2**n


def median(sample):
    """By order statistics: whatever the distribution, the median lies between the k-th least and the
    k-th largest but for twice the chance that fewer than k samples fall on one side of it."""
    ordered, n = sorted(sample), len(sample)
    k = max((k for k in range(1, n // 2 + 1) if below_median(n, k) <= 0.025), default=0)
    low, high = (ordered[k - 1], ordered[n - k]) if k else (None, None)
    return Median(statistics.median(ordered), low, high)
