// Writes random layers-models with random weights, and what TensorFlow.js itself predicts with them.
// usage: npm install @tensorflow/tfjs@4.22.0; node make_models.js FOLDER FIRST LAST
//   (for each number: net_N.json with its shard net_N.bin, and net_N.npz with inputs in0 .. and predictions out0 ..)
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path'), zlib = require('zlib');
const L = tf.layers;
class Unfit extends Error {}

// Chance: xorshift, so that a number makes the same model everywhere.
let state = 1;
const next = () => { state ^= state << 13; state ^= state >>> 17; state ^= state << 5; return (state >>> 0) / 4294967296; };
const whole = (low, high) => low + Math.floor(next() * (high - low + 1));
const real = (low, high) => Math.round((low + next() * (high - low)) * 1000) / 1000;
const yes = (chance = 0.5) => next() < chance;
const one = of => of[whole(0, of.length - 1)];
const normal = () => Math.sqrt(-2 * Math.log(1 - next())) * Math.cos(2 * Math.PI * next());

// .npz: a zip of stored .npy files
function npz(file, tensors) {
  const parts = [], list = [];
  let at = 0;
  for (const [name, t] of Object.entries(tensors)) {
    let head = `{'descr': '<f4', 'fortran_order': False, 'shape': (${t.shape.map(d => d + ',').join(' ')}), }`;
    head += ' '.repeat(63 - (10 + head.length) % 64) + '\n';
    const size = Buffer.alloc(2);
    size.writeUInt16LE(head.length);
    const data = Buffer.concat([Buffer.from('\x93NUMPY\x01\x00', 'latin1'), size, Buffer.from(head, 'latin1'), Buffer.from(Float32Array.from(t.dataSync()).buffer)]);
    const common = Buffer.alloc(26), entry = name + '.npy';
    common.writeUInt16LE(20, 0); common.writeUInt16LE(33, 8); common.writeUInt32LE(zlib.crc32(data), 10);
    common.writeUInt32LE(data.length, 14); common.writeUInt32LE(data.length, 18); common.writeUInt16LE(entry.length, 22);
    const local = Buffer.concat([Buffer.from('PK\x03\x04', 'latin1'), common, Buffer.from(entry), data]), place = Buffer.alloc(14);
    place.writeUInt32LE(at, 10);
    list.push(Buffer.concat([Buffer.from('PK\x01\x02\x14\x00', 'latin1'), common, place, Buffer.from(entry)]));
    parts.push(local);
    at += local.length;
  }
  const directory = Buffer.concat(list), end = Buffer.alloc(22);
  end.write('PK\x05\x06', 0, 'latin1'); end.writeUInt16LE(list.length, 8); end.writeUInt16LE(list.length, 10);
  end.writeUInt32LE(directory.length, 12); end.writeUInt32LE(at, 16);
  fs.writeFileSync(file, Buffer.concat([...parts, directory, end]));
}

const product = s => s.reduce((a, b) => a * b, 1);
const activations = ['elu', 'hardSigmoid', 'linear', 'relu', 'relu6', 'selu', 'sigmoid', 'softmax', 'softplus', 'softsign', 'tanh', 'swish', 'mish', 'gelu', 'gelu_new', undefined];
const activation = () => one(activations);

// A model while it grows: a layer at a time, each on symbolic tensors whose shapes TensorFlow.js has told.
class Maker {
  constructor(sequence) { Object.assign(this, { sequence, inputs: [], tensors: [], chain: [], used: new Set(), shared: [], tokens: new Map() }); }

  input(shape, tokens = 0) {
    const x = tf.input({ shape });
    this.inputs.push(x);
    this.tokens.set(x, tokens);
    if (!tokens) this.tensors.push(x);
    return x;
  }

  take(ranks, fits = () => true) {
    const fitting = (this.sequence ? this.tensors.slice(-1) : this.tensors).filter(t => (!ranks || ranks.includes(t.rank)) && fits(t.shape));
    if (!fitting.length) throw new Unfit();
    return fitting[fitting.length - 1 - Math.min(Math.floor(-1.5 * Math.log(1 - next())), fitting.length - 1)];
  }

