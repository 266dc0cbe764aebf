/** The only thing of Electron that the page sees: `window.anamnesis`, in the form of src-shared/bridge.ts. Runs sandboxed, before the page. */
import { contextBridge, ipcRenderer } from 'electron';
import type { Bridge, BridgeReply } from '../src-shared/bridge.ts';
import type { WireError } from '../src-shared/errors.ts';
import type { EventMessage, ReplyMessage } from '../src-shared/ipc-schema.ts';

let lastId = 0;

const bridge: Bridge = {
  async call(name, input): Promise<BridgeReply> {
    lastId += 1;
    const reply = (await ipcRenderer.invoke('call', { id: lastId, call: name, input })) as ReplyMessage;
    return reply.ok ? { ok: true, output: reply.output } : { ok: false, error: reply.error };
  },
  onEvent(listener) {
    const relay = (_event: unknown, message: EventMessage): void => listener(message);
    ipcRenderer.on('event', relay);
    return () => ipcRenderer.off('event', relay);
  },
  async printToPdf(suggestedName) {
    const reply = (await ipcRenderer.invoke('print', suggestedName)) as { ok: true } | { ok: false; error: WireError };
    if (!reply.ok) throw new Error(reply.error.message);
  },
};

contextBridge.exposeInMainWorld('anamnesis', bridge);
