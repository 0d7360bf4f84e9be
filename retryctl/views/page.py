"""``trace`` as one page to attach: no script, nothing from outside, the whole story inside.

It shows what the text shows, with a picture, the files in /tmp and every log line. Lines are
folded up with ``details``, which a keyboard opens. A content security policy allows the
page's own style and nothing else, so that even a mistake in escaping could not run.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Sequence
from datetime import tzinfo
from functools import cache
from hashlib import sha256
from importlib import resources

from retryctl.core.attempts import Attempt
from retryctl.core.claims import Branches
from retryctl.core.crosscheck import CheckedRequest
from retryctl.core.records import Coverage, Gap
from retryctl.views.attempts import attempts_table, versions
from retryctl.views.document import Table
from retryctl.views.environments import environments
from retryctl.views.markup import Markup, joined, spans, tag
from retryctl.views.page_attempt import Setting, attempt_article, finding_section, mentions
from retryctl.views.page_picture import picture
from retryctl.views.page_tmp import files_after, files_are_told
from retryctl.views.sentences import (
    Sentence,
    coverage_sentence,
    numbered,
    outcome_sentence,
    verdict_sentences,
)
from retryctl.views.signs import STYLES, UNSURE, WARNING
from retryctl.views.times import moment, on_one_day, starts_ms
from retryctl.views.trace import Asked

# What an attempt's own part of the page tells in full.
_NOT_IN_TABLE = frozenset({"error", "duration", "memory"})
_ROOT = """\
<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'sha256-{hash}'; \
base-uri 'none'; form-action 'none'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


def trace_page(
    checked: Sequence[CheckedRequest],
    coverage: Coverage,
    not_found: Sequence[str] = (),
    *,
    tz: tzinfo,
    branches: Branches | None = None,
    asked: Asked | None = None,
) -> str:
    """The answer of ``trace`` as an HTML document, in ASCII whatever a log holds.

    Times are told in ``tz``. ``branches`` are those of the handler: they tell which attempts
    left a file in /tmp. ``asked`` leaves attempts out, and with ``lines`` unfolds every log.
    """
    asked = asked or Asked()
    known = environments(a for one in checked for a in one.request.attempts)
    sections = []
    for index, one in enumerate(checked, start=1):
        around = Setting(
            known=known,
            tz=tz,
            branches=branches or Branches(),
            dated=not on_one_day(starts_ms(one.request.attempts), tz),
            unfolded=asked.lines,
        )
        sections.append(_request(one, coverage, asked, around, f"r{index}"))
    title = _title(checked)
    return page(
        title,
        tag("p", "retryctl trace", class_="eyebrow"),
        tag("h1", title),
        *_not_seen(coverage),
        *(_sentence(Sentence(UNSURE, f"not found: {one}")) for one in not_found),
        _contents(checked, coverage, tz) if len(checked) > 1 else Markup(),
        main=[*sections, coverage_section(coverage, tz)],
    )


def page(title: str, *header: Markup, main: Sequence[Markup]) -> str:
    """A whole document: what stands in its header and in its main part."""
    body = joined(
        [
            tag("a", "Skip to the content", class_="skip", href="#main"),
            tag("header", *header),
            tag("main", *main, id="main", tabindex=-1),
        ],
        "\n",
    )
    style = _style()
    digest = b64encode(sha256(style.encode()).digest()).decode()
    document = _ROOT.format(hash=digest, title=joined([title]), style=style, body=body)
    # In ASCII the page reads the same whatever a pipe, an editor or a mail takes it for.
    return document.encode("ascii", "xmlcharrefreplace").decode("ascii")


@cache
def _style() -> str:
    return (
        resources.files("retryctl").joinpath("views", "page_style.css").read_text(encoding="ascii")
    )


def _title(checked: Sequence[CheckedRequest]) -> str:
    functions = {one.request.function for one in checked}
    name = functions.pop() if len(functions) == 1 else None
    what = "1 request" if len(checked) == 1 else f"{len(checked):,} requests"
    return f"{what} of {name}" if name else what


def _contents(checked: Sequence[CheckedRequest], coverage: Coverage, tz: tzinfo) -> Markup:
    items = []
    for index, one in enumerate(checked, start=1):
        link = tag("a", tag("code", one.request.request_id), href=f"#r{index}")
        said = [outcome_sentence(one.request, coverage, tz), *verdict_sentences(one)]
        items.append(tag("li", link, *map(_sentence, said)))
    return tag("nav", tag("ul", *items, class_="contents"), aria_label="Requests")


