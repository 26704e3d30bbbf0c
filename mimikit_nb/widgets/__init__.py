"""What a notebook shows: builders of interactive views, each with a still picture.

A builder returns one object with ``.widget`` (what to show), ``.value`` (a config or a result)
and ``.run()`` where there is something to run. Widgets hold no logic of their own: they are views
onto a config or a result. Without a frontend (papermill, tests) nothing interactive is made, and
a picture or a line of text is shown instead. Only this layer imports ipywidgets, ipycanvas,
anywidget or IPython.
"""

from .order import keep_order

keep_order()