  call(layer, x, ...more) {
    if (this.sequence && (Array.isArray(x) || more.length)) throw new Unfit();
    const result = layer.apply(x, ...more), all = Array.isArray(result) ? result : [result];
    if (this.sequence && all.length > 1) throw new Unfit();
    if (all.some(t => t.rank > 5 || t.rank < 2 || product(t.shape.slice(1)) > 3000 || Math.min(...t.shape.slice(1)) < 1)) throw new Unfit();
    this.chain.push(layer);
    (Array.isArray(x) ? x : [x]).forEach(t => this.used.add(t));
    if (!Array.isArray(x) && !more.length) this.shared.push([layer, x.shape]);
    this.tensors.push(...all);
  }

  grow(count, of) {
    for (let done = 0, tries = 0; done < count && tries < 12 * count; tries++)
      try { one(of)(this); done++; } catch (e) { if (e instanceof ReferenceError) throw e; }
  }

  model() {
    if (this.sequence) {
      if (!this.chain.length) throw new Unfit();
      return tf.sequential({ layers: [L.inputLayer({ inputShape: this.inputs[0].shape.slice(1) }), ...this.chain] });
    }
    const ends = this.tensors.filter(t => !this.used.has(t) && !this.inputs.includes(t)), outputs = ends.slice(-3);
    if (!outputs.length) throw new Unfit();
    // Inputs that lead to no output are no part of a saved model.
    const read = new Set(), pending = [...outputs];
    while (pending.length) {
      const t = pending.pop();
      if (read.has(t)) continue;
      read.add(t);
      pending.push(...t.sourceLayer.inboundNodes[t.nodeIndex].inputTensors);
    }
    return tf.model({ inputs: this.inputs.filter(x => read.has(x)), outputs });
  }
}

const spatial = (s, format) => format === 'channelsFirst' ? s.slice(2) : s.slice(1, -1);

function window(sizes, most = 4) {
  const kernelSize = yes(0.4) ? whole(1, Math.min(most, ...sizes)) : sizes.map(s => whole(1, Math.min(most, s)));
  return { kernelSize, strides: yes(0.4) ? whole(1, 3) : sizes.map(() => whole(1, 3)), padding: one(['valid', 'same']) };
}

// channelsFirst is not for every layer of TensorFlow.js's plain backend.
function convolutionSettings(s, axes, causal) {
  const p = { ...window(spatial(s, 'channelsLast')), useBias: yes(0.8), activation: activation(), dataFormat: 'channelsLast' };
  if (axes === 1 && causal && yes(0.3)) p.padding = 'causal';
  if (yes(0.25)) { p.strides = 1; p.dilationRate = yes() ? 2 : s.slice(1, -1).map(() => whole(1, 2)); }
  if (axes === 1) for (const k of ['kernelSize', 'strides', 'dilationRate']) if (Array.isArray(p[k]) && yes()) p[k] = p[k][0];
  return p;
}

function dense(m) { m.call(L.dense({ units: whole(1, 6), activation: activation(), useBias: yes(0.8) }), m.take()); }
function act(m) { m.call(L.activation({ activation: one(activations.slice(0, -1)) }), m.take()); }

function advanced(m) {
  const x = m.take();
  m.call(one([() => L.leakyReLU({ alpha: real(0, 0.6) }), () => L.prelu({ sharedAxes: yes() ? undefined : [whole(1, x.rank - 1)] }), () => L.elu({ alpha: real(0.2, 2) }), () => L.thresholdedReLU({ theta: real(0, 1) }),
    () => L.softmax({ axis: one([-1, x.rank - 1]) }), () => L.reLU(yes() ? {} : { maxValue: real(0.5, 3) })])(), x);
}

function nothing(m) {
  const x = m.take();
  m.call(one([() => L.dropout({ rate: 0.3 }), () => L.gaussianNoise({ stddev: 0.2 }), () => L.gaussianDropout({ rate: 0.2 }), () => L.alphaDropout({ rate: 0.1 }), () => x.rank === 3 ? L.spatialDropout1d({ rate: 0.3 }) : L.dropout({ rate: 0.1 })])(), x);
}

