"""The state of a move and the report, as plain text in columns."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Mapping, Sequence

from twilio_fax_compat._core.migration.counters import SHADOW_OK, SHADOW_REFUSED
from twilio_fax_compat._core.migration.plans import Plan
from twilio_fax_compat.migration.summary import Side, ranked

if TYPE_CHECKING:
    from twilio_fax_compat.migration.finish import Finish
    from twilio_fax_compat.migration.rollout import Rollout

NO_ROLLOUT = (
    "no roll-out is configured: set TWILIO_FAX_COMPAT_ROLLOUT, or name the flag with --rollout"
)

_KEYS: Mapping[str, str] = {"to": "destinations", "from": "senders", "account": "accounts"}


def status(
    plan: Plan | None, rollout: Rollout | None, period: str, providers: Mapping[str, Side]
) -> str:
    """Return the stage, its source, and the *providers* side by side."""
    if plan is None or rollout is None:
        lines = [f"stage   {NO_ROLLOUT}"]
    else:
        lines = ["stage   " + described(plan), "source  " + rollout.source_name]
    if rollout is not None and rollout.trouble:
        lines.append(
            "broken  {}: this is the last good stage or the safe one".format(rollout.trouble)
        )
    lines += ["period  the last {}, from the beginning of that hour".format(period), ""]
    both = list(providers.values())
    rows = [["", *providers]]
    rows += _counted("sends", [side.sends for side in both])
    rows.append(["error rate", *(_percent(side.error_rate) for side in both)])
    rows += _counted("faxes", [side.faxes for side in both])
    rows.append(["failure rate", *(_percent(side.failure_rate) for side in both)])
    return "\n".join([*lines, *columns(rows)])


def finish(found: Finish) -> str:
    """Return whether the stage ``complete`` is safe, what must end first, and what it changes."""
    lines = [
        "The stage complete is safe." if found.is_safe else "The stage complete is not safe yet:"
    ]
    lines += ["  - " + text for text in found.blocking]
    if found.notes:
        lines += ["Know before:", *("  - " + text for text in found.notes)]
    rows = [["legacy provider", "last time"]]
    rows += [[what, f"in the last {period}"] for what, period in sorted(found.asked.items())]
    return "\n".join([*lines, "", *columns(rows)] if len(rows) > 1 else lines)


def report(period: str, findings: Mapping[str, Counter[str]]) -> str:
    """Return the findings of the shadow stage, the most frequent of each kind first."""
    fine = sum(findings[SHADOW_OK].values())
    checked = fine + sum(findings[SHADOW_REFUSED].values())
    lines = [
        "In the last {} {} faxes were checked, and Telnyx would have accepted {}.".format(
            period, checked, fine
        )
    ]
    for kind, counter in findings.items():
        if kind != SHADOW_OK and counter:
            rows = [[kind, "times"]]
            rows += [["  " + detail, str(times)] for detail, times in ranked(counter)]
            lines += ["", *columns(rows)]
    return "\n".join(lines)


def described(plan: Plan) -> str:
    """Return a plan in words, without the numbers of its lists."""
    if plan.stage != "ramp":
        return plan.stage
    lists = [
        "{} list for {} with {}".format(name, key, size)
        for name in ("allow", "deny")
        for key, size in plan.sizes(name).items()
    ]
    share = "{:g} % of all {}".format(plan.percent, _KEYS[plan.key])
    return ", ".join(["ramp: " + share, *lists])


def columns(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return *rows* as lines, the first column to the left and the others to the right."""
    widths = [max(len(row[number]) for row in rows) for number in range(len(rows[0]))]
    return [
        "   ".join(
            cell.rjust(width) if number else cell.ljust(width)
            for number, (cell, width) in enumerate(zip(row, widths))
        ).rstrip()
        for row in rows
    ]


def _counted(name: str, counters: Sequence[Counter[str]]) -> list[list[str]]:
    together: Counter[str] = Counter()
    for counter in counters:
        together.update(counter)
    rows = [[name, *(str(sum(counter.values())) for counter in counters)]]
    for detail, _ in ranked(together):
        rows.append(["  " + detail, *(str(counter[detail]) for counter in counters)])
    return rows


def _percent(share: float | None) -> str:
    return "-" if share is None else "{:.1%}".format(share)
