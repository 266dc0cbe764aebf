/** A process that speaks the core's side of the messages and does what a test needs a core to do: die, hang, answer slowly. Never part of the product. */
const options = JSON.parse(process.argv[2]);

if (options.version === 'dies-at-start') process.exit(3);
if (options.version === 'cannot-start') {
  process.send({ control: 'failed', error: { code: 'STORE_NEWER', message: 'A newer version wrote this.', details: {} } });
} else {
  process.send({ control: 'ready' });
}
process.on('message', (message) => {
  if ('control' in message) process.exit(0);
  if (message.call === 'test.die') process.kill(process.pid, 'SIGKILL');
  if (message.call === 'test.never') return;
  if (message.call === 'test.event') process.send({ event: 'progress', payload: message.input });
  process.send({ id: message.id, ok: true, output: { call: message.call, input: message.input, pid: process.pid } });
});
process.on('disconnect', () => process.exit(0));
