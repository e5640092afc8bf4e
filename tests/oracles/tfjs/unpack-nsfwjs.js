// nsfwjs carries its models as JavaScript modules, shards in base64: writes them as the files that they were.
// usage: node unpack-nsfwjs.js FOLDER-OF-MODELS FOLDER-TO-WRITE
const fs = require('fs'), path = require('path');
const [source, target] = process.argv.slice(2);
for (const name of ['mobilenet_v2', 'mobilenet_v2_mid', 'inception_v3']) {
  const from = path.resolve(source, name), to = path.join(target, name), exported = file => { const m = require(path.join(from, file)); return m.default || m; };
  fs.mkdirSync(to, { recursive: true });
  const model = exported('model.min.js');
  for (const file of model.weightsManifest.flatMap(m => m.paths)) fs.writeFileSync(path.join(to, file), Buffer.from(exported(`${file}.min.js`), 'base64'));
  fs.writeFileSync(path.join(to, 'model.json'), JSON.stringify(model));
}