function shapes(m) {
  const x = m.take(), s = x.shape.slice(1), kind = whole(0, 3);
  if (kind === 0) m.call(L.flatten({ dataFormat: yes(0.3) ? 'channelsFirst' : undefined }), x);
  else if (kind === 1) m.call(L.permute({ dims: s.map((_, i) => [next(), i + 1]).sort((a, b) => a[0] - b[0]).map(p => p[1]) }), x);
  else if (kind === 2) {
    const target = [];
    let count = product(s);
    while (target.length < 3 && yes(0.6)) {
      const d = one([...Array(Math.min(count, 12)).keys()].map(i => i + 1).filter(d => count % d === 0));
      target.push(d);
      count /= d;
    }
    target.splice(whole(0, target.length), 0, count);
    if (yes()) target[whole(0, target.length - 1)] = -1;
    m.call(L.reshape({ targetShape: target }), x);
  } else m.call(L.repeatVector({ n: whole(1, 4) }), m.take([2]));
}

const format = () => one(['channelsLast', 'channelsFirst', undefined]);

function frames(m) {
  const x = m.take([4]), margin = () => one([whole(0, 2), [whole(0, 2), whole(0, 2)], [[whole(0, 2), whole(0, 2)], [whole(0, 2), whole(0, 2)]]]);
  m.call(one([() => L.zeroPadding2d({ padding: margin(), dataFormat: format() }), () => L.cropping2D({ cropping: [[whole(0, 2), whole(0, 2)], [whole(0, 2), whole(0, 2)]], dataFormat: format() }),
    () => L.upSampling2d({ size: [whole(1, 3), whole(1, 3)], interpolation: one(['nearest', 'bilinear', undefined]), dataFormat: format() }),
    () => L.rescaling({ scale: real(0.1, 2), offset: real(-1, 1) }), () => L.centerCrop({ height: whole(1, 4), width: whole(1, 4) }),
    () => L.resizing({ height: whole(1, 9), width: whole(1, 9), interpolation: one(['bilinear', 'nearest']), cropToAspectRatio: false })])(), x);
}

// Three axes whose stride is beyond the kernel begin elsewhere in TensorFlow.js than in TensorFlow.
const isShifted = (kernel, strides, padding) => padding === 'same' && [0, 1, 2].some(i => (strides[i] || strides) > (kernel[i] || kernel));

function convolution(m) {
  const x = m.take([3, 4, 5]), axes = x.rank - 2;
  const p = convolutionSettings(x.shape, axes, true);
  if (axes === 3 && isShifted(p.kernelSize, p.strides, p.padding)) throw new Unfit();
  m.call(L[`conv${axes}d`]({ filters: whole(1, 5), ...p }), x);
}

function transposed(m) {
  const x = m.take([4, 5]), p = convolutionSettings(x.shape, x.rank - 2, false);
  delete p.dilationRate;
  if (x.rank === 5 && isShifted(p.kernelSize, p.strides, p.padding)) throw new Unfit();
  m.call(L[`conv${x.rank - 2}dTranspose`]({ filters: whole(1, 4), ...p }), x);
}

function depthwise(m) {
  const x = m.take([4]), p = { ...convolutionSettings(x.shape, 2, false), depthMultiplier: whole(1, 3) };
  if (Array.isArray(p.strides)) p.strides = p.strides[0];
  // TensorFlow.js computes depthwise layers without their dilation.
  if (yes()) { delete p.dilationRate; m.call(L.depthwiseConv2d(p), x); } else m.call(L.separableConv2d({ filters: whole(1, 5), ...p }), x);
}

function pooling(m) {
  const x = m.take([3, 4, 5]), axes = x.rank - 2, kind = one(['max', 'average']);
  if (yes(0.25)) {
    m.call(L[`global${kind === 'max' ? 'Max' : 'Average'}Pooling${axes}d`](axes > 1 ? { dataFormat: format() } : {}), x);
    return;
  }
  const f = axes > 1 ? format() : undefined, { kernelSize, strides, padding } = window(spatial(x.shape, f)), p = { poolSize: kernelSize, padding };
  if (axes > 1) p.dataFormat = f;
  if (yes(0.7)) p.strides = strides;
  if (axes === 3 && p.strides && isShifted(p.poolSize, p.strides, p.padding)) throw new Unfit();
  m.call(L[`${kind}Pooling${axes}d`](p), x);
}

