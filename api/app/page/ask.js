// Requests that are repeated until there is an answer: the service may be away, or busy.

const AGAIN_S = 2;

/** @param {number} s @param {AbortSignal} [signal] */
const pause = (s, signal) => new Promise((resolve, reject) => {
  const timer = setTimeout(resolve, 1000 * s);
  signal?.addEventListener('abort', () => { clearTimeout(timer); reject(signal.reason); });
});

/**
 * Return the first answer that is not 503, which may still be a refusal.
 * @param {string} path  below the folder that this script's is in: that works below any prefix
 * @param {RequestInit & {signal?: AbortSignal}} options
 * @param {(trouble: string) => void} tell  called before each repetition
 */
export async function ask(path, options, tell) {
  for (;;) {
    let [trouble, wait] = ['cannot be reached', AGAIN_S];
    try {
      const answer = await fetch(new URL(`../${path}`, import.meta.url), options);
      if (answer.status !== 503) return answer;
      [trouble, wait] = ['is busy (503)', Number(answer.headers.get('retry-after')) || AGAIN_S];
    } catch (error) {
      if (options.signal?.aborted) throw error;
    }
    tell(`The service ${trouble}. Trying again in ${wait} s.`);
    await pause(wait, options.signal);
  }
}
