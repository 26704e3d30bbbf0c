"""What each aten operation means, one small handler per operation.

Importing this package registers all of them.
"""

from . import indexing, matmul, pointwise, reductions, views

__all__ = ["indexing", "matmul", "pointwise", "reductions", "views"]
