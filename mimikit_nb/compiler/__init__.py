"""C where Python is too slow: find a compiler, compile a source once, load it.

:mod:`.build` compiles and loads, :mod:`.cache` says where the results are kept. Whoever uses
them must have another way for machines without a compiler.
"""

from .build import CompilerError, build_library

__all__ = ["CompilerError", "build_library"]
