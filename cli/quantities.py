"""Sizes, numbers and durations as people read them."""

from __future__ import annotations

from decimal import Decimal


def size_text(size_bytes: int) -> str:
    """Three digits and a binary unit: 1.46 GiB."""
    amount, unit = float(size_bytes), "B"
    for larger in ("KiB", "MiB", "GiB", "TiB", "PiB"):
        if amount < 999.5:
            break
        amount, unit = amount / 1024, larger
    return f"{amount:.0f} B" if unit == "B" else f"{amount:.3g} {unit}"


def count_text(count: int, one: str, many: str | None = None) -> str:
    """1 request, 10,000 requests."""
    return f"{count:,} {one if count == 1 else many or one + 's'}"


def dollars_text(dollars: Decimal) -> str:
    """To the cent; what is below one, to its first two digits."""
    if dollars >= Decimal("0.01") or not dollars:
        return f"${dollars:,.2f}"
    return f"${Decimal(f'{dollars:.2g}').normalize():f}"


def duration_text(seconds: float) -> str:
    """Its two largest units, rounded up: 6 h 57 min, 3 d 2 h."""
    minutes = -int(-seconds // 60)
    if minutes < 60:
        return f"{minutes} min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours} h {minutes:02} min" if minutes else f"{hours} h"
    days, hours = divmod(hours + (minutes > 0), 24)
    return f"{days} d {hours} h" if hours else f"{days} d"
