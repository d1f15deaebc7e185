import { emitKeypressEvents } from 'node:readline';
import type { ReadStream } from 'node:tty';

interface Keypress {
  name?: string;
  ctrl: boolean;
  sequence?: string;
}

/**
 * Listens to single keys.
 * @param onKey is called with a key's name: `h`, `space`, `up`, `ctrl-c`
 * @param onEnd is called when there is no keyboard any more
 * @returns what stops it and gives the terminal its lines back
 */
export function listenForKeys(
  stdin: ReadStream,
  onKey: (name: string) => void,
  onEnd: () => void,
): () => void {
  emitKeypressEvents(stdin);
  const listener = (_: string | undefined, { name, ctrl, sequence }: Keypress) => {
    const key = name ?? sequence ?? '';
    onKey(ctrl ? `ctrl-${key}` : key);
  };
  stdin.on('keypress', listener);
  stdin.once('end', onEnd);
  stdin.once('error', onEnd);
  stdin.setRawMode(true);
  stdin.resume();
  return () => {
    stdin.off('keypress', listener);
    stdin.off('end', onEnd);
    // A terminal that is gone cannot be set back.
    if (!stdin.destroyed) stdin.setRawMode(false);
    stdin.pause();
  };
}
