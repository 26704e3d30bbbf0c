"""Tables of settings: what a notebook shows of a config where nobody edits it.

Names, values, units and meanings come from the config's own fields. Main name:
:func:`settings_table`.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from ...config import Config

STYLE = """<style>
.mnb-settings {max-height: 24em; overflow: auto}
.mnb-settings td, .mnb-settings th {text-align: left !important; white-space: normal !important}
</style>"""


@dataclass(frozen=True)
class SettingsTable:
    """Settings with what they mean; shows itself in a notebook, with every text in full.

    Attributes
    ----------
    frame : pandas.DataFrame
        Columns ``setting``, ``value``, ``unit``, ``meaning``; in the order declared.
    """

    frame: pd.DataFrame

    def __repr__(self) -> str:
        return str(self.frame.to_string(index=False, justify="left"))

    def _repr_html_(self) -> str:
        with pd.option_context("display.max_colwidth", None):
            table = self.frame.to_html(index=False, border=0)
        return f'{STYLE}<div class="mnb-settings">{table}</div>'


def settings_table(*configs: Config) -> SettingsTable:
    """Tabulate settings with their units and what they mean.

    Parameters
    ----------
    *configs : Config
        Such as ``plan.network`` and ``plan.training``.

    Returns
    -------
    SettingsTable
        One row per setting.
    """
    rows = [
        {
            "setting": name,
            "value": str(getattr(config, name)),
            "unit": (info.json_schema_extra or {}).get("unit", ""),  # type: ignore[union-attr]
            "meaning": info.description or "",
        }
        for config in configs
        for name, info in type(config).model_fields.items()
        if name != "kind"
    ]
    return SettingsTable(pd.DataFrame(rows, columns=["setting", "value", "unit", "meaning"]))
