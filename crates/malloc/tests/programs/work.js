// JSON, buffers, promises, streams and worker threads.
const { Worker, isMainThread, parentPort, workerData } = require('worker_threads');
const crypto = require('crypto');
const zlib = require('zlib');

function records(count) {
  return Array.from({ length: count }, (_, i) => ({ id: i, name: `name ${i}`, tags: ['a', 'b', `${i % 7}`], nested: { i } }));
}

function digest(data) {
  return crypto.createHash('sha256').update(data).digest('hex');
}

if (isMainThread) {
  main(Number(process.argv[2])).then(() => console.log('done'));
} else {
  const text = JSON.stringify(records(workerData));
  const buffer = Buffer.from(text);
  parentPort.postMessage({ length: text.length, digest: digest(buffer), packed: zlib.gzipSync(buffer) });
}

function worker(size) {
  return new Promise((resolve, reject) => {
    const worker = new Worker(__filename, { workerData: size });
    let message;
    worker.on('message', (value) => { message = value; });
    worker.on('error', reject);
    worker.on('exit', (code) => (code === 0 ? resolve(message) : reject(new Error(`exit ${code}`))));
  });
}

async function main(rounds) {
  for (let round = 0; round < rounds; round++) {
    const text = JSON.stringify(records(20000));
    console.log(text.length, JSON.parse(text).reduce((sum, record) => sum + record.nested.i, 0));
    const buffers = [];
    for (let i = 0; i < 2000; i++) buffers.push(Buffer.alloc(i * 37 % 9000, i & 255));
    const whole = Buffer.concat(buffers);
    console.log(whole.length, digest(whole), digest(zlib.inflateSync(zlib.deflateSync(whole))));
    const squares = await Promise.all(Array.from({ length: 20000 }, async (_, i) => i * i));
    console.log(squares.length, squares[19999]);
    const workers = await Promise.all([1000, 2000, 3000, 4000].map(worker));
    for (const { length, digest: sum, packed } of workers) {
      console.log(length, sum, zlib.gunzipSync(packed).length);
    }
  }
}
