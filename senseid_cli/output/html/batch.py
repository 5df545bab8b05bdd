"""The report of a batch: what came out, the scores, the worst groups and pairs, what was refused and why."""

from __future__ import annotations

from itertools import chain
from typing import TYPE_CHECKING, Any

from senseid_cli.batch.summary import BINS, MOST_GROUPS, MOST_REFUSED, det_points
from senseid_cli.output.comparison import odds, score_text
from senseid_cli.output.html.charts import Chart, RatePoint, bound_of_none, count_axis, det, percent, score_axis
from senseid_cli.output.html.document import Cell, count_cell, document, facts, image_tag, table
from senseid_cli.output.html.markup import Html, join, tag

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from senseid_cli.batch.summary import Example, GroupTally, Summary
    from senseid_cli.output.html.document import Faces

KINDS = (("no label", "plain"), ("different people", "other"), ("the same person", "same"))
NAMES = ("row", "first", "second", "photo", "video")
WORST = 3
LEAST_ROWS = 10
"""Groups of fewer are not named in the sentence: chance alone makes them the worst."""


def page(title: str, summary: Summary, pictures: Callable[[Example], Sequence[bytes]], faces: Faces) -> str:
    """The page.

    Args:
        title: what was run.
        summary: what came out.
        pictures: small JPEGs of the photos of a pair; no bytes where there is none.
        faces: counts them, for what is said about them.
    """
    examples = _all_examples(summary, pictures)  # first: they decide what is said about pictures
    return document(
        title,
        _numbers(summary),
        _reasons(summary),
        faces.sentence(),
        _charts(summary),
        _groups(summary),
        examples,
        _measures(summary),
        _refused(summary),
    )


def _numbers(summary: Summary) -> Html:
    refused = summary.records - summary.results
    share = f"{percent(refused / summary.records)} of all" if refused else ""
    named: list[tuple[str, object, str]] = [
        ("rows", f"{summary.records:,}", ""),
        ("results", f"{summary.results:,}", ""),
        ("refused", f"{refused:,}", share),
    ]
    if summary.liveness:
        named.append(("living", f"{summary.yes:,}", f"of {summary.scored:,} clips"))
    elif summary.scored:
        means = f"from {summary.threshold} on, which {odds(summary.threshold)} strangers reach"
        named.append(("matches", f"{summary.yes:,}", means))
    if summary.not_living:
        named.append(("not living", f"{summary.not_living:,}", "compared with nothing"))
    missed = sum(score < summary.threshold for score in summary.genuine)
    taken = sum(score >= summary.threshold for score in summary.impostor)
    if summary.genuine:
        named.append(("same person, no match", f"{missed:,}", _of(missed, len(summary.genuine))))
    if summary.impostor:
        named.append(("different people, match", f"{taken:,}", _of(taken, len(summary.impostor))))
    return facts(*named)


def _of(events: int, pairs: int) -> str:
    """A count as a share, with its 95 % interval."""
    from senseid_engine.calibration.rates import wilson

    if not events:
        return f"of {pairs:,}: below {percent(bound_of_none(pairs))}"
    interval = wilson(events / pairs, pairs)
    return f"of {pairs:,}: {percent(events / pairs)} ({percent(interval.low)} to {percent(interval.high)})"


def _reasons(summary: Summary) -> Html:
    """In a sentence each: why rows were refused, and which groups come off worst."""
    pieces: list[Html] = []
    if summary.refusals:
        ranked = sorted(summary.refusals.items(), key=lambda entry: -entry[1])
        listed = ", ".join(f"{count:,} {message} ({code})" for (code, message), count in ranked)
        pieces.append(tag("p", f"Refused: {listed}."))
    troubled = [group for group in summary.worst_groups() if group.trouble and group.records >= LEAST_ROWS][:WORST]
    if troubled:
        listed = ", ".join(f"{group.name} ({percent(group.trouble)} of {group.records:,})" for group in troubled)
        pieces.append(tag("p", f"Worst groups, by the share of their rows that are refused or wrong: {listed}."))
    return join(*pieces)


def _charts(summary: Summary) -> Html:
    if not summary.scored:
        return tag("p", "No row has a score, so there is no chart of scores.", class_="note")
    pieces = [_histogram(summary)]
    note = Html()
    if summary.labelled:
        points = [RatePoint(fmr, fnmr) for _, fmr, fnmr in det_points(summary.genuine, summary.impostor)]
        at = RatePoint(
            sum(score >= summary.threshold for score in summary.impostor) / len(summary.impostor),
            sum(score < summary.threshold for score in summary.genuine) / len(summary.genuine),
        )
        mark = (f"threshold {summary.threshold}", at)
        chart, said = det(points, mark, len(summary.genuine), len(summary.impostor))
        pieces.append(chart)
        note = tag("p", said, class_="note")
    elif not summary.liveness:
        note = tag(
            "p",
            "With a column named same (1 or 0) in the manifest, error rates and a DET curve would stand here.",
            class_="note",
        )
    return join(tag("h2", "Scores"), tag("div", *pieces, class_="charts"), note)


