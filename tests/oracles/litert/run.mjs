// Runs .tflite files with LiteRT, TensorFlow Lite's successor (WebAssembly build of npm @litertjs/core), on the processor.
//   LITERT=folder of the unpacked package  node run.mjs --each folder
//       every NAME.tflite there with NAME.<run>.<input>.npy; results NAME.<run>.out<k>.npy, or NAME.error
// Its JavaScript takes inputs and outputs of float32, int32 and uint8 alone.
import { createRequire } from 'node:module';
import fs from 'node:fs';
import path from 'node:path';

const root = process.env.LITERT;
const [mode, folder] = process.argv.slice(2);
if (!root || mode !== '--each' || !folder) {
  console.error('usage: LITERT=PACKAGE node run.mjs --each folder');
  process.exit(2);
}

// The library expects a browser: its one import, which adds a script to the page, is replaced, and the script is evaluated here.
globalThis.self = globalThis;
globalThis.loadWasm = async (Library, script) => {
  const source = fs.readFileSync(script, 'utf8');
  const factory = new Function('require', '__filename', '__dirname', 'module', 'exports', source + '\nreturn ModuleFactory;')(
    createRequire(import.meta.url), script, path.dirname(script), {}, undefined);
  return new Library(await factory({ wasmBinary: fs.readFileSync(script.replace(/js$/, 'wasm')), print: () => {}, printErr: (text) => log.push(text) }));
};
const log = [];
console.warn = () => {};
const library = fs.readFileSync(path.join(root, 'dist', 'index.js'), 'utf8').replace(/^import \{ createWasmLib \}.*$/m, 'const createWasmLib = globalThis.loadWasm;');
const { loadLiteRt, loadAndCompile, Tensor } = await import('data:text/javascript;base64,' + Buffer.from(library).toString('base64'));
await loadLiteRt(path.join(root, 'wasm', 'litert_wasm_compat_internal.js'));

const types = { '<f4': Float32Array, '<i4': Int32Array, '|u1': Uint8Array };
for (const file of fs.readdirSync(folder).filter((f) => f.endsWith('.tflite')).sort()) {
  const name = path.join(folder, file.slice(0, -'.tflite'.length));
  log.length = 0;
  let model;
  try {
    model = await loadAndCompile(new Uint8Array(fs.readFileSync(`${name}.tflite`)), { accelerator: 'wasm' });
    for (let run = 0; fs.existsSync(`${name}.${run}.0.npy`); run++) {
      const inputs = model.getInputDetails().map((_, i) => fromNpy(fs.readFileSync(`${name}.${run}.${i}.npy`)));
      const outputs = await model.run(inputs);
      outputs.forEach((t, k) => fs.writeFileSync(`${name}.${run}.out${k}.npy`, toNpy(t)));
      [...inputs, ...outputs].forEach((t) => t.delete());
    }
  } catch (e) {
    fs.writeFileSync(`${name}.error`, [e.message ?? e, ...log.filter((line) => line.startsWith('ERROR'))].join('\n'));
  } finally {
    model?.delete();
  }
}
process.exit(0);

// A version 1 .npy file in C order.
function fromNpy(file) {
  const start = 10 + file.readUInt16LE(8), header = file.toString('latin1', 10, start);
  const type = types[/'descr': '([^']*)'/.exec(header)[1]], shape = /'shape': \(([^)]*)\)/.exec(header)[1].split(',').filter((d) => d.trim()).map(Number);
  return new Tensor(new type(new Uint8Array(file.subarray(start)).buffer), shape);
}

function toNpy(tensor) {
  const data = tensor.toTypedArray(), descr = Object.keys(types).find((t) => types[t] === data.constructor);
  let header = `{'descr': '${descr}', 'fortran_order': False, 'shape': (${[...tensor.type.layout.dimensions].map((d) => `${d},`).join(' ')}), }`;
  header = header.padEnd(Math.ceil((header.length + 11) / 64) * 64 - 11) + '\n';
  const start = Buffer.alloc(10);
  start.write('\x93NUMPY\x01\x00', 'latin1');
  start.writeUInt16LE(header.length, 8);
  return Buffer.concat([start, Buffer.from(header, 'latin1'), new Uint8Array(data.buffer, data.byteOffset, data.byteLength)]);
}
