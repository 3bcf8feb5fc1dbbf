"""The figures as tables in Markdown, so that they can be pasted into README.md as they are printed."""

from collections.abc import Iterable, Sequence

from bench.measure import Result

_HEADS = ("run", "bot", "messages/s", "p50 ms", "p99 ms", "CPU ms/message", "core busy", "starved", "MB", "messages/s ×", "CPU ÷", "errors")


def table(heads: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    written = [[str(cell) for cell in row] for row in (heads, *rows)]
    widths = [max(len(row[column]) for row in written) for column in range(len(heads))]
    lines = ["| " + " | ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)) + " |" for row in written]
    lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
    return "\n".join(lines)


def compared(runs: Sequence[tuple[str, Sequence[Result]]]) -> str:
    """Each run with its bots, the product first; ratios above 1 say how many times better the product is."""
    rows = []
    for title, results in runs:
        product = results[0]
        for result in results:
            faster = f"{product.per_second / result.per_second:.2f}" if result.per_second else "∞"
            cheaper = f"{result.cpu_ms / product.cpu_ms:.2f}" if product.cpu_ms else "-"
            rows.append(
                (title, result.bot, result.per_second, result.p50_ms, result.p99_ms, result.cpu_ms,
                 f"{result.busy:.0%}", f"{result.starved:.0%}",
                 f"{result.idle_mb:.0f} → {result.loaded_mb:.0f}", faster, cheaper, sum(result.errors.values()))
            )  # fmt: skip
    return table(_HEADS, rows)


def mistakes(results: Iterable[Result]) -> str:
    """What went wrong, and what the generator did not manage."""
    lines = [f"{result.bot} {result.scenario}: {number} × {what}" for result in results for what, number in result.errors.items()]
    lines += [f"{result.bot} {result.scenario}: the generator was busy, not the bot" for result in results if result.generator_busy > 0.9]
    return "\n".join(lines)
