"""What a notebook shows: builders of interactive views, each with a still picture.

A builder returns one object with ``.widget`` (what to show), ``.value`` (a config or a result)
and ``.run()`` where there is something to run. Widgets hold no logic of their own: they are views
onto a config or a result. Without a frontend (papermill, tests) nothing interactive is made, and
a picture or a line of text is shown instead. Only this layer imports ipywidgets, ipycanvas,
anywidget or IPython.

==============  =================================================================================
package         shows
==============  =================================================================================
``forms``       any config as something to edit; sliders, choices, a place to drop files
``player``      sounds: waveforms with marks, cards, sound that is heard while it is made
``train``       a training
``evaluate``    all checkpoints of a run, heard and compared
``analyse``     segments and clusters of a recording
``generate``    continuations of passages, and networks played live
``ensemble``    a piece for several networks, on a timeline
``network``     a network as a picture
==============  =================================================================================

What several of them use stands beside them: ``pictures``, ``report``, ``job`` and so on. A view
never imports another view.
"""

from .ipykernel_compat import keep_order

keep_order()
