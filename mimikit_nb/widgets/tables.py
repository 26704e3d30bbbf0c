"""Tables of settings: what a notebook shows of a config where nobody edits it.

Names, values, units and meanings come from the config's own fields. Main name:
:func:`settings_table`.
"""

from __future__ import annotations

import pandas as pd

from ..config import Config


def settings_table(*configs: Config, only: tuple[str, ...] = ()) -> pd.DataFrame:
    """Tabulate settings with their units and what they mean.

    Parameters
    ----------
    *configs : Config
        Such as ``plan.network`` and ``plan.training``.
    only : tuple of str, optional
        Names to show; all if empty.

    Returns
    -------
    pandas.DataFrame
        Columns ``setting``, ``value``, ``unit``, ``meaning``; in the order declared.
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
        if name != "kind" and (not only or name in only)
    ]
    return pd.DataFrame(rows, columns=["setting", "value", "unit", "meaning"])
