"""The kinds of panels that the dashboards are made of: each has a title, a unit, a description and, where a value can
be said to be too much, thresholds."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, TypeVar

from grafana_foundation_sdk.builders import bargauge, common, stat, timeseries
from grafana_foundation_sdk.builders import dashboard as board
from grafana_foundation_sdk.builders import prometheus as prom
from grafana_foundation_sdk.models import common as common_model
from grafana_foundation_sdk.models import dashboard as model

DATASOURCE = model.DataSourceRef(type_val="prometheus", uid="prometheus")
WIDTH = 24
"""Grafana's grid, in columns."""
_STAT_HEIGHT, _HEIGHT = 4, 8

Panel = timeseries.Panel | stat.Panel | bargauge.Panel
Unit = Literal["short", "cps", "s", "bytes", "percentunit", "none", "bool_on_off"]


class Query(NamedTuple):
    """PromQL, and what names its series: `{{label}}` stands for a label's value."""

    expr: str
    legend: str


class Levels(NamedTuple):
    """From where on a value wants a look, and from where on it is wrong. `low`: the other way round, below them."""

    warn: float | None
    bad: float
    low: bool = False


P = TypeVar("P", stat.Panel, timeseries.Panel, bargauge.Panel)


def figure(
    title: str, description: str, unit: Unit, expr: str, *, levels: Levels | None = None, width: int = 4
) -> stat.Panel:
    """One number as it is now."""
    panel = _common(
        stat.Panel(), title=title, description=description, unit=unit, levels=levels, height=_STAT_HEIGHT, width=width
    )
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.color_mode(common_model.BigValueColorMode.VALUE).graph_mode(common_model.BigValueGraphMode.AREA)
    panel.color_scheme(board.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    return panel.with_target(_target(Query(expr, title.lower()), 0))


def graph(
    title: str, description: str, unit: Unit, *queries: Query, levels: Levels | None = None, width: int = 12
) -> timeseries.Panel:
    """Lines over time."""
    panel = _common(
        timeseries.Panel(), title=title, description=description, unit=unit, levels=levels, height=_HEIGHT, width=width
    )
    mode = common_model.GraphThresholdsStyleMode.DASHED if levels else common_model.GraphThresholdsStyleMode.OFF
    panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(mode))
    panel.line_width(1).fill_opacity(10).show_points(common_model.VisibilityMode.NEVER)
    panel.color_scheme(board.FieldColor().mode(model.FieldColorModeId.PALETTE_CLASSIC))
    panel.tooltip(common.VizTooltipOptions().mode(common_model.TooltipDisplayMode.MULTI))
    panel.legend(
        common.VizLegendOptions()
        .show_legend(True)
        .display_mode(common_model.LegendDisplayMode.LIST)
        .placement(common_model.LegendPlacement.BOTTOM)
        .calcs([])
    )
    for number, query in enumerate(queries):
        panel.with_target(_target(query, number))
    return panel


def bars(
    title: str, description: str, unit: Unit, query: Query, *, levels: Levels | None = None, width: int = 12
) -> bargauge.Panel:
    """One bar for each series as it is now."""
    panel = _common(
        bargauge.Panel(), title=title, description=description, unit=unit, levels=levels, height=_HEIGHT, width=width
    )
    panel.reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]).fields("").values(False))
    panel.orientation(common_model.VizOrientation.HORIZONTAL)
    panel.display_mode(common_model.BarGaugeDisplayMode.BASIC)
    panel.color_scheme(board.FieldColor().mode(model.FieldColorModeId.THRESHOLDS))
    return panel.with_target(_target(query, 0).instant())


def dashboard(uid: str, title: str, description: str, panels: Sequence[Panel]) -> model.Dashboard:
    """The panels in rows, in their order; as wide as each says."""
    builder = (
        board.Dashboard(title)
        .uid(uid)
        .description(description)
        .tags(["streamwarden"])
        .timezone("utc")
        .refresh("10s")
        .readonly()
        .time("now-1h", "now")
        .tooltip(model.DashboardCursorSync.CROSSHAIR)
        .version(1)
        .link(
            board.DashboardLink("Streamwarden")
            .type(model.DashboardLinkType.DASHBOARDS)
            .tags(["streamwarden"])
            .keep_time(True)
        )
    )
    for number, panel in enumerate(panels, 1):
        builder.with_panel(panel.id(number))
    return builder.build()


def _common(panel: P, *, title: str, description: str, unit: Unit, levels: Levels | None, height: int, width: int) -> P:
    return (
        panel.title(title)
        .description(description)
        .unit(unit)
        .min(0)
        .datasource(DATASOURCE)
        .height(height)
        .span(width)
        .thresholds(board.ThresholdsConfig().mode(model.ThresholdsMode.ABSOLUTE).steps(_steps(levels)))
    )


def _steps(levels: Levels | None) -> list[model.Threshold]:
    if levels is None:
        return [model.Threshold(color="blue", value=None)]
    if levels.low:
        steps = [model.Threshold(color="red", value=None)]
        if levels.warn is not None:
            steps.append(model.Threshold(color="yellow", value=levels.bad))
        return [*steps, model.Threshold(color="green", value=levels.warn if levels.warn is not None else levels.bad)]
    steps = [model.Threshold(color="green", value=None)]
    if levels.warn is not None:
        steps.append(model.Threshold(color="yellow", value=levels.warn))
    return [*steps, model.Threshold(color="red", value=levels.bad)]


def _target(query: Query, number: int) -> prom.Dataquery:
    return (
        prom.Dataquery()
        .ref_id(chr(ord("A") + number))
        .datasource(DATASOURCE)
        .expr(query.expr)
        .legend_format(query.legend)
        .range()
    )