# --------------------------------------------------------------------------- a request


def _request(
    checked: CheckedRequest, coverage: Coverage, asked: Asked, around: Setting, anchor: str
) -> Markup:
    request = checked.request
    shown = [attempt for attempt in request.attempts if asked.wants(attempt)]
    said = [outcome_sentence(request, coverage, around.tz), *verdict_sentences(checked)]
    whole = [one for one in checked.findings if one.attempt is None]
    return tag(
        "section",
        tag("h2", "Request ", tag("code", request.request_id), id=anchor),
        tag("p", " · ".join(_named(checked)), class_="dim"),
        *map(_sentence, said),
        *_overview(checked, shown, coverage, around, anchor),
        *([tag("h3", "The whole request")] if whole else []),
        *(finding_section(one, around) for one in whole),
        *(attempt_article(checked, a, f"{anchor}a{a.number}", around) for a in shown),
        *([mentions(request.mentions, around)] if request.mentions else []),
        class_="request",
    )


def _named(checked: CheckedRequest) -> Iterator[str]:
    request = checked.request
    ran = versions(request.attempts)
    version = f"({', '.join(ran)})" if ran else ""
    yield from filter(None, [f"{request.function or ''} {version}".strip(), request.log_group])


def _overview(
    checked: CheckedRequest,
    shown: Sequence[Attempt],
    coverage: Coverage,
    around: Setting,
    anchor: str,
) -> Iterator[Markup]:
    """The picture of the attempts, and the table that tells the same."""
    attempts = checked.request.attempts
    if len(shown) < len(attempts):
        named = numbered([attempt.number for attempt in shown]) if shown else "none"
        yield tag("p", f"shown: {named} of {len(attempts)}", class_="dim")
    else:
        files = files_after(checked.request, around.branches)
        yield picture(checked, around.known, files, around.tz, coverage.horizon_ms) or Markup()
    if shown:
        yield _attempts(attempts_table(checked, shown, around.known, around.tz), anchor)
    if files_are_told(checked.request):
        why = "Which files /tmp held is told from what each attempt logged: nobody looked there."
        yield tag("p", why, class_="dim")


def _attempts(table: Table, anchor: str) -> Markup:
    columns = [c for name, c in table.columns.items() if name not in _NOT_IN_TABLE]
    heads = [tag("th", column.head.strip(), scope="col") for column in columns]
    rows = []
    for number, *cells in zip(*(column.cells for column in columns), strict=True):
        text = spans(number).strip()
        link = tag("a", f"Attempt {text}", href=f"#{anchor}a{text}")
        rest = [
            tag("td", spans(cell), data_head=column.head)
            for column, cell in zip(columns[1:], cells, strict=True)
        ]
        rows.append(tag("tr", tag("th", link, scope="row"), *rest))
    return tag(
        "table",
        tag("caption", "The attempts, in order of start"),
        tag("thead", tag("tr", *heads)),
        tag("tbody", *rows),
    )


# --------------------------------------------------------------------------- what was looked at


def coverage_section(coverage: Coverage, tz: tzinfo) -> Markup:
    """What was looked at, as of when, and every gap with the command that would close it."""
    sentence = coverage_sentence(coverage, tz)
    as_of = coverage.horizon_ms
    return tag(
        "section",
        tag("h2", "What was looked at", id="coverage"),
        tag("p", sentence[:1].upper() + sentence[1:]),
        Markup()
        if as_of is None
        else tag("p", f"As of {moment(as_of, tz, 'seconds')}.", class_="dim"),
        *(_gap(gap) for gap in coverage.gaps),
        class_="request",
    )


def _gap(gap: Gap) -> Markup:
    settle = [tag("p", "To settle it: ", tag("code", gap.settle))] if gap.settle else []
    return tag("div", tag("p", gap.message), *settle, class_=f"finding edge {STYLES[WARNING]}")


def _not_seen(coverage: Coverage) -> Iterator[Markup]:
    if not coverage.complete:
        link = tag("a", "not everything was seen", href="#coverage")
        yield tag("p", tag("span", WARNING, class_=STYLES[WARNING]), " ", link)


def _sentence(sentence: Sentence) -> Markup:
    sign, words = sentence
    return tag("p", tag("span", sign, class_="sign"), " ", words, class_=f"said {STYLES[sign]}")