function normalization(m) {
  const x = m.take();
  // Its plain backend repeats statistics along the last axis, whatever the axis.
  if (yes(0.7)) m.call(L.batchNormalization({ axis: one([-1, x.rank - 1]), center: yes(0.8), scale: yes(0.8), epsilon: one([1e-3, 1e-5, 0.1]) }), x);
  else m.call(L.layerNormalization({ axis: one([-1, whole(1, x.rank - 1)]), center: yes(0.8), scale: yes(0.8), epsilon: one([1e-3, 0.1]) }), x);
}

function cellSettings(kind) {
  const p = { units: whole(1, 5), useBias: yes(0.8) };
  if (yes(0.4)) p.activation = one(['tanh', 'relu', 'sigmoid', 'hardSigmoid', 'linear', 'softsign', 'elu', 'softplus', 'selu', 'swish']);
  if (kind !== 'simpleRNN' && yes(0.4)) p.recurrentActivation = one(['sigmoid', 'hardSigmoid', 'tanh', 'relu']);
  return p;
}

function recurrentLayer(m, plain) {
  const kind = one(['simpleRNN', 'gru', 'lstm']), q = { returnSequences: yes(0.6), goBackwards: yes(0.25), returnState: !plain && !m.sequence && yes(0.2) };
  if (yes(0.25)) {
    const cell = k => L[k + 'Cell'](cellSettings(k));
    return [L.rnn({ cell: yes() ? cell(kind) : [...Array(whole(1, 3))].map(() => cell(one(['simpleRNN', 'gru', 'lstm']))), ...q }), 0, 0];
  }
  const p = cellSettings(kind);
  return [L[kind]({ ...p, ...q, unroll: yes(0.2), implementation: one([1, 2]) }), p.units, kind === 'lstm' ? 2 : 1];
}

function recurrent(m) {
  const x = m.take([3]), [layer, units, states] = recurrentLayer(m, false);
  const fitting = m.tensors.filter(t => t.rank === 2 && t.shape[1] === units);
  if (units && fitting.length && !m.sequence && yes(0.3)) {
    const initialState = [...Array(states)].map(() => one(fitting));
    m.call(layer, x, { initialState });
    initialState.forEach(t => m.used.add(t));
  } else m.call(layer, x);
}

function bidirectional(m) {
  const x = m.take([3]);
  m.call(L.bidirectional({ layer: recurrentLayer(m, yes(0.8))[0], mergeMode: one(m.sequence ? ['concat', 'sum', 'mul', 'ave'] : ['concat', 'sum', 'mul', 'ave', null]) }), x);
}

function convolutionLstm(m) {
  const x = m.take([5]), p = convolutionSettings([0, ...x.shape.slice(2)], 2, false);
  p.activation = one(['tanh', 'relu', 'sigmoid', undefined]);
  m.call(L.convLstm2d({ filters: whole(1, 3), ...p, returnSequences: yes(), goBackwards: yes(0.2), returnState: !m.sequence && yes(0.2) }), x);
}

function distributed(m) {
  const x = m.take([3, 4, 5]), inner = new Maker(true);
  inner.input(x.shape.slice(2));
  inner.grow(1, ALL.filter(f => ![distributed, embedding, several, again].includes(f)));
  if (!inner.chain.length) throw new Unfit();
  m.call(L.timeDistributed({ layer: inner.chain[0] }), x);
}

function masking(m) { m.call(L.masking({ maskValue: one([0, 0.5, -1]) }), m.take([3])); }

function embedding(m) {
  if (m.sequence) throw new Unfit();
  const words = whole(2, 9), x = m.input([whole(1, 7)], words);
  m.call(L.embedding({ inputDim: words, outputDim: whole(1, 5), maskZero: yes(0.4) }), x);
}

function merge(m) {
  const x = m.take(), kind = one(['add', 'multiply', 'average', 'maximum', 'minimum', 'concatenate']);
  if (kind === 'concatenate') {
    const axis = whole(1, x.rank - 1), same = m.tensors.filter(t => t.rank === x.rank && t.shape.every((d, i) => i === axis || d === x.shape[i]));
    m.call(L.concatenate({ axis: axis === x.rank - 1 && yes() ? -1 : axis }), [...Array(whole(2, 3))].map(() => one(same)));
    return;
  }
  const same = yes(0.8) ? m.tensors.filter(t => t.shape.join() === x.shape.join()) : m.tensors;
  m.call(L[kind](), [x, ...[...Array(whole(1, 2))].map(() => one(same))]);
}

