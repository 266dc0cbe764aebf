/**
 * How long something may take over a line of any speed. A fixed limit would end what a slow one carries shortly before it is there, and begin it again
 * without an end; so who waits goes on a while longer as long as something comes, and who sends is given time by the byte.
 */

/** A line that carries less is taken for one that carries nothing: GPRS does more. */
const leastBytesPerSecond = 4000;
/** What has to come to count: for a byte now and then nobody waits. */
const stepBytes = 1024;
/** Unless told, nobody waits longer than so many times the usual limit. */
const longestTimes = 3;

/** The usual time, and what so many bytes take on the slowest line (milliseconds). */
export const timeFor = (usualMs: number, bytes: number): number => usualMs + Math.ceil((bytes / leastBytesPerSecond) * 1000);

/** A wait that is over when nothing has come for a while. */
export interface Patience {
  readonly signal: AbortSignal;
  /** Bytes came. */
  note(bytes: number): void;
  /** Nothing is waited for any more. */
  end(): void;
}

/**
 * @param quietMs milliseconds in which nothing comes.
 * @param longestMs milliseconds after which it is over, whatever comes.
 */
export function patience(quietMs: number, longestMs = quietMs * longestTimes): Patience {
  const controller = new AbortController();
  const giveUp = () => controller.abort(new DOMException('Nothing came in time', 'TimeoutError'));
  const quiet = setTimeout(giveUp, quietMs).unref();
  const longest = setTimeout(giveUp, longestMs).unref();
  let bytesSince = 0;
  return {
    signal: controller.signal,
    note(bytes) {
      bytesSince += bytes;
      if (bytesSince < stepBytes || controller.signal.aborted) return;
      bytesSince = 0;
      quiet.refresh();
    },
    end() {
      clearTimeout(quiet);
      clearTimeout(longest);
    },
  };
}
