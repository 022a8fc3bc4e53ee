// One client of the federation that `npm start` serves. Run it seven times, each with a folder of its own:
//   node --import tsx examples/digits-client.ts INVITE my-client-1
import { layers, sequential } from '@tensorflow/tfjs-layers';
import { joinFederation, localTrainer } from '../client-sdk/index.ts';
import { loadDigits, splitDigits, takeDigits } from '../simulation/digits.ts';

const [invite = '', folder = 'my-client-1', url = 'http://127.0.0.1:7400'] = process.argv.slice(2);
const place = Number(/\d+$/.exec(folder)?.[0] ?? 1) - 1;
const digits = await loadDigits(); // in real life: your own examples
const mine = takeDigits(digits, splitDigits(digits, { clients: 20, seed: 1 }).shards[place % 20] ?? []);

const model = () =>
  sequential({ layers: [layers.dense({ name: 'digits', units: 10, activation: 'softmax', inputShape: [784] })] });
const trainer = localTrainer({ model, examples: { inputs: mine.images, labels: mine.labels } });

const client = await joinFederation({ url, invite, folder, trainer });
for await (const { round, verdict, code, epsilon } of client.rounds()) {
  console.log(`round ${round}: ${verdict} ${code ?? ''} (epsilon ${epsilon?.toFixed(2)} spent in all)`);
}