function dot(m) {
  const x = m.take([2, 3]), y = m.take([2, 3]), pairs = [];
  for (let i = 1; i < x.rank; i++) for (let j = 1; j < y.rank; j++) if (x.shape[i] === y.shape[j]) pairs.push([i, j]);
  const [i, j] = one(pairs);
  m.call(L.dot({ axes: i === j && yes() ? i : [i, j], normalize: yes(0.3) }), [x, y]);
}

function again(m) {
  if (m.sequence) throw new Unfit();
  const [layer, s] = one(m.shared);
  m.call(layer, m.take(null, t => t.join() === s.join()));
}

function several(m) {
  const x = m.take(), inner = new Maker(m.sequence || yes(0.4));
  inner.input(x.shape.slice(1));
  inner.grow(whole(1, 3), ALL.filter(f => f !== embedding));
  m.call(inner.model(), x);
}

const ALL = [dense, dense, act, act, advanced, nothing, shapes, frames, frames, convolution, convolution, transposed, depthwise, pooling, pooling, normalization, recurrent, recurrent, bidirectional, convolutionLstm, distributed, masking, embedding,
  merge, merge, dot, again, several];

async function make(folder, seed) {
  state = Math.imul(seed + 1, 2654435761) | 1;
  for (let i = 0; i < 8; i++) next();
  const m = new Maker(yes(0.3));
  for (let i = m.sequence ? 1 : whole(1, 2); i > 0; i--)
    m.input(one([[whole(1, 8)], [whole(2, 7), whole(1, 5)], [whole(3, 8), whole(3, 8), whole(1, 4)], [whole(3, 8), whole(3, 8), whole(1, 4)], [whole(2, 4), whole(3, 5), whole(3, 5), whole(1, 3)]]));
  m.grow(whole(1, 6), ALL);
  const model = m.model();
  model.setWeights(model.weights.map(w => {
    const s = w.shape, scale = s.length > 1 ? 1.2 / Math.sqrt(Math.max(1, product(s.slice(0, -1)))) : 0.4;
    return tf.tensor(Float32Array.from({ length: product(s) }, () => w.name.includes('variance') ? 0.3 + 1.7 * next() : scale * normal()), s);
  }));
  const batch = whole(1, 3), inputs = model.inputs.map(i => {
    const s = [batch, ...i.shape.slice(1)], tokens = m.tokens.get(i);
    const v = tf.tensor(Float32Array.from({ length: product(s) }, () => tokens ? whole(0, tokens - 1) : normal()), s);
    if (tokens || s.length !== 3 || yes()) return v;
    const keep = tf.tensor(Float32Array.from({ length: s[0] * s[1] }, () => yes(0.7) ? 1 : 0), [s[0], s[1], 1]);
    return v.mul(keep);
  });
  const stored = {}, result = model.predict(inputs.length > 1 ? inputs : inputs[0]), outputs = Array.isArray(result) ? result : [result];
  if (outputs.some(o => o.dataSync().some(v => !Number.isFinite(v)))) throw new Unfit('not finite');
  inputs.forEach((t, i) => stored[`in${i}`] = t);
  outputs.forEach((t, i) => stored[`out${i}`] = t);
  const name = `net_${seed}`;
  await model.save(tf.io.withSaveHandler(async a => {
    fs.writeFileSync(path.join(folder, name + '.bin'), Buffer.from(a.weightData));
    fs.writeFileSync(path.join(folder, name + '.json'), JSON.stringify({ format: 'layers-model', generatedBy: a.generatedBy, convertedBy: null, modelTopology: a.modelTopology, weightsManifest: [{ paths: [name + '.bin'], weights: a.weightSpecs }] }));
    return {};
  }));
  npz(path.join(folder, name + '.npz'), stored);
}

(async () => {
  await tf.setBackend('cpu');
  const [folder, first, last] = process.argv.slice(2);
  for (let seed = +first; seed <= +last; seed++)
    try { await make(folder, seed); } catch (e) { console.error(`net_${seed}: ${e.constructor.name}: ${String(e.message).split('\n')[0].slice(0, 150)}`); }
    finally { tf.disposeVariables(); }
})();