def _histogram(summary: Summary) -> Html:
    """One step curve per kind of pair, on a log scale: a few matches among many strangers stay visible."""
    highest = max(max(counts) for counts in summary.bins)
    what = "clips" if summary.liveness else "pairs"
    title = f"{what.capitalize()} by score"
    chart = Chart(title, score_axis("liveness score" if summary.liveness else "score"), count_axis(what, highest))
    for (name, kind), counts in zip(KINDS, summary.bins, strict=True):
        if any(counts):
            steps = [(edge / BINS, float(count)) for i, count in enumerate(counts) for edge in (i, i + 1)]
            chart.curve([(0.0, 0.0), *steps, (1.0, 0.0)], kind, f"{name}: {sum(counts):,}")
    if not summary.liveness:
        chart.limit(summary.threshold, f"threshold {summary.threshold}")
    return chart.figure()


def _groups(summary: Summary) -> Html:
    if not summary.groups:
        return Html()
    rows = [
        [
            group.name,
            count_cell(group.records),
            count_cell(group.refused),
            *_rate_cells(group),
            Cell(percent(group.trouble), group.trouble),
        ]
        for group in summary.worst_groups()
    ]
    columns = ["group", "rows", "refused", "same person, no match", "different people, match", "refused or wrong"]
    caption = f"The first {MOST_GROUPS} groups" if len(summary.groups) == MOST_GROUPS else ""
    return join(tag("h2", "Groups, the worst first"), table(columns, rows, caption))


def _rate_cells(group: GroupTally) -> list[Cell | str]:
    return [
        Cell(f"{events:,} {_of(events, pairs)}", events / pairs) if pairs else ""
        for events, pairs in ((group.missed, group.genuine), (group.taken, group.impostor))
    ]


def _all_examples(summary: Summary, pictures: Callable[[Example], Sequence[bytes]]) -> Html:
    if summary.labelled:
        return join(
            _examples("Same person, lowest scores", summary, summary.missed.ranked(), pictures),
            _examples("Different people, highest scores", summary, summary.taken.ranked(), pictures),
        )
    title = "The clips that are least clear" if summary.liveness else f"Next to the threshold of {summary.threshold}"
    return _examples(title, summary, summary.near.ranked(), pictures)


def _examples(
    title: str, summary: Summary, examples: Sequence[Example], pictures: Callable[[Example], Sequence[bytes]]
) -> Html:
    if not examples:
        return Html()
    shown = [(example, pictures(example)) for example in examples]
    seen = any(chain.from_iterable(faces for _, faces in shown))
    columns = [name for name in (*NAMES, summary.group) if any(name in example.record for example, _ in shown)]
    rows: list[list[Cell | str]] = [
        [
            Cell(score_text(example.score), example.score),
            *([Cell(tag("div", *map(image_tag, faces), class_="pictures"))] if seen else []),
            *(_cell_of(example.record, column) for column in columns),
        ]
        for example, faces in shown
    ]
    return join(tag("h2", title), table(["score", *(["!photos"] if seen else []), *columns], rows))


def _cell_of(record: dict[str, Any], column: str) -> Cell | str:
    value = record.get(column, "")
    return Cell(f"{value:,}", value) if column == "row" else str(value)


def _measures(summary: Summary) -> Html:
    if not summary.measures:
        return Html()
    rows: list[list[Cell | str]] = [
        [name, *(Cell(f"{value:.3f}", value) for value in (spread.least, spread.total / spread.count, spread.most))]
        for name, spread in summary.measures.items()
    ]
    return join(tag("h2", "Quality of the largest faces"), table(["measure", "least", "mean", "largest"], rows))


def _refused(summary: Summary) -> Html:
    if not summary.refused:
        return Html()
    columns = [name for name in (*NAMES, summary.group) if any(name in record for record in summary.refused)]
    rows: list[list[Cell | str]] = [
        [
            *(_cell_of(record, name) for name in columns),
            Cell(record["code"], record["code"]),
            str(record.get("message") or ""),
            str(record.get("problem") or ""),
        ]
        for record in summary.refused
    ]
    more = summary.records - summary.results - len(summary.refused)
    caption = f"The first {MOST_REFUSED}; {more:,} more are in the results" if more else ""
    return join(tag("h2", "Refused rows"), table([*columns, "code", "message", "problem"], rows, caption))
