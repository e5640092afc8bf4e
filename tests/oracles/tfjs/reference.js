// Writes reference values of TensorFlow.js models, one line of JSON each: what PublishedTfjsTests compares with.
// (layers-models whose inputs have the same name: a process each)
// usage: npm install @tensorflow/tfjs@4.22.0; node reference.js NAME=model.json[:SIZE[:SCALAR]] .. > tfjs-references.jsonl
//   SIZE: sizes of free dimensions (default 64; the first is 1); SCALAR: the value of inputs of one element.
// Inputs are x <- 1664525 x + 1013904223 mod 2^32 from x = 7, one x for each element in turn: x / 2^32 for float32, floor(255 x / 2^32) for
// int32. TensorFlow.js's plain JavaScript backend computes: its WebAssembly one casts numbers below 1 to bool as false.
const tf = require('@tensorflow/tfjs'), fs = require('fs'), path = require('path');
const samples = 8;

// The layers that UpscalerJS registers for its larger models (packages/shared/src/esrgan/esrgan.ts).
const only = x => Array.isArray(x) ? x[0] : x;
class MultiplyBeta extends tf.layers.Layer {
  static className = 'MultiplyBeta';
  call(inputs) { return tf.mul(only(inputs), 0.2); }
}
tf.serialization.registerClass(MultiplyBeta);
for (const scale of [2, 3, 4, 8]) {
  class PixelShuffle extends tf.layers.Layer {
    static className = `PixelShuffle${scale}x`;
    computeOutputShape([n, h, w, c]) { return [n, h && h * scale, w && w * scale, c / scale / scale]; }
    call(inputs) { return tf.depthToSpace(only(inputs), scale, 'NHWC'); }
  }
  tf.serialization.registerClass(PixelShuffle);
}

function weights(file, model) {
  const folder = path.dirname(file), bytes = Buffer.concat(model.weightsManifest.flatMap(m => m.paths).map(p => fs.readFileSync(path.join(folder, p))));
  return bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.byteLength);
}

async function reference(name, file, size, scalar) {
  const json = JSON.parse(fs.readFileSync(file));
  const handler = tf.io.fromMemory({ ...json, weightSpecs: json.weightsManifest.flatMap(m => m.weights), weightData: weights(file, json) });
  const isLayers = !!(json.modelTopology.model_config || json.modelTopology.class_name);
  const model = await (isLayers ? tf.loadLayersModel(handler) : tf.loadGraphModel(handler));
  let x = 7;
  const next = () => (x = (Math.imul(x, 1664525) + 1013904223) >>> 0) / 4294967296;
  const inputs = model.inputs.map(i => {
    const shape = (i.shape || [1]).map((d, k) => d > 0 ? d : k ? size : 1), count = shape.reduce((a, b) => a * b, 1), isInt = i.dtype === 'int32';
    const data = isInt ? new Int32Array(count) : new Float32Array(count);
    for (let k = 0; k < count; k++) data[k] = scalar !== undefined && count === 1 ? scalar : isInt ? Math.floor(next() * 255) : next();
    return { name: isLayers ? model.getInputAt ? i.name : i.name : i.name.replace(/:0$/, ''), shape, tensor: tf.tensor(data, shape, i.dtype), key: i.name };
  });
  let results = isLayers ? model.predict(inputs.map(i => i.tensor)) : await model.executeAsync(Object.fromEntries(inputs.map(i => [i.key, i.tensor])));
  if (!Array.isArray(results)) results = [results];
  const outputs = results.map(r => {
    const all = r.dataSync(), at = [...new Set(Array.from({ length: samples }, (_, k) => Math.floor((k + 0.5) * all.length / samples)))];
    return { shape: r.shape, largest: all.reduce((m, v) => Math.max(m, Math.abs(v)), 0), at, values: at.map(i => +Number(all[i]).toPrecision(8)) };
  });
  return { name, inputs: Object.fromEntries(inputs.map(i => [i.name, i.shape])), ...(scalar === undefined ? {} : { scalar }), outputs };
}

(async () => {
  await tf.setBackend('cpu');
  for (const argument of process.argv.slice(2)) {
    const [name, rest] = argument.split('='), [file, size, scalar] = rest.split(':');
    console.log(JSON.stringify(await reference(name, file, +(size || 64), scalar === undefined ? undefined : +scalar)));
  }
})();
