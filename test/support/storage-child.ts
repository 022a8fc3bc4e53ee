// A coordinator's storage in a program of its own, to be killed: founds the federation in the folder it is given (or
// goes on with what is there), then announces the updates of all clients at once and commits rounds for ever. It writes
// a line `round client` for each announcement and `round committed` for each commit once it has been acknowledged.

import { openDataFolder } from '../../server/storage/data-folder.ts';
import type { ClientId } from '../../shared/ids.ts';
import * as facts from './federation-facts.ts';

const [, , dir = ''] = process.argv;
const folder = await openDataFolder(dir);
if (folder.kind === 'refused') throw new Error(folder.refusal.found);
const { blobs } = folder;
const stores = folder.storeOf(facts.federation);
if ((await stores.federation.founding()) === undefined) await facts.foundWithClients(stores);

async function announce(round: number, client: ClientId): Promise<void> {
  const { update, event } = facts.announced(round, client);
  if ((await stores.updates.find({ round, client })) !== undefined) return;
  await blobs.put(new TextEncoder().encode(`update ${round} ${client}`));
  await stores.updates.announce(update, facts.charge, event);
  process.stdout.write(`${round} ${client}\n`);
}

for (let round = (await stores.models.versions()).length; ; round++) {
  const isNew = (await stores.rounds.underWay()) === undefined;
  if (isNew) await stores.rounds.offer(facts.offered(round), facts.offer(round));
  await Promise.all(facts.clientIds.map((client) => announce(round, client)));
  await stores.rounds.commit(facts.record(round), facts.version(round), facts.commitEvents(round));
  process.stdout.write(`${round} committed\n`);
}
