import { afterAll, describe, expect, it } from 'vitest';
import { foundClinic, passphrase, startWorkstation } from './workstation.ts';

describe('a first run that did not come to its end', async () => {
  const w = await startWorkstation();
  afterAll(() => w.stop());

  it('leaves nothing of a clinic that was to be a demo, and the workstation can be set up', async () => {
    const { phrase } = await w.ask('setup.createPhrase', {});
    const founding = { clinicName: 'Half', personName: 'Ada', passphrase, phrase, unfinished: true };
    await w.core.workstation.setup.createClinic(founding);
    await expect(w.ask('setup.createDemo', {})).rejects.toMatchObject({ code: 'ALREADY_SET_UP', message: /start it again/ });
    await w.restart();
    expect(await w.snapshot()).toMatchObject({ phase: 'unconfigured', clinic: null, people: [], demo: null });

    await foundClinic(w, 'Whole');
    await w.until('anchoring', w.snapshot, ({ sync }) => sync.waiting === 0 && sync.state === 'online');
    const { organizations } = await w.ask('network.view', {});
    expect(organizations.map(({ name }) => name)).toEqual(['Whole']);
    await w.restart();
    const { phase, people, sync } = await w.snapshot();
    expect({ phase, people: people.length, rejected: sync.rejected }).toEqual({ phase: 'ready', people: 3, rejected: 0 });
  }, 60_000);
});
