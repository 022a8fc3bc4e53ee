import { describe, expect, it } from 'vitest';
import { checkpointsConflict, type FederatedClient, type RoundReport } from '../../client-sdk/index.ts';
import { readFederation } from '../../server/audit/read-ledger.ts';
import { openDataFolder } from '../../server/storage/data-folder.ts';
import { accepted, RefusedError } from '../../shared/protocol/refusals.ts';
import { settlement } from '../../shared/settlement.ts';
import { runHere } from '../support/captured-command.ts';
import { eventually } from '../support/eventually.ts';
import { rewriteLedger } from '../support/rewritten-ledger.ts';
import { federation, type Seat, ServedFolder, TrainerUpTo } from '../support/served-folder.ts';

const ALWAYS = 1000;

const seat = (name: string, client: number, last = ALWAYS): Seat & { readonly trainer: TrainerUpTo } => ({
  name,
  trainer: new TrainerUpTo(client, last),
});

/** The refusal that ends it. */
async function endOf(act: Promise<unknown>): Promise<RefusedError['refusal'] | string> {
  const fault = await act.then(
    () => 'it went on',
    (error: unknown) => error,
  );
  return fault instanceof RefusedError ? fault.refusal : String(fault);
}

const reportOf = async (client: FederatedClient, round: number): Promise<RoundReport> =>
  await new Promise((resolve) => client.onRound((report) => (report.round === round ? resolve(report) : undefined)));

const begun = async ({ asked }: TrainerUpTo, round: number): Promise<true> =>
  await eventually(() => Promise.resolve(asked.includes(round) || undefined));

/** One committed round that anna and ben took part in; nobody holds the folder. */
async function oneRound(): Promise<ServedFolder> {
  const folder = new ServedFolder();
  await folder.run(1, [seat('anna', 1), seat('ben', 2)]);
  return folder;
}

describe('a coordinator that tells two stories', () => {
  it('is believed by each client and found out when two compare, or when one meets the other story', async () => {
    const one = await oneRound();
    const two = one.copy();
    await one.serve(4);
    await two.serve(4);
    const shared = (await one.look(({ ledger }) => ledger.headAt(1)))?.note ?? '';

    // Round 2 is another one in each of them, round 3 is under way.
    const gate = settlement<void>();
    const inOne = [1, 3].map((client) => new TrainerUpTo(client, 2, gate.promise));
    const [annaTrainer, carlTrainer] = inOne;
    const benTrainer = new TrainerUpTo(2, 2);
    const doraTrainer = new TrainerUpTo(4, 2);
    if (!annaTrainer || !carlTrainer) throw new Error('expected two trainers');
    const anna = await one.join({ name: 'anna', trainer: annaTrainer });
    await one.join({ name: 'carl', trainer: carlTrainer });
    const ben = await two.join({ name: 'ben', trainer: benTrainer });
    const dora = await two.join({ name: 'dora', trainer: doraTrainer });
    await reportOf(dora, 2);
    const earlier = dora.checkpoint;
    for (const trainer of [annaTrainer, carlTrainer, benTrainer, doraTrainer]) await begun(trainer, 3);
    expect([await anna.compareCheckpoint(shared), await ben.compareCheckpoint(shared)]).toEqual(['behind', 'behind']);

    // Of one size, with nobody but the two.
    const { ledgerKey, checkpoint: told } = anna;
    expect(told.split('\n')[1]).toBe(ben.checkpoint.split('\n')[1]);
    expect(await checkpointsConflict(told, ben.checkpoint, { federation, ledgerKey })).toBe(true);
    const emil = await two.join(seat('emil', 5));
    expect(await ben.compareCheckpoint(emil.checkpoint)).toBe('extends');
    for (const other of [ben.checkpoint, earlier, emil.checkpoint]) {
      const found = { code: 'ledger-rewritten', expected: told, found: other };
      expect(await endOf(anna.compareCheckpoint(other))).toMatchObject(found);
    }

    const { id, checkpoint: held } = ben;
    await ben.leave();
    const spent = one.privacyLedgerOf('ben');
    for (const again of [seat('ben', 2), { ...seat('ben', 2), acceptRecovery: true }]) {
      expect(await endOf(one.join(again))).toMatchObject({ code: 'ledger-rewritten', expected: held });
      expect(again.trainer.asked).toEqual([]);
    }
    expect(one.privacyLedgerOf('ben')).toBe(spent);

    // What became of ben is no matter of anna's round.
    const third = reportOf(anna, 3);
    gate.resolve();
    expect(await third).toMatchObject({ state: 'committed', verdict: 'selected' });
    const events = await one.events();
    const disputes = events.filter(({ type }) => type === 'checkpoint-disputed');
    expect(disputes).toEqual([
      // Shown by anna, who compared with it: it is shorter than hers, so that it was for the coordinator to extend it.
      { type: 'checkpoint-disputed', client: anna.id, checkpoint: earlier },
      { type: 'checkpoint-disputed', client: id, checkpoint: held },
    ]);
    const ofBen = events.filter((event) => 'client' in event && event.client === id && 'round' in event);
    expect(ofBen.filter((event) => 'round' in event && event.round !== 1)).toEqual([]);
  }, 60_000);
});

