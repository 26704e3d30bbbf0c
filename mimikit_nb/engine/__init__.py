"""The step engine: the stages of a step as one compiled loop.

``torch`` spends most of a small network's step on starting operations, not on computing them.
The engine traces each stage once, lowers its graph to a small program of loops and matrix
products, prints that as C (or, where there is no compiler, as numba) and runs any number of
steps, with the sampling inside, in one call that doesn't hold Python's lock::

    executor = compile_stages(stages, state)
    executor.run(state, 1024)  # in place, as EagerExecutor(stages).run(state, 1024)

=====================  =======================================================================
module                 holds
=====================  =======================================================================
:mod:`.stages`         what a step is, and how it runs uncompiled
:mod:`.compile`        :func:`compile_stages`: choose, build and check an executor
:mod:`.graph`          stages to aten graphs
:mod:`.lowering`       graphs to programs; what each operation means stands in :mod:`.ops`
:mod:`.ir`             the language of programs
:mod:`.constants`      weights, packed
:mod:`.printing`       what the printers share
:mod:`.print_c`        programs as C; :mod:`.native` compiles and runs them
:mod:`.print_numba`    programs as numba; :mod:`.jit` compiles and runs them
:mod:`.check`          compiled against eager
:mod:`.build`          a C compiler, used once for each source; :mod:`.cache` keeps the results
=====================  =======================================================================

It knows nothing of sound, and of the package only ``errors`` and ``runtime``; ``README.md`` beside
this file says what a program is, how an operation is added, and how to publish the engine alone.
"""

from .compile import compile_stages
from .graph import UnsupportedStep
from .stages import EagerExecutor, Executor, Stage, State

__all__ = ["EagerExecutor", "Executor", "Stage", "State", "UnsupportedStep", "compile_stages"]
