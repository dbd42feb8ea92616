"""Figures as SVG, without a library: bars for a comparison, lines for a curve."""

import html
import math

COLOURS = {"tallyd": "#1f77b4", "A": "#999999", "N": "#2ca02c", "Redis": "#d62728",
           "PostgreSQL": "#9467bd", "p50": "#1f77b4", "p99": "#ff7f0e", "p99.9": "#d62728",
           "new, in batches": "#1f77b4", "new, one a request": "#ff7f0e",
           "repeats, in batches": "#2ca02c", "repeats, one a request": "#9467bd"}
STYLE = ('<style>text{font:12px sans-serif;fill:#222}.t{font-weight:bold}'
         '.g{stroke:#ddd}.a{stroke:#444}</style>')


def short(value):
    if value >= 1e6:
        return f"{value / 1e6:.2f} M"
    if value >= 1e3:
        return f"{value / 1e3:.0f} k"
    return f"{value:g}"


def svg(width, height, parts):
    return (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" '
            f'width="{width}" height="{height}"><rect width="100%" height="100%" fill="white"/>'
            f"{STYLE}{''.join(parts)}</svg>\n")


def text(x, y, content, extra=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" {extra}>{html.escape(content)}</text>'


def bars(groups):
    """groups: (workload, [(server, median, min, max)]); each workload has its own scale."""
    parts, y = [], 24
    for workload, rows in groups:
        parts.append(text(12, y, workload, 'class="t"'))
        y += 8
        top = max(row[3] for row in rows)
        for server, median, low, high in rows:
            scale = 460 / top
            colour = COLOURS.get(server, "#333")
            parts.append(text(12, y + 13, server))
            parts.append(f'<rect x="100" y="{y + 2}" width="{median * scale:.1f}" height="14" '
                         f'fill="{colour}"/>')
            parts.append(f'<line x1="{100 + low * scale:.1f}" x2="{100 + high * scale:.1f}" '
                         f'y1="{y + 9}" y2="{y + 9}" class="a"/>')
            parts.append(text(570, y + 13, f"{short(median)}/s"))
            y += 20
        y += 22
    return svg(660, y, parts)


def lines(title, x_label, y_label, series):
    """series: (name, [(x, y)]); y is logarithmic."""
    left, top, width, height = 70, 40, 560, 320
    points = [point for _, data in series for point in data]
    x_max = max(x for x, _ in points)
    low = math.floor(math.log10(min(y for _, y in points)))
    high = math.ceil(math.log10(max(y for _, y in points)))

    def place(x, y):
        return (left + x / x_max * width,
                top + height - (math.log10(y) - low) / (high - low) * height)

    parts = [text(left, 22, title, 'class="t"')]
    for power in range(low, high + 1):
        _, y = place(0, 10 ** power)
        parts.append(f'<line x1="{left}" x2="{left + width}" y1="{y:.1f}" y2="{y:.1f}" class="g"/>')
        parts.append(text(left - 8, y + 4, f"{10 ** power:g}", 'text-anchor="end"'))
    for i in range(6):
        x, _ = place(x_max * i / 5, 10 ** low)
        parts.append(text(x, top + height + 18, short(x_max * i / 5), 'text-anchor="middle"'))
    parts.append(text(left + width / 2, top + height + 38, x_label, 'text-anchor="middle"'))
    parts.append(text(left, top - 6, y_label))
    for i, (name, data) in enumerate(series):
        colour = COLOURS.get(name, "#333")
        path = " ".join("{:.1f},{:.1f}".format(*place(*point)) for point in data)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{colour}" stroke-width="2"/>')
        parts.append(text(left + width - 150, top + 16 + 16 * i, name, f'style="fill:{colour}"'))
    return svg(660, 420, parts)
