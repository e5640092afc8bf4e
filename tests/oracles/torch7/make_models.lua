-- Writes random Torch7 networks, and what Torch7 itself computes of them.
-- usage: luajit make_models.lua FOLDER FIRST LAST     (for each number: net_N.t7, binary or ascii, and net_N.npz with in_NAME and out0, out1 ..)
-- Needs the packages torch and nn, and, if they are there, nngraph and rnn.
require 'nn'
local hasGraph = pcall(require, 'nngraph')
local hasRnn = pcall(require, 'rnn')
local bit = require 'bit'

-- Chance
local function whole(low, high) return torch.random(low, high) end
local function real(low, high) return math.floor(torch.uniform(low, high) * 1000) / 1000 end
local function yes(chance) return torch.uniform() < (chance or 0.5) end
local function one(of) return of[whole(1, #of)] end

-- .npz: a zip of stored .npy files
local crcs = {}
for i = 0, 255 do
   local c = i
   for _ = 1, 8 do c = bit.bxor(bit.rshift(c, 1), bit.band(c, 1) == 1 and 0xedb88320 or 0) end
   crcs[i] = c
end
local function crc(text)
   local c = -1
   for i = 1, #text do c = bit.bxor(bit.rshift(c, 8), crcs[bit.band(bit.bxor(c, text:byte(i)), 255)]) end
   return bit.bnot(c)
end
local function little(value, bytes)
   local text = {}
   for i = 1, bytes do text[i] = string.char(bit.band(bit.rshift(value, 8 * (i - 1)), 255)) end
   return table.concat(text)
end
local function npy(tensor)
   local sizes = {}
   for i = 1, tensor:dim() do sizes[i] = tensor:size(i) .. ',' end
   local head = "{'descr': '<f4', 'fortran_order': False, 'shape': (" .. table.concat(sizes, ' ') .. "), }"
   head = head .. (' '):rep((-(10 + #head + 1)) % 64) .. '\n'
   local ffi = require 'ffi'
   local dense = tensor:float():contiguous()
   return '\147NUMPY\1\0' .. little(#head, 2) .. head .. ffi.string(dense:data(), 4 * dense:nElement())
end
local function saveNpz(path, tensors)
   local body, directory, at, count = {}, {}, 0, 0
   for name, tensor in pairs(tensors) do
      local data = npy(tensor)
      local common = little(20, 2) .. little(0, 4) .. little(0, 2) .. little(33, 2) .. little(crc(data), 4) .. little(#data, 4) .. little(#data, 4) .. little(#name + 4, 2) .. little(0, 2)
      local entry = 'PK\3\4' .. common .. name .. '.npy' .. data
      directory[#directory + 1] = 'PK\1\2' .. little(20, 2) .. common .. little(0, 2) .. little(0, 2) .. little(0, 2) .. little(0, 4) .. little(at, 4) .. name .. '.npy'
      body[#body + 1] = entry
      at, count = at + #entry, count + 1
   end
   local list = table.concat(directory)
   local file = io.open(path, 'wb')
   file:write(table.concat(body), list, 'PK\5\6', little(0, 4), little(count, 2), little(count, 2), little(#list, 4), little(at, 4), little(0, 2))
   file:close()
end

-- What may stand for one input: x is its value, rank its dimensions without the batch, first the dimension that follows the batch.
local batched
local function rankOf(x) return x:dim() - (batched and 1 or 0) end
local function size(x, i) return x:size(i + (batched and 1 or 0)) end
local function dimension(x) local d = whole(1, x:dim()) return yes(0.3) and d - x:dim() - 1 or d end
local function bias(m) if yes(0.2) and m.noBias then m:noBias() end return m end
-- With a stride beyond the kernel Torch7 rounds up to windows of nothing.
local function rounded(m) if yes(0.3) and m.ceil and m.dW <= m.kW and m.dH <= m.kH and (m.dT or 0) <= (m.kT or 0) then m:ceil() end return m end

local elementwise = {
   function() return nn.Tanh() end, function() return nn.Sigmoid() end, function() return nn.ReLU() end, function() return nn.ReLU6() end,
   function() return yes() and nn.HardTanh() or nn.HardTanh(real(-2, 0), real(0.1, 2)) end, function() return nn.Clamp(whole(-2, 0), whole(1, 2)) end,
   function() return nn.Threshold(real(-1, 1), real(-1, 1)) end, function() return nn.LeakyReLU(real(0, 0.5)) end, function() return nn.ELU(real(0.3, 2)) end,
   function() return nn.RReLU(real(0.05, 0.2), real(0.2, 0.5)) end, function() return nn.HardShrink(real(0.1, 1)) end, function() return nn.SoftShrink(real(0.1, 1)) end,
   function() return nn.TanhShrink() end, function() return nn.SoftSign() end, function() return nn.LogSigmoid() end, function() return nn.Abs() end,
   function() return nn.Square() end, function() return nn.Sequential():add(nn.Abs()):add(nn.Sqrt()) end, function() return nn.Exp() end,
   function() return nn.Sequential():add(nn.Square()):add(nn.AddConstant(0.5)):add(nn.Log()) end, function() return nn.Power(one{2, 3, 1}) end,
   function() return nn.Sequential():add(nn.Abs()):add(nn.AddConstant(0.1)):add(nn.Power(real(-1.5, 1.5))) end,
   function() return nn.MulConstant(real(-2, 2)) end, function() return nn.AddConstant(real(-2, 2)) end, function() return nn.Mul() end,
   function() return nn.SoftPlus(one{1, 2, 0.5}) end, function() return nn.Identity() end, function() return nn.Contiguous() end, function() return nn.Dropout(0.3) end,
   function() return nn.GradientReversal() end, function() return nn.L1Penalty(0.1) end, function() return nn.WhiteNoise(0, 0.1) end, function() return nn.Copy(nil, nil, true) end,
   function(x) return nn.Sequential():add(nn.Tanh()):add(nn.MulConstant(4)) end,
}
if nn.CReLU then elementwise[#elementwise + 1] = function(x) return nn.CReLU(rankOf(x)) end end

local function sizes(x, from) local s = {} for i = from, x:dim() do s[#s + 1] = x:size(i) end return s end

local general = {
   function(x) return nn.SoftMax() end, function(x) return nn.LogSoftMax() end, function(x) return nn.SoftMin() end,
   function(x) return yes() and nn.PReLU() or nn.PReLU(size(x, 1)) end,
   function(x) local s = sizes(x, batched and 2 or 1) if yes(0.3) then for i = 1, #s do if yes() then s[i] = 1 end end end if batched and yes() then table.insert(s, 1, 1) end
      return (yes() and nn.CMul or nn.CAdd)(torch.LongStorage(s)) end,
   function(x) return nn.GatedLinearUnit(yes(0.3) and nil or whole(1, x:dim())) end,
   function(x) return nn.Select(dimension(x), whole(1, 2) * one{1, 1, -1}) end,
   function(x) return nn.Narrow(dimension(x), whole(1, 2), one{1, 2, -1, -2}) end,
   function(x) local d = whole(1, rankOf(x)) return (yes() and nn.Max or nn.Min)(yes(0.3) and -d or d, batched and rankOf(x) or (yes() and x:dim() or nil)) end,
   function(x) local d = whole(1, rankOf(x)) if yes() then return nn.Mean(d, rankOf(x)) end return nn.Sum(d, rankOf(x), yes(0.3), yes(0.7)) end,
   function(x) return nn.Padding(whole(1, rankOf(x)), one{-2, -1, 1, 2}, rankOf(x), real(-1, 1), yes(0.8) and 1 or whole(1, 2)) end,
   function(x) return nn.Replicate(whole(1, 3), whole(1, rankOf(x) + 1), yes() and rankOf(x) or nil) end,
   function(x) local m = nn.Unsqueeze(whole(1, rankOf(x) + 1)) return batched and m:setNumInputDims(rankOf(x)) or m end,
   function(x) if yes() then return nn.Squeeze() end local m = nn.Squeeze(whole(1, rankOf(x))) return batched and m:setNumInputDims(rankOf(x)) or m end,
   function(x) local m = nn.Transpose({whole(1, rankOf(x)), whole(1, rankOf(x))}, {whole(1, rankOf(x)), whole(1, rankOf(x))}) return batched and m:setNumInputDims(rankOf(x)) or m end,
   function(x)
      local n, s = 1, {}
      for i = 1, rankOf(x) do n = n * size(x, i) end
      while #s < 3 and yes(0.6) do
         local of = {}
         for d = 1, math.min(n, 9) do if n % d == 0 then of[#of + 1] = d end end
         s[#s + 1] = one(of)
         n = n / s[#s]
      end
      table.insert(s, whole(1, #s + 1), n)
      if yes() then return yes() and nn.Reshape(torch.LongStorage(s)) or nn.Reshape(torch.LongStorage(s), batched) end
      if yes(0.4) then s[whole(1, #s)] = -1 end
      local m = nn.View(torch.LongStorage(s))
      return (batched or yes(0.3)) and m:setNumInputDims(rankOf(x)) or m
   end,
   function(x) return nn.Collapse and nn.Collapse(rankOf(x)) end,
   function(x) return nn.LayerNormalization and nn.LayerNormalization(x:size(x:dim())) end,
   function(x) local c = nn.Sequential():add(nn.Linear(x:size(x:dim()), whole(1, 4))) return nn.Bottle(c, 2) end,
}

local vector = {
   function(x) return bias(nn.Linear(x:size(x:dim()), whole(1, 6))) end, function(x) return bias(nn.Linear(x:size(x:dim()), whole(1, 6))) end,
   function(x) return nn.BatchNormalization(x:size(x:dim()), one{1e-5, 1e-3}, 0.1, yes(0.7)) end,
   function(x) return nn.Add(x:size(x:dim()), yes(0.3)) end, function(x) return nn.Normalize(one{1, 2, 2, 3, 1.5, math.huge}, one{1e-10, 1e-3}) end,
   function(x) return nn.Cosine(x:size(x:dim()), whole(1, 4)) end, function(x) return nn.Euclidean(x:size(x:dim()), whole(1, 4)) end,
   function(x) return nn.WeightedEuclidean(x:size(x:dim()), whole(1, 4)) end, function(x) return nn.Maxout(x:size(x:dim()), whole(1, 4), whole(1, 3)) end,
   function(x) return nn.Linear and nn.LinearWeightNorm(x:size(x:dim()), whole(1, 4), yes(0.7)) end,
   function(x) return nn.WeightNorm(nn.Linear(x:size(x:dim()), whole(1, 4))) end,
}

local sequence = {
   function(x) return nn.TemporalConvolution(x:size(x:dim()), whole(1, 4), whole(1, 3), whole(1, 2)) end,
   function(x) return nn.TemporalMaxPooling(whole(1, 3), whole(1, 3)) end, function(x) return nn.TemporalSubSampling(x:size(x:dim()), whole(1, 3), whole(1, 2)) end,
   function(x) local k, isFirst = whole(1, 3), yes() return x:size(isFirst and x:dim() or x:dim() - 1) >= k and nn.TemporalRowConvolution(x:size(isFirst and x:dim() - 1 or x:dim()), k, whole(1, 2), isFirst) end,
   function(x) return nn.TemporalDynamicKMaxPooling(whole(1, 3)) end,
   function(x) return hasRnn and batched and nn.SeqLSTM(x:size(3), whole(1, 4)) end, function(x) return hasRnn and batched and nn.SeqGRU(x:size(3), whole(1, 4)) end,
   function(x) return nn.SplitTable(whole(1, 2), 2) end,
}

local function window() local kw, kh = whole(1, 4), whole(1, 4) return kw, kh, whole(1, 3), whole(1, 3), whole(0, math.floor(kw / 2)), whole(0, math.floor(kh / 2)) end
local function kernel(x) return torch.rand(one{1, 3, 5}, one{1, 3}) end

local map = {
   function(x) return bias(nn.SpatialConvolution(size(x, 1), whole(1, 5), window())) end, function(x) return nn.SpatialConvolutionMM(size(x, 1), whole(1, 5), window()) end,
   function(x) local a, b, c, d, e, f = window() return bias(nn.SpatialDilatedConvolution(size(x, 1), whole(1, 4), a, b, c, d, e, f, whole(1, 2), whole(1, 2))) end,
   function(x) local n = whole(1, 3) return nn.SpatialConvolutionMap(one{nn.tables.full(size(x, 1), n), nn.tables.random(size(x, 1), n, 1), nn.tables.oneToOne(size(x, 1))}, whole(1, 3), whole(1, 3), whole(1, 2), whole(1, 2)) end,
   function(x) local a, b, c, d, e, f = window() return bias(nn.SpatialFullConvolution(size(x, 1), whole(1, 4), a, b, c, d, e, f, whole(0, c - 1), whole(0, d - 1))) end,
   function(x) local n = whole(1, 3) return nn.SpatialFullConvolutionMap(one{nn.tables.full(size(x, 1), n), nn.tables.oneToOne(size(x, 1))}, whole(1, 3), whole(1, 3), whole(1, 2), whole(1, 2)) end,
   function(x) return nn.SpatialConvolutionLocal(size(x, 1), whole(1, 3), size(x, 3), size(x, 2), window()) end,
   function(x) return bias(size(x, 2) == size(x, 3) and nn.SpatialDepthWiseConvolution(size(x, 1), whole(1, 3), window())) end,
   function(x) return rounded(nn.SpatialMaxPooling(window())) end, function(x) local a, b, c, d, e, f = window() return rounded(nn.SpatialDilatedMaxPooling(a, b, c, d, e, f, whole(1, 2), whole(1, 2))) end,
   function(x) local m = rounded(nn.SpatialAveragePooling(window())) if yes(0.3) then m:setCountExcludePad() end if yes(0.2) then m.divide = false end return m end,
   function(x) return nn.SpatialLPPooling(size(x, 1), one{1, 2, 3}, whole(1, 3), whole(1, 3), whole(1, 2), whole(1, 2)) end,
   function(x) return nn.SpatialSubSampling(size(x, 1), whole(1, 3), whole(1, 3), whole(1, 3), whole(1, 3)) end,
   function(x) return (yes() and nn.SpatialAdaptiveMaxPooling or nn.SpatialAdaptiveAveragePooling)(whole(1, 4), whole(1, 4)) end,
   function(x) return nn.SpatialUpSamplingNearest(whole(1, 3)) end,
   function(x) return yes() and nn.SpatialUpSamplingBilinear(whole(1, 3)) or nn.SpatialUpSamplingBilinear({oheight = whole(1, 9), owidth = whole(1, 9)}) end,
   function(x) return nn.SpatialZeroPadding(whole(-1, 2), whole(-1, 2), whole(-1, 2), whole(-1, 2)) end,
   -- Larger reflections than the plane are read from outside of it.
   function(x)
      local l, r, t, b = whole(0, 2), whole(0, 2), whole(0, 2), whole(0, 2)
      if yes() then return math.max(l, r) < size(x, 3) and math.max(t, b) < size(x, 2) and nn.SpatialReflectionPadding(l, r, t, b) end
      return nn.SpatialReplicationPadding(l, r, t, b)
   end,
   function(x) return nn.SpatialSubtractiveNormalization(size(x, 1), yes() and kernel(x) or torch.rand(3)) end, function(x) return nn.SpatialDivisiveNormalization(size(x, 1), yes() and kernel(x) or torch.rand(3), real(0.01, 0.5), real(0.01, 0.5)) end,
   function(x) return nn.SpatialContrastiveNormalization(size(x, 1), kernel(x)) end,
   function(x) return nn.SpatialCrossMapLRN(whole(1, 5), real(0.0001, 0.5), real(0.3, 1), real(0.5, 2)) end,
   function(x) return nn.SpatialBatchNormalization(size(x, 1), one{1e-5, 1e-3}, 0.1, yes(0.7)) end,
   function(x) return nn.PixelShuffle(2) end, function(x) return nn.SpatialSoftMax() end, function(x) return nn.SpatialLogSoftMax() end, function(x) return nn.SpatialDropout(0.3) end,
   function(x) return nn.UpSampling and nn.UpSampling(whole(1, 3), one{'nearest', 'bilinear'}) end,
   function(x) return nn.WeightNorm(nn.SpatialConvolution(size(x, 1), whole(1, 4), 3, 3, 1, 1, 1, 1)) end,
   function(x) return nn.SplitTable(whole(1, 3), 3) end,
}

local function window3() local kt, kw, kh = whole(1, 3), whole(1, 3), whole(1, 3) return kt, kw, kh, whole(1, 2), whole(1, 2), whole(1, 2), whole(0, math.floor(kt / 2)), whole(0, math.floor(kw / 2)), whole(0, math.floor(kh / 2)) end

local volume = {
   function(x) return bias(nn.VolumetricConvolution(size(x, 1), whole(1, 4), window3())) end,
   function(x) local a, b, c, d, e, f, g, h, i = window3() return nn.VolumetricDilatedConvolution(size(x, 1), whole(1, 3), a, b, c, d, e, f, g, h, i, whole(1, 2), whole(1, 2), whole(1, 2)) end,
   function(x) local a, b, c, d, e, f, g, h, i = window3() return nn.VolumetricFullConvolution(size(x, 1), whole(1, 3), a, b, c, d, e, f, g, h, i, whole(0, d - 1), whole(0, e - 1), whole(0, f - 1)) end,
   function(x) return rounded(nn.VolumetricMaxPooling(window3())) end, function(x) return rounded(nn.VolumetricAveragePooling(window3())) end,
   function(x) local a, b, c, d, e, f, g, h, i = window3() return rounded(nn.VolumetricDilatedMaxPooling(a, b, c, d, e, f, g, h, i, whole(1, 2), whole(1, 2), whole(1, 2))) end,
   function(x) return nn.VolumetricReplicationPadding(whole(0, 2), whole(0, 2), whole(0, 2), whole(0, 2), whole(0, 1), whole(0, 1)) end,
   function(x) return nn.VolumetricBatchNormalization(size(x, 1), 1e-5, 0.1, yes(0.7)) end, function(x) return nn.VolumetricDropout(0.3) end,
}

local function isTensor(x) return torch.isTensor(x) end
local function flat(x, into) into = into or {} if isTensor(x) then into[#into + 1] = x else for _, t in ipairs(x) do flat(t, into) end end return into end
local grow

-- A container of modules for the same x, with how their results are joined.
local function branches(x)
   local n, c = whole(2, 3), nn.ConcatTable()
   local first = nn.Sequential()
   grow(first, x, whole(0, 2))
   c:add(#first.modules > 0 and first or nn.Identity())
   for _ = 2, n do c:add(yes() and first:clone() or one(elementwise)(x)) end
   return c
end

local function joined(x, d)
   local kind = whole(1, 3)
   local c = kind == 1 and nn.Concat(d) or kind == 2 and nn.DepthConcat(d) or nn.Parallel(d, whole(1, math.max(1, x:dim() - 1)))
   for _ = 1, kind == 3 and x:size(d) or whole(1, 3) do
      local s = nn.Sequential()
      grow(s, kind == 3 and x:select(d, 1) or x, whole(1, 2))
      c:add(#s.modules > 0 and s or nn.Identity())
   end
   return c
end

local tables = {
   function(t) return nn.CAddTable() end, function(t) return nn.CMulTable() end, function(t) return nn.CMaxTable() end, function(t) return nn.CMinTable() end,
   function(t) return nn.CSubTable() end, function(t) return nn.Sequential():add(nn.ParallelTable():add(nn.Identity()):add(nn.Sequential():add(nn.Abs()):add(nn.AddConstant(1)))):add(nn.CDivTable()) end,
   function(t) local x = flat(t)[1] return nn.JoinTable(one{whole(1, x:dim()), -1}) end, function(t) local x = flat(t)[1] return nn.JoinTable(whole(1, rankOf(x)), rankOf(x)) end,
   function(t) return nn.SelectTable(one{1, 2, -1}) end, function(t) return nn.NarrowTable(whole(1, 2), whole(1, 2)) end, function(t) return nn.FlattenTable() end,
   function(t) return nn.MapTable(one(elementwise)(flat(t)[1])) end, function(t) return nn.MapTable():add(nn.Linear(flat(t)[1]:size(flat(t)[1]:dim()), whole(1, 3))) end,
   function(t) local p = nn.ParallelTable() for i = 1, #t do p:add(one(elementwise)(flat(t)[1])) end return p end,
   function(t) return nn.DotProduct() end, function(t) return nn.CosineDistance() end, function(t) return nn.PairwiseDistance(one{1, 2, 3}) end, function(t) return nn.MM(yes(), yes()) end, function(t) return nn.MV(yes()) end,
   function(t) local a, b = flat(t)[1], flat(t)[2] return nn.Bilinear(a:size(a:dim()), b:size(b:dim()), whole(1, 3), yes(0.7)) end,
   function(t) return nn.ZipTable() end, function(t) return nn.MixtureTable(yes() and nil or 2) end, function(t) return nn.CAddTensorTable() end,
   function(t) local f = nn.ConcatTable() f:add(nn.SelectTable(1)):add(nn.SelectTable(-1)) return f end,
}

local byRank = {vector, sequence, map, volume}

local function candidate(x)
   if not isTensor(x) then return one(tables)(x) end
   local r = torch.uniform()
   if r < 0.12 then return branches(x) end
   if r < 0.2 then return joined(x, whole(1, x:dim())) end
   if r < 0.35 then return one(elementwise)(x) end
   if r < 0.55 then return one(general)(x) end
   return one(byRank[math.min(4, math.max(1, rankOf(x)))])(x)
end

local function randomize(m)
   for _, name in ipairs{'weight', 'bias', 'running_mean'} do
      local w = m[name]
      if isTensor(w) and w:nElement() > 0 and not m.connTable then w:copy(torch.randn(w:size()):mul(w:dim() > 1 and 1.2 / math.sqrt(w:nElement() / w:size(1)) or 0.6)) end
   end
   if isTensor(m.running_var) then m.running_var:uniform(0.3, 2) end
end

function grow(net, x, count)
   local done = 0
   for _ = 1, 20 do
      if done == count then break end
      local ok, y, m = pcall(function()
         local m = candidate(x)
         if not m then error('none') end
         m:training()
         m:apply(randomize)
         m:evaluate()
         local y = m:forward(nn.utils.recursiveCopy(nil, x))
         local all = flat(y)
         if #all == 0 or #all > 6 then error('size') end
         for _, t in ipairs(all) do
            if t:nElement() == 0 or t:nElement() > 3000 or t:dim() > 5 or t:ne(t):any() or t:clone():abs():max() > 1e5 then error('size') end
         end
         return nn.utils.recursiveCopy(nil, y), m
      end)
      if ok then
         net:add(m)
         x, done = y, done + 1
         if isTensor(x) and x:dim() < 2 then batched = false end
      end
   end
   return x
end

-- The network as a graph of nngraph, some of its tensors used again.
local function graphOf(x)
   local function forward(node, x, count)
      local net = nn.Sequential()
      local y = grow(net, x, count)
      for _, m in ipairs(net.modules) do node = m(node) end
      return node, y
   end
   local input = nn.Identity()()
   local a, y = forward(input, x, whole(1, 3))
   local b, z = forward(a, y, whole(1, 2))
   if isTensor(y) and isTensor(z) and y:isSameSizeAs(z) then return nn.gModule({input}, {nn.CAddTable()({a, b})}) end
   return nn.gModule({input}, yes() and {a, b} or {b})
end

local function make(folder, seed)
   torch.manualSeed(seed)
   batched = yes(0.7)
   local s = one{{whole(1, 8)}, {whole(3, 7), whole(1, 5)}, {whole(1, 5), whole(3, 8), whole(3, 8)}, {whole(1, 4), whole(3, 8), whole(3, 8)}, {whole(1, 3), whole(3, 5), whole(3, 5), whole(3, 5)}}
   if batched then table.insert(s, 1, whole(1, 3)) end
   local x, net = torch.randn(torch.LongStorage(s)):float():double(), nil
   local input, isBatched = x:clone(), batched
   if hasGraph and yes(0.15) then net = graphOf(x)
   else
      net = nn.Sequential()
      if yes(0.1) then
         x:resize(#s > 1 and 2 or 3, whole(2, 5))
         if not batched then x:resize(whole(2, 6)) end
         x:apply(function() return whole(1, 6) end)
         input = x:clone()
         net:add(nn.LookupTable(6, whole(1, 5)))
         net:apply(randomize)
         x = net:forward(x):clone()
      end
      grow(net, x, whole(1, 6))
      if #net.modules == 0 then return end
   end
   net:evaluate()
   -- TemporalRowConvolution keeps the strides of its last output where sizes are equal, and then fills it in the wrong order.
   net:clearState()
   local stored = {in_input = input}
   for i, t in ipairs(flat(net:forward(input:clone()))) do stored['out' .. i - 1] = t:clone() end
   if yes() then net:clearState() end
   if yes(0.4) then net:float() end
   local root = yes(0.2) and {model = net, epoch = 3} or net
   torch.save(('%s/net_%d.t7'):format(folder, seed), root, yes(0.2) and 'ascii' or 'binary')
   saveNpz(('%s/net_%d.npz'):format(folder, seed), stored)
end

for seed = tonumber(arg[2]), tonumber(arg[3]) do
   local ok, e = pcall(make, arg[1], seed)
   if not ok then io.stderr:write(('net_%d: %s\n'):format(seed, tostring(e):sub(1, 200))) end
end
