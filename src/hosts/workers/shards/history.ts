/**
 * How many shards there have been, as an isolate knows it: asked of the notice clock once, for a new number of shards is a
 * new deployment, and that has new isolates. An event does not depend on it: without an answer the present number alone
 * counts, and the clock is asked again later. A copy that is then stored twice costs less than a 503.
 */
import type { Log } from '../../../runtime.ts'
import { within } from '../within.ts'
import { noShards, type ShardHistory } from './route.ts'

/** Of the 5 seconds that Twilio waits. */
const PATIENCE_MS = 1_000
const ASK_AGAIN_MS = 30_000

/** Never throws. */
export function createShardHistory(
  ask: () => Promise<ShardHistory>,
  count: number,
  log: Log,
): () => Promise<ShardHistory> {
  // The value is kept and not the promise, which belongs to the request that made it.
  let told: ShardHistory | undefined
  let askAt = 0
  const presentAlone: ShardHistory = { ...noShards, count, highest: count }
  return async () => {
    if (told) return told
    if (Date.now() < askAt) return presentAlone
    try {
      told = await within(PATIENCE_MS, ask())
      return told
    } catch (error) {
      askAt = Date.now() + ASK_AGAIN_MS
      log.warn(
        { err: error },
        'the notice clock does not tell of former numbers of shards; events go to the present ones',
      )
      return presentAlone
    }
  }
}
