"""Products of matrices and vectors, in all ranks."""

import numpy as np

from minigrad.function import Function
from minigrad.numpy_protocol import implements


@implements(np.matmul)
class Matmul(Function):
    """y = a b;   da = dy bᵀ,   db = aᵀ dy  (on the last two axes)"""

    @staticmethod
    def forward(ctx, a, b):
        ctx.a, ctx.b = a, b
        return np.matmul(a, b)

    @staticmethod
    def backward(ctx, dy):
        a, b = ctx.a, ctx.b
        need_a, need_b = ctx.needs_input_grad
        # A vector is a row on the left and a column on the right, as in the forward product.
        if a.ndim == 1:
            dy = np.expand_dims(dy, -2 if b.ndim > 1 else -1)
        if b.ndim == 1:
            dy = np.expand_dims(dy, -1)
        rows = np.expand_dims(a, 0) if a.ndim == 1 else a
        columns = np.expand_dims(b, -1) if b.ndim == 1 else b
        da = db = None
        if need_a:
            da = np.matmul(dy, np.swapaxes(columns, -1, -2))
            da = np.squeeze(da, -2) if a.ndim == 1 else da
        if need_b:
            db = np.matmul(np.swapaxes(rows, -1, -2), dy)
            db = np.squeeze(db, -1) if b.ndim == 1 else db
        return da, db


matmul = Matmul.apply
