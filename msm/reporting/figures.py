"""How a figure is written: a sign, two decimals, nats or percent. The same on every page."""

from __future__ import annotations

from msm.evals.statistics import Estimate

MINUS = "−"


def signed(value: float) -> str:
    """Nats with sign and two decimals; the sign stays on a rounded zero, as it says which side."""
    text = f"{value:+.2f}".replace("-", MINUS)
    return "0.00" if value == 0 else text


def interval(estimate: Estimate) -> str:
    """The 95 % interval in nats."""
    return f"[{signed(estimate.low)}, {signed(estimate.high)}]"


def figure(estimate: Estimate) -> str:
    """Value and interval in nats, with the unit: for sentences."""
    return f"{signed(estimate.value)} nats {interval(estimate)}"


def percent(share: float) -> str:
    """A share as a whole percentage."""
    return f"{100 * share:.0f} %"


def percent_interval(estimate: Estimate) -> str:
    """The 95 % interval of a share in percent."""
    return f"[{100 * estimate.low:.0f}, {100 * estimate.high:.0f}]"


def listing(words: list[str]) -> str:
    """``a``, ``a and b``, ``a, b and c``."""
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
