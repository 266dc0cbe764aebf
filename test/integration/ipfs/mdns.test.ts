/**
 * Discovery on a LAN. mDNS multicasts on every interface, so it runs only between network namespaces that this test makes itself (root and
 * iproute2); elsewhere it is skipped.
 */
import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, it, onTestFinished } from 'vitest';

const names = ['a', 'b', 'c'].map((name) => `anam${process.pid}${name}`);
const ip = (...parameters: string[]): void => void execFileSync('ip', parameters, { stdio: 'pipe' });

/** Whether namespaces can be made here. */
function canIsolate(): boolean {
  const name = `anam${process.pid}x`;
  const made = spawnSync('ip', ['netns', 'add', name]).status === 0;
  if (made) ip('netns', 'del', name);
  return made;
}

/** A namespace with a switch in it, and one for each node, with an address on that switch and no way out. */
function lan(): string[] {
  const bridge = `anam${process.pid}s`;
  onTestFinished(() => {
    for (const name of [bridge, ...names]) spawnSync('ip', ['netns', 'del', name]);
  });
  ip('netns', 'add', bridge);
  ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge');
  ip('-n', bridge, 'link', 'set', 'br0', 'up');
  return names.map((name, n) => {
    ip('netns', 'add', name);
    ip('link', 'add', 'eth0', 'netns', name, 'type', 'veth', 'peer', 'name', `port${n}`, 'netns', bridge);
    ip('-n', bridge, 'link', 'set', `port${n}`, 'master', 'br0', 'up');
    ip('-n', name, 'addr', 'add', `10.77.0.${n + 1}/24`, 'dev', 'eth0');
    ip('-n', name, 'link', 'set', 'lo', 'up');
    ip('-n', name, 'link', 'set', 'eth0', 'up');
    ip('-n', name, 'route', 'add', 'default', 'via', `10.77.0.${n + 1}`);
    return `10.77.0.${n + 1}`;
  });
}

/** A node with mDNS in its namespace; resolves with the addresses of its peers whenever they change. */
function nodeAt(namespace: string, address: string, key: number) {
  const dir = mkdtempSync(join(tmpdir(), 'anamnesis-mdns-'));
  const moduleOf = (path: string) => JSON.stringify(new URL(`../../../src-main/core/adapters/${path}`, import.meta.url).href);
  const source = `
    import { createIpfs } from ${moduleOf('ipfs/ipfs.ts')};
    import { createBlockstore } from ${moduleOf('sqlite/blockstore.ts')};
    const ipfs = createIpfs({ blocks: createBlockstore({ dir: ${JSON.stringify(dir)} }) });
    ipfs.onPeersChanged(() => console.log(JSON.stringify(ipfs.peers().map(({ address }) => address))));
    const [swarmKey, identity] = [new Uint8Array(32).fill(${key}), crypto.getRandomValues(new Uint8Array(32))];
    await ipfs.start({ swarmKey, identity, listen: ['/ip4/${address}/tcp/0'], peers: [], mdns: true });
    console.log('started');`;
  const command = ['netns', 'exec', namespace, process.execPath, '--input-type=module', '--eval', source];
  const child = spawn('ip', command, { stdio: ['ignore', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
    rmSync(dir, { recursive: true, force: true, maxRetries: 5 });
  });
  const seen: string[] = [];
  const lines = createInterface({ input: child.stdout });
  lines.on('line', (line) => seen.push(line));
  return {
    seen,
    until: (condition: (line: string) => boolean) =>
      new Promise<void>((resolve) => {
        if (seen.some(condition)) return resolve();
        lines.on('line', (line) => condition(line) && resolve());
      }),
  };
}

it.skipIf(!canIsolate())('workstations of one network find each other on a LAN, and leave those of another alone', async () => {
  const addresses = lan();
  const stranger = nodeAt(names[2]!, addresses[2]!, 2);
  await stranger.until((line) => line === 'started');
  const [a, b] = [nodeAt(names[0]!, addresses[0]!, 1), nodeAt(names[1]!, addresses[1]!, 1)];
  await Promise.all([a.until((line) => line.includes(addresses[1]!)), b.until((line) => line.includes(addresses[0]!))]);
  expect(stranger.seen).toEqual(['started']);
});
