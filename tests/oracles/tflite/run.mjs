// Runs a .tflite file with TensorFlow Lite's own C++ interpreter (WebAssembly build of npm @tensorflow/tfjs-tflite).
//   npm install @tensorflow/tfjs-tflite@0.0.1-alpha.10      (in the folder given by TFJS_TFLITE, or here)
//   node run.mjs model.tflite outputFolder [input0.npy input1.npy ...]
//   node run.mjs --each folder      (every NAME.tflite there with NAME.<run>.<input>.npy; results NAME.<run>.out<k>.npy, or NAME.error)
// Without inputs it prints the model's inputs and outputs. Results are written as outputFolder/output_<k>.npy.
// The build has no custom operators: models of MediaPipe that use them are refused.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const require = createRequire(import.meta.url);
const root = process.env.TFJS_TFLITE ?? path.dirname(require.resolve('@tensorflow/tfjs-tflite/package.json'));
const [modelPath, outputFolder, ...inputPaths] = process.argv.slice(2);
if (!modelPath || (modelPath === '--each' && !outputFolder)) {
  console.error('usage: node run.mjs model.tflite [outputFolder input0.npy ...] | --each folder');
  process.exit(2);
}

// The script defines one global; it is evaluated with what emscripten needs to recognise node.
const wasmFolder = path.join(root, 'wasm');
const source = fs.readFileSync(path.join(wasmFolder, 'tflite_web_api_cc.js'), 'utf8');
const factory = new Function('require', '__filename', '__dirname', 'module', 'exports', source + '\nreturn tflite_web_api_ModuleFactory;')(
  require, path.join(wasmFolder, 'tflite_web_api_cc.js'), wasmFolder, {}, undefined);
const api = await factory({ wasmBinary: fs.readFileSync(path.join(wasmFolder, 'tflite_web_api_cc.wasm')) });

const list = (vector) => Array.from({ length: vector.size() }, (_, i) => vector.get(i));
if (modelPath === '--each') {
  for (const file of fs.readdirSync(outputFolder).filter((f) => f.endsWith('.tflite')).sort()) {
    const name = path.join(outputFolder, file.slice(0, -'.tflite'.length));
    try {
      const runner = load(`${name}.tflite`);
      for (let run = 0; fs.existsSync(`${name}.${run}.0.npy`); run++)
        infer(runner, list(runner.GetInputs()).map((_, i) => `${name}.${run}.${i}.npy`), (k) => `${name}.${run}.out${k}.npy`);
      runner.cleanUp?.();
    } catch (e) {
      fs.writeFileSync(`${name}.error`, String(e.message ?? e));
    }
  }
} else {
  let runner;
  try {
    runner = load(modelPath);
  } catch (e) {
    console.error(e.message);
    process.exit(1);
  }
  for (const t of list(runner.GetInputs())) console.log('input ', t.name, t.shape, t.dataType);
  for (const t of list(runner.GetOutputs())) console.log('output', t.name, t.shape, t.dataType);
  if (inputPaths.length > 0) {
    fs.mkdirSync(outputFolder, { recursive: true });
    infer(runner, inputPaths, (k) => path.join(outputFolder, `output_${k}.npy`));
  }
}

function load(file) {
  const model = fs.readFileSync(file);
  const address = api._malloc(model.length);
  api.HEAPU8.set(model, address);
  const options = { numThreads: 1, enableProfiling: false, maxProfilingBufferEntries: 0 };
  const created = api.TFLiteWebModelRunner.CreateFromBufferAndOptions(address, model.length, options);
  if (!created.ok()) throw new Error(created.errorMessage());
  return created.value();
}

function infer(runner, files, nameOf) {
  list(runner.GetInputs()).forEach((t, i) => bytes(t).set(npyData(fs.readFileSync(files[i]))));
  if (!runner.Infer()) throw new Error('inference failed');
  list(runner.GetOutputs()).forEach((t, k) => fs.writeFileSync(nameOf(k), npy(t)));
}

function bytes(tensor) {
  const view = tensor.data();
  return new Uint8Array(view.buffer, view.byteOffset, view.byteLength);
}

// The elements of a version 1 .npy file in C order.
function npyData(file) {
  return file.subarray(10 + file.readUInt16LE(8));
}

function npy(tensor) {
  const view = tensor.data();
  const types = { Float32Array: '<f4', Int8Array: '|i1', Uint8Array: '|u1', Int16Array: '<i2', Int32Array: '<i4', Float64Array: '<f8' };
  const shape = String(tensor.shape).split(',').filter((d) => d.length > 0);
  let header = `{'descr': '${types[view.constructor.name]}', 'fortran_order': False, 'shape': (${shape.join(', ')},), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const start = Buffer.alloc(10);
  start.write('\x93NUMPY\x01\x00', 'latin1');
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), bytes(tensor)]);
}
