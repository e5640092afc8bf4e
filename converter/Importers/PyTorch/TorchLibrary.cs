namespace EdgeLite.Converter.Importers.PyTorch;

/// <summary>
/// Operators that are a few others: what they compute, by PyTorch's documentation, as code in TorchScript's syntax. A function has the name
/// of the operator, and its parameters those of its schema (aten/src/ATen/native/native_functions.yaml).
/// </summary>
internal static class TorchLibrary
{
    private const string Code = """
        def addbmm(input, batch1, batch2, beta=1, alpha=1):
          return torch.add(torch.mul(input, beta), torch.mul(torch.sum(torch.bmm(batch1, batch2), [0]), alpha))
        def addmv(input, mat, vec, beta=1, alpha=1):
          return torch.add(torch.mul(input, beta), torch.mul(torch.mv(mat, vec), alpha))
        def outer(input, vec2):
          return torch.mul(torch.unsqueeze(input, 1), vec2)
        def ger(input, vec2):
          return torch.outer(input, vec2)
        def addr(input, vec1, vec2, beta=1, alpha=1):
          return torch.add(torch.mul(input, beta), torch.mul(torch.outer(vec1, vec2), alpha))
        def inner(input, other):
          if torch.lt(torch.dim(other), 2):
            return torch.matmul(input, other)
          return torch.matmul(input, torch.mT(other))
        def linalg_vecdot(x, y, dim=-1):
          return torch.sum(torch.mul(x, y), [dim])
        def lerp(input, end, weight):
          return torch.add(input, torch.mul(torch.sub(end, input), weight))
        def hypot(input, other):
          return torch.sqrt(torch.add(torch.mul(input, input), torch.mul(other, other)))
        def xlogy(input, other):
          return torch.where(torch.logical_and(torch.eq(input, 0), torch.eq(other, other)), 0.0, torch.mul(input, torch.log(other)))
        def logaddexp(input, other):
          apart = torch.where(torch.eq(input, other), 0.0, torch.abs(torch.sub(input, other)))
          return torch.add(torch.maximum(input, other), torch.log1p(torch.exp(torch.neg(apart))))
        def logaddexp2(input, other):
          apart = torch.where(torch.eq(input, other), 0.0, torch.abs(torch.sub(input, other)))
          return torch.add(torch.maximum(input, other), torch.log2(torch.add(torch.exp2(torch.neg(apart)), 1)))
        def heaviside(input, values):
          return torch.where(torch.eq(input, 0), values, torch.type_as(torch.gt(input, 0), input))
        def fmax(input, other):
          return torch.where(torch.isnan(input), other, torch.where(torch.isnan(other), input, torch.maximum(input, other)))
        def fmin(input, other):
          return torch.where(torch.isnan(input), other, torch.where(torch.isnan(other), input, torch.minimum(input, other)))
        def signbit(input):
          return torch.logical_or(torch.lt(input, 0), torch.lt(torch.reciprocal(input), 0))
        def copysign(input, other):
          return torch.where(torch.signbit(other), torch.neg(torch.abs(input)), torch.abs(input))
        def frac(input):
          return torch.sub(input, torch.trunc(input))
        def sinc(input):
          y = torch.mul(input, 3.141592653589793)
          return torch.where(torch.eq(input, 0), 1.0, torch.div(torch.sin(y), y))
        def logit(input, eps=None):
          if torch.__is__(eps, None):
            y = input
          else:
            y = torch.clamp(input, eps, torch.sub(1.0, eps))
          return torch.log(torch.div(y, torch.rsub(y, 1)))
        def float_power(input, exponent):
          return torch.pow(torch.to(input, 7), exponent)
        def exp2(input):
          return torch.exp(torch.mul(input, 0.6931471805599453))
        def special_entr(input):
          return torch.where(torch.gt(input, 0), torch.neg(torch.mul(input, torch.log(input))), torch.where(torch.eq(input, 0), 0.0, -inf))
        def special_erfc(input):
          return torch.rsub(torch.erf(input), 1)
        def erfc(input):
          return torch.rsub(torch.erf(input), 1)
        def special_ndtr(input):
          return torch.mul(torch.add(torch.erf(torch.mul(input, 0.7071067811865476)), 1), 0.5)
        def deg2rad(input):
          return torch.mul(input, 0.017453292519943295)
        def rad2deg(input):
          return torch.mul(input, 57.29577951308232)
        def isfinite(input):
          return torch.logical_not(torch.logical_or(torch.isnan(input), torch.isinf(input)))
        def isposinf(input):
          return torch.eq(input, inf)
        def isneginf(input):
          return torch.eq(input, -inf)
        def isclose(input, other, rtol=1e-05, atol=1e-08, equal_nan=False):
          apart = torch.abs(torch.sub(input, other))
          y = torch.logical_or(torch.eq(input, other), torch.logical_and(torch.lt(apart, inf), torch.le(apart, torch.add(torch.mul(torch.abs(other), rtol), atol))))
          if equal_nan:
            return torch.logical_or(y, torch.logical_and(torch.ne(input, input), torch.ne(other, other)))
          return y
        def nan_to_num(input, nan=0.0, posinf=None, neginf=None):
          if torch.__is__(posinf, None):
            high = 3.4028234663852886e+38
          else:
            high = posinf
          if torch.__is__(neginf, None):
            low = -3.4028234663852886e+38
          else:
            low = neginf
          if torch.__is__(nan, None):
            missing = 0.0
          else:
            missing = nan
          y = torch.where(torch.isnan(input), missing, input)
          return torch.where(torch.eq(y, inf), high, torch.where(torch.eq(y, -inf), low, y))
        def tanhshrink(input):
          return torch.sub(input, torch.tanh(input))
        def nansum(input, dim=None, keepdim=False, dtype=None):
          return torch.sum(torch.where(torch.isnan(input), 0.0, input), dim, keepdim, dtype=dtype)
        def nanmean(input, dim=None, keepdim=False, dtype=None):
          return torch.div(torch.nansum(input, dim, keepdim, dtype=dtype), torch.sum(torch.logical_not(torch.isnan(input)), dim, keepdim))
        def aminmax(input, dim=None, keepdim=False):
          return (torch.amin(input, dim, keepdim), torch.amax(input, dim, keepdim))
        def msort(input):
          y, _ = torch.sort(input, 0)
          return y
        def argsort(input, dim=-1, descending=False, stable=False):
          _, places = torch.sort(input, dim, descending)
          return places
        def _safe_softmax(input, dim, dtype=None):
          return torch.where(torch.all(torch.eq(input, -inf), dim, True), 0.0, torch.softmax(input, dim, dtype))
        def bilinear(input1, input2, weight, bias=None):
          y = torch.einsum('...i,oij,...j->...o', [input1, weight, input2])
          if torch.__is__(bias, None):
            return y
          return torch.add(y, bias)
        def trapezoid(y, dx=1, dim=-1):
          return torch.sum(torch.pairs(y, dx, dim), dim)
        def cumulative_trapezoid(y, dx=1, dim=-1):
          return torch.cumsum(torch.pairs(y, dx, dim), dim)
        def pairs(y, dx, dim):
          return torch.mul(torch.add(torch.slice(y, dim, 1), torch.slice(y, dim, 0, -1)), torch.mul(float(torch.item(dx)), 0.5))
        def ldexp(input, other):
          return torch.mul(input, torch.pow(2.0, other))
        def positive(input):
          return input
        def atleast_1d(input):
          if torch.eq(torch.dim(input), 0):
            return torch.reshape(input, [1])
          return input
        def atleast_2d(input):
          if torch.lt(torch.dim(input), 2):
            return torch.unsqueeze(torch.atleast_1d(input), 0)
          return input
        def atleast_3d(input):
          if torch.lt(torch.dim(input), 3):
            return torch.unsqueeze(torch.atleast_2d(input), -1)
          return input
        def count_nonzero(input, dim=None):
          if torch.__is__(dim, None):
            return torch.sum(torch.ne(input, 0))
          return torch.sum(torch.ne(input, 0), dim)
        def diff(input, n=1, dim=-1, prepend=None, append=None):
          y = input
          if torch.__isnot__(prepend, None):
            y = torch.cat([prepend, y], dim)
          if torch.__isnot__(append, None):
            y = torch.cat([y, append], dim)
          for i in range(n):
            if torch.eq(prim.dtype(y), 11):
              y = torch.ne(torch.slice(y, dim, 1), torch.slice(y, dim, 0, -1))
            else:
              y = torch.sub(torch.slice(y, dim, 1), torch.slice(y, dim, 0, -1))
          return y
        def linalg_cross(input, other, dim=-1):
          return torch.sub(torch.mul(torch.roll(input, [-1], [dim]), torch.roll(other, [-2], [dim])), torch.mul(torch.roll(input, [-2], [dim]), torch.roll(other, [-1], [dim])))
        def cross(input, other, dim=-1):
          return torch.linalg_cross(input, other, dim)
        def trace(input):
          return torch.sum(torch.diagonal(input))
        def diag(input, diagonal=0):
          if torch.eq(torch.dim(input), 2):
            return torch.diagonal(input, diagonal)
          return torch.diag_embed(input, diagonal)
        def diag_embed(input, offset=0, dim1=-2, dim2=-1):
          n = torch.size(input, -1)
          size = torch.add(n, torch.abs(offset))
          places = torch.arange(size)
          if torch.ge(offset, 0):
            row = torch.constant_pad_nd(input, [0, offset])
            y = torch.where(torch.eq(torch.add(torch.unsqueeze(places, 1), offset), places), torch.unsqueeze(torch.roll(row, [offset], [-1]), -2), 0.0)
          else:
            column = torch.constant_pad_nd(input, [0, torch.neg(offset)])
            y = torch.where(torch.eq(torch.add(torch.unsqueeze(places, 1), offset), places), torch.unsqueeze(column, -2), 0.0)
          if torch.__and__(torch.eq(dim1, -2), torch.eq(dim2, -1)):
            return y
          return torch.movedim(y, [-2, -1], [dim1, dim2])
        def fill_diagonal_(input, value, wrap=False):
          n = torch.arange(torch.size(input, 0))
          same = torch.eq(torch.unsqueeze(n, 1), torch.arange(torch.size(input, 1)))
          return torch.copy_(input, torch.masked_fill(input, same, value))
        def kthvalue(input, k, dim=-1, keepdim=False):
          values, places = torch.sort(input, dim)
          y, at = torch.select(values, dim, torch.sub(k, 1)), torch.select(places, dim, torch.sub(k, 1))
          if keepdim:
            return (torch.unsqueeze(y, dim), torch.unsqueeze(at, dim))
          return (y, at)
        def std_mean(input, dim=None, unbiased=True, keepdim=False, correction=None):
          v, m = torch.var_mean(input, dim, unbiased, keepdim)
          return (torch.sqrt(v), m)
        def median(input, dim=None, keepdim=False):
          if torch.__is__(dim, None):
            y, _ = torch.median(torch.reshape(input, [-1]), 0)
            return y
          y, at = torch.kthvalue(input, torch.add(torch.floordiv(torch.sub(torch.size(input, dim), 1), 2), 1), dim, True)
          missing = torch.ne(input, input)
          at = torch.where(torch.any(missing, dim, True), torch.argmax(torch.where(missing, 1, 0), dim, True), at)
          y = torch.gather(input, dim, at)
          if keepdim:
            return (y, at)
          return (torch.squeeze(y, dim), torch.squeeze(at, dim))
        def quantile(input, q, dim=None, keepdim=False, interpolation='linear'):
          if torch.__is__(dim, None):
            x, axis = torch.reshape(input, [-1]), 0
          else:
            x, axis = input, dim
          values, _ = torch.sort(x, axis)
          last = torch.sub(torch.size(x, axis), 1)
          place = torch.mul(float(torch.item(q)), last)
          low = int(torch.floor(place))
          if torch.eq(interpolation, 'lower'):
            place = float(low)
          if torch.eq(interpolation, 'higher'):
            place = float(torch.ceil(place))
          if torch.eq(interpolation, 'nearest'):
            place = float(torch.round(place))
          if torch.__and__(torch.eq(interpolation, 'midpoint'), torch.ne(place, low)):
            place = torch.add(low, 0.5)
          low = int(torch.floor(place))
          a, b = torch.select(values, axis, low), torch.select(values, axis, prim.min(torch.add(low, 1), last))
          y = torch.add(a, torch.mul(torch.sub(b, a), torch.sub(place, low)))
          most = torch.select(values, axis, last)
          y = torch.where(torch.ne(most, most), most, y)
          if keepdim:
            return torch.unsqueeze(y, axis)
          return y
        def seen_so_far(input, dim):
          at = torch.arange(torch.size(input, dim))
          x = torch.transpose(input, dim, -1)
          return torch.where(torch.le(at, torch.unsqueeze(at, 1)), torch.unsqueeze(x, -2), torch.unsqueeze(x, -1))
        def last_seen(seen, y, dim):
          at = torch.arange(torch.size(seen, -1))
          same = torch.logical_and(torch.le(at, torch.unsqueeze(at, 1)), torch.logical_or(torch.eq(seen, y), torch.ne(seen, seen)))
          last = torch.amax(torch.where(same, at, 0), [-1])
          return (torch.transpose(torch.squeeze(y, -1), dim, -1), torch.transpose(last, dim, -1))
        def cummax(input, dim):
          seen = torch.seen_so_far(input, dim)
          return torch.last_seen(seen, torch.amax(seen, [-1], True), dim)
        def cummin(input, dim):
          seen = torch.seen_so_far(input, dim)
          return torch.last_seen(seen, torch.amin(seen, [-1], True), dim)
        def logcumsumexp(input, dim):
          n = torch.arange(torch.size(input, dim))
          seen = torch.where(torch.le(n, torch.unsqueeze(n, 1)), torch.unsqueeze(torch.transpose(input, dim, -1), -2), -inf)
          return torch.transpose(torch.logsumexp(seen, [-1]), dim, -1)
        def cosine_similarity(x1, x2, dim=1, eps=1e-08):
          if torch.ne(torch.dim(x1), torch.dim(x2)):
            x1, x2 = torch.broadcast_tensors([x1, x2])
          a, b = torch.clamp(torch.norm(x1, 2, [dim], True), eps), torch.clamp(torch.norm(x2, 2, [dim], True), eps)
          return torch.sum(torch.mul(torch.div(x1, a), torch.div(x2, b)), [dim])
        def pairwise_distance(x1, x2, p=2, eps=1e-06, keepdim=False):
          return torch.norm(torch.add(torch.sub(x1, x2), eps), p, [-1], keepdim)
        def dist(input, other, p=2):
          return torch.norm(torch.sub(input, other), p)
        def frobenius_norm(input, dim, keepdim=False):
          return torch.norm(input, 2, dim, keepdim)
        def linalg_norm(input, ord=None, dim=None, keepdim=False):
          return torch.norm(input, ord, dim, keepdim)
        def rot90(input, k=1, dims=[0, 1]):
          a, b, n = torch.__getitem__(dims, 0), torch.__getitem__(dims, 1), torch.remainder(k, 4)
          if torch.eq(n, 1):
            return torch.transpose(torch.flip(input, [b]), a, b)
          if torch.eq(n, 2):
            return torch.flip(input, dims)
          if torch.eq(n, 3):
            return torch.transpose(torch.flip(input, [a]), a, b)
          return torch.clone(input)
        def ravel(input):
          return torch.reshape(input, [-1])
        def fliplr(input):
          return torch.flip(input, [1])
        def flipud(input):
          return torch.flip(input, [0])
        def _is_all_true(input):
          return torch.all(input)
        def _is_any_true(input):
          return torch.any(input)
        def ite(b, t, f):
          y = f
          if b:
            y = t
          return y
        def take(input, index):
          return torch.index(torch.reshape(input, [-1]), [index])
        def put(input, index, source, accumulate=False):
          x = torch.reshape(input, [-1])
          return torch.reshape(torch.index_put(x, [torch.reshape(index, [-1])], torch.reshape(source, [-1]), accumulate), torch.size(input))
        def take_along_dim(input, indices, dim=None):
          if torch.__is__(dim, None):
            return torch.gather(torch.reshape(input, [-1]), 0, torch.reshape(indices, [-1]))
          y, _ = torch.broadcast_tensors([torch.slice(indices, dim, 0, 1), torch.slice(input, dim, 0, 1)])
          sizes = torch.size(y)
          torch._set_item(sizes, dim, -1)
          return torch.gather(torch.expand(input, sizes), dim, torch.expand(indices, sizes))
        def histc(input, bins=100, min=0, max=0):
          x = torch.reshape(input, [-1])
          low, high = min, max
          if torch.eq(min, max):
            least, most = torch.min(x), torch.max(x)
            same = torch.type_as(torch.eq(least, most), x)
            low, high = torch.sub(least, same), torch.add(most, same)
          place = torch.floor(torch.div(torch.mul(torch.sub(x, low), bins), torch.sub(high, low)))
          isin = torch.logical_and(torch.ge(x, low), torch.le(x, high))
          bin = torch.where(isin, torch.clamp(place, None, torch.sub(bins, 1)), -1.0)
          return torch.sum(torch.type_as(torch.eq(torch.unsqueeze(bin, -1), torch.arange(bins)), x), [0])
        def bucketize(input, boundaries, out_int32=False, right=False):
          return torch.searchsorted(boundaries, input, out_int32, right)
        def searchsorted(sorted_sequence, self, out_int32=False, right=False, side=None, sorter=None):
          v = torch.unsqueeze(self, -1)
          if torch.eq(torch.dim(sorted_sequence), 1):
            edges = sorted_sequence
          else:
            edges = torch.unsqueeze(sorted_sequence, -2)
          if torch.__or__(right, torch.eq(side, 'right')):
            below = torch.le(edges, v)
          else:
            below = torch.lt(edges, v)
          if out_int32:
            return torch.sum(below, [-1], dtype=3)
          return torch.sum(below, [-1])
        def diagonal_scatter(input, src, offset=0, dim1=0, dim2=1):
          if torch.__not__(torch.__and__(torch.eq(dim1, 0), torch.eq(torch.dim(input), 2))):
            refuse('diagonal_scatter of other than a matrix is not supported')
          rows, columns, n = torch.size(input, 0), torch.size(input, 1), torch.size(src, 0)
          same = torch.eq(torch.add(torch.unsqueeze(torch.arange(rows), 1), offset), torch.arange(columns))
          if torch.ge(offset, 0):
            return torch.where(same, torch.unsqueeze(torch.constant_pad_nd(src, [0, torch.sub(rows, n)]), 1), input)
          return torch.where(same, torch.constant_pad_nd(src, [0, torch.sub(columns, n)]), input)
        def argwhere(input):
          return torch.nonzero(input)
        def unique_consecutive(input, return_inverse=False, return_counts=False, dim=None):
          if torch.__isnot__(dim, None):
            refuse('unique_consecutive along a dimension is not supported')
          x = torch.reshape(input, [-1])
          new = torch.ne(torch.slice(x, 0, 1), torch.slice(x, 0, 0, -1))
          first = torch.cat([torch.eq(torch.slice(x, 0, 0, 1), torch.slice(x, 0, 0, 1)), new], 0)
          values = torch.masked_select(x, first)
          inverse = torch.sub(torch.cumsum(torch.to(first, 4), 0), 1)
          counts = torch.sum(torch.eq(torch.unsqueeze(torch.arange(torch.size(values, 0)), 1), inverse), [-1])
          return (values, torch.reshape(inverse, torch.size(input)), counts)
        def combinations(input, r=2, with_replacement=False):
          if torch.__or__(torch.ne(r, 2), with_replacement):
            refuse('combinations of other than 2 elements are not supported')
          n = torch.size(input, 0)
          at = torch.triu_indices(n, n, 1)
          return torch.transpose(torch.index(input, [at]), 0, 1)
        def logspace(start, end, steps=100, base=10.0):
          return torch.pow(base, torch.linspace(start, end, steps))
        def triu_indices(row, col, offset=0, dtype=4):
          return torch.transpose(torch.nonzero(torch.triu(torch.ones([row, col]), offset)), 0, 1)
        def tril_indices(row, col, offset=0, dtype=4):
          return torch.transpose(torch.nonzero(torch.tril(torch.ones([row, col]), offset)), 0, 1)
        def max_unpool2d(input, indices, output_size):
          n, c, h, w = torch.size(input, 0), torch.size(input, 1), torch.__getitem__(output_size, -2), torch.__getitem__(output_size, -1)
          empty = torch.zeros([n, c, torch.mul(h, w)])
          return torch.reshape(torch.scatter(empty, 2, torch.reshape(indices, [n, c, -1]), torch.reshape(input, [n, c, -1])), [n, c, h, w])
        def reduced(x, reduction):
          if torch.eq(reduction, 0):
            return x
          if torch.eq(reduction, 1):
            return torch.mean(x)
          return torch.sum(x)
        def mse_loss(input, target, reduction=1):
          d = torch.sub(input, target)
          return torch.reduced(torch.mul(d, d), reduction)
        def l1_loss(input, target, reduction=1):
          return torch.reduced(torch.abs(torch.sub(input, target)), reduction)
        def huber_loss(input, target, reduction=1, delta=1.0):
          d = torch.abs(torch.sub(input, target))
          return torch.reduced(torch.where(torch.le(d, delta), torch.mul(torch.mul(d, d), 0.5), torch.mul(torch.sub(d, torch.mul(delta, 0.5)), delta)), reduction)
        def smooth_l1_loss(input, target, reduction=1, beta=1.0):
          d = torch.abs(torch.sub(input, target))
          if torch.eq(beta, 0):
            return torch.reduced(d, reduction)
          return torch.reduced(torch.where(torch.lt(d, beta), torch.div(torch.mul(torch.mul(d, d), 0.5), beta), torch.sub(d, torch.mul(beta, 0.5))), reduction)
        def binary_cross_entropy(input, target, weight=None, reduction=1):
          y = torch.neg(torch.add(torch.mul(target, torch.clamp(torch.log(input), -100)), torch.mul(torch.rsub(target, 1), torch.clamp(torch.log(torch.rsub(input, 1)), -100))))
          if torch.__isnot__(weight, None):
            y = torch.mul(y, weight)
          return torch.reduced(y, reduction)
        def binary_cross_entropy_with_logits(input, target, weight=None, pos_weight=None, reduction=1):
          if torch.__is__(pos_weight, None):
            y = torch.sub(torch.mul(torch.rsub(target, 1), input), torch.log_sigmoid(input))
          else:
            more = torch.add(torch.mul(torch.sub(pos_weight, 1), target), 1)
            y = torch.sub(torch.mul(torch.rsub(target, 1), input), torch.mul(more, torch.log_sigmoid(input)))
          if torch.__isnot__(weight, None):
            y = torch.mul(y, weight)
          return torch.reduced(y, reduction)
        def weighted_mean(y, weight, reduction):
          if torch.__and__(torch.eq(reduction, 1), torch.__isnot__(weight, None)):
            return torch.div(torch.sum(y), torch.sum(weight))
          return torch.reduced(y, reduction)
        def nll_loss_nd(input, target, weight=None, reduction=1, ignore_index=-100):
          at = torch.unsqueeze(target, 1)
          keep = torch.ne(target, ignore_index)
          y = torch.neg(torch.squeeze(torch.gather(input, 1, torch.mul(at, torch.to(torch.unsqueeze(keep, 1), 4))), 1))
          each = torch.to(keep, 6)
          if torch.__isnot__(weight, None):
            each = torch.mul(each, torch.index(weight, [torch.mul(target, torch.to(keep, 4))]))
          return torch.weighted_mean(torch.mul(y, each), each, reduction)
        def nll_loss(input, target, weight=None, reduction=1, ignore_index=-100):
          return torch.nll_loss_nd(input, target, weight, reduction, ignore_index)
        def cross_entropy_loss(input, target, weight=None, reduction=1, ignore_index=-100, label_smoothing=0.0):
          y = torch.log_softmax(input, 1)
          nll = torch.nll_loss_nd(y, target, weight, reduction, ignore_index)
          if torch.eq(label_smoothing, 0.0):
            return nll
          if torch.__isnot__(weight, None):
            refuse('label_smoothing with weights is not supported')
          keep = torch.to(torch.ne(target, ignore_index), 6)
          even = torch.weighted_mean(torch.mul(torch.neg(torch.mean(y, [1])), keep), keep, reduction)
          return torch.add(torch.mul(nll, torch.sub(1.0, label_smoothing)), torch.mul(even, label_smoothing))
        def soft_margin_loss(input, target, reduction=1):
          return torch.reduced(torch.log1p(torch.exp(torch.neg(torch.mul(input, target)))), reduction)
        def cosine_embedding_loss(input1, input2, target, margin=0.0, reduction=1):
          a, b = torch.add(torch.sum(torch.mul(input1, input1), [-1]), 1e-12), torch.add(torch.sum(torch.mul(input2, input2), [-1]), 1e-12)
          c = torch.div(torch.sum(torch.mul(input1, input2), [-1]), torch.sqrt(torch.mul(a, b)))
          return torch.reduced(torch.where(torch.eq(target, 1), torch.rsub(c, 1), torch.where(torch.eq(target, -1), torch.clamp(torch.sub(c, margin), 0), 0.0)), reduction)
        def kl_div(input, target, reduction=1, log_target=False):
          if log_target:
            return torch.reduced(torch.mul(torch.exp(target), torch.sub(target, input)), reduction)
          return torch.reduced(torch.sub(torch.xlogy(target, target), torch.mul(target, input)), reduction)
        """;

    private static readonly Lazy<TorchModule> s_module = new(() => TorchParser.Parse("PyTorch's operators in terms of others", Code));

    /// <summary>Functions that only help others.</summary>
    private static readonly string[] s_help = ["last_seen", "pairs", "reduced", "seen_so_far", "weighted_mean"];

    public static IEnumerable<LayerReference> References => s_module.Value.Functions.Keys.Except(s_help).Select(n => new LayerReference(n));

    /// <summary>The conversion of an operator that this library has.</summary>
    public static Func<TorchCall, object?>? Find(string name) => s_module.Value.Functions.TryGetValue(name, out TorchFunction? f) ? c => c.Interpreter.CallLibrary(f, c) : null;
}