describe('a backup that is put back', () => {
  it('is refused until the ledger says so, then taken by those who agree, who pay for no round twice and for each once', async () => {
    const folder = await oneRound();
    const backup = folder.copy();
    const port = await folder.serve(3);
    const anna = await folder.join(seat('anna', 1, 2));
    const ben = await folder.join(seat('ben', 2, 2));
    const left = reportOf(ben, 2);
    ben.onRound(({ round }) => (round === 2 ? void ben.leave() : undefined));
    const lost = [await reportOf(anna, 2), await left];
    expect(lost).toMatchObject([{ verdict: 'selected' }, { verdict: 'selected' }]);
    await ben.finished;
    await folder.stop();

    folder.restore(backup);
    await folder.serve(3, port);
    const refused = await endOf(anna.finished);
    expect(refused).toMatchObject({ code: 'ledger-rewritten', expected: anna.checkpoint });
    const notes = (await folder.look(({ ledger }) => ledger.heads())).map(({ note }) => note);
    expect(notes).toContain(typeof refused === 'string' ? refused : refused.found);
    const early = { ...seat('ben', 2), acceptRecovery: true };
    expect(await endOf(folder.join(early))).toMatchObject({ code: 'ledger-rewritten', expected: ben.checkpoint });
    await folder.stop();

    expect(await runHere('ledger', 'recover', '--dir', folder.dir)).toMatchObject({ exitCode: 0, stderr: '' });
    await folder.serve(3);
    const strict = seat('anna', 1);
    expect(await endOf(folder.join(strict))).toMatchObject({ code: 'ledger-rewritten', expected: anna.checkpoint });
    const agreeing = { ...seat('ben', 2), acceptRecovery: true };
    const back = await folder.join(agreeing);
    const [second, third] = [reportOf(back, 2), reportOf(back, 3)];
    await folder.join(seat('dora', 4));

    // Round 2 is offered again: the client has spent it, has an update of it that nobody will take, and trains none.
    expect(await second).toMatchObject({ state: 'abandoned', verdict: 'refused', declined: { code: 'replayed' } });
    expect(await third).toMatchObject({ state: 'committed', verdict: 'selected', declined: null });
    await back.finished;
    expect([early.trainer.asked, strict.trainer.asked, agreeing.trainer.asked]).toEqual([[], [], [3]]);
    expect(JSON.parse(folder.privacyLedgerOf('ben'))).toMatchObject(
      [1, 2, 3].map((round) => ({ round, state: 'spent' })),
    );
    const events = await folder.events();
    const ofRound = events.filter((event) => 'round' in event && event.round === 2 && 'client' in event);
    const { id } = back;
    expect(ofRound.filter((event) => 'client' in event && event.client === id)).toMatchObject([
      { type: 'declined', code: 'replayed' },
      { type: 'verdict', code: 'replayed' },
    ]);

    // What the backup had forgotten counts again: one round before it, one that was lost, one since.
    expect(events).toContainEqual(expect.objectContaining({ type: 'spent-rounds-stated', client: id, rounds: [2] }));
    const charges = await folder.look((stores) => stores.charges.charges(back.id));
    expect(charges.map(({ round }) => round)).toEqual([1, 2, 3]);
    const shown = events.flatMap((event) => (event.type === 'verdict' && event.client === id ? [event.epsilon] : []));
    expect(shown.at(-1)).toBe(back.epsilon);
    expect(await runHere('ledger', 'verify', '--dir', folder.dir)).toMatchObject({ exitCode: 0 });
  }, 60_000);
});

describe('a tail that the owner of the key has rewritten', () => {
  it('is refused by whoever saw it, and goes unseen by whoever did not', async () => {
    const folder = await oneRound();
    const stored = await folder.look(async (stores) => accepted(await readFederation(federation, stores)));
    const { rows, heads } = await rewriteLedger(stored, folder.ledgerSeed, (event) =>
      event.type === 'verdict' ? { ...event, verdict: 'not-selected' } : event,
    );
    const quoted = (text: string): string => `'${text.replaceAll("'", "''")}'`;
    await folder.tamper(
      [
        ...rows.map(
          ({ sequence, text, hash }) =>
            `UPDATE LedgerEntry SET row = ${quoted(text)}, hash = '${hash}' WHERE sequence = ${sequence};`,
        ),
        ...heads.map(
          ({ size, root, note }) =>
            `UPDATE LedgerCheckpoint SET root = '${root}', note = ${quoted(note)} WHERE size = ${size};`,
        ),
      ].join('\n'),
    );
    await folder.serve(2);
    for (const again of [seat('anna', 1), { ...seat('ben', 2), acceptRecovery: true }]) {
      const last = stored.heads.at(-1)?.note;
      expect(await endOf(folder.join(again))).toMatchObject({ code: 'ledger-rewritten', expected: last });
      expect(again.trainer.asked).toEqual([]);
    }
    const stranger = await folder.join(seat('carl', 3));
    expect(stranger.terms.federation).toBe(federation);
  }, 60_000);
});

describe('a model that no entry committed', () => {
  it('is not taken from a welcome, by a client of old or by one that is new, although its bytes are there', async () => {
    const folder = await oneRound();
    const open = accepted(await openDataFolder(folder.dir));
    const swapped = await open.blobs.put(new TextEncoder().encode('another model'));
    await open.close();
    await folder.tamper(`UPDATE ModelVersion SET digest = '${swapped}' WHERE round = 1;`);
    await folder.serve(2);
    for (const again of [seat('anna', 1), seat('carl', 3), { ...seat('ben', 2), acceptRecovery: true }]) {
      const refused = await endOf(folder.join(again));
      expect(refused).toMatchObject({ code: 'unproven-model', expected: expect.stringContaining(swapped) });
      expect(again.trainer.asked).toEqual([]);
    }
  }, 60_000);
});
