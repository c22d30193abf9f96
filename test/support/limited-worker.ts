/**
 * The Worker on a free plan: there an invocation may make 50 subrequests, and each one more throws. What is counted are fetches
 * and calls to another object; local workerd counts none. `GET /test/subrequests`: the most that one alarm and one request
 * made, and how often the limit was passed.
 */

import type { Env } from '../../src/hosts/workers/env.ts'
import { OutboxShard as SoundShard } from '../../src/hosts/workers/outbox-object.ts'
import worker from '../../src/hosts/workers/worker.ts'
import type { Dispatcher } from '../../src/send/dispatcher.ts'

export { NoticeClock } from '../../src/hosts/workers/notifier-object.ts'

const LIMIT = 50

/** One for all objects, which share the isolate: a test of alarms has one shard. Requests must come one at a time. */
const alarms = createCount()
const requests = createCount()

function createCount() {
  const seen = { made: 0, most: 0, refused: 0 }
  return {
    seen,
    begin(): void {
      seen.made = 0
    },
    add(): void {
      seen.made += 1
      seen.most = Math.max(seen.most, seen.made)
      if (seen.made <= LIMIT) return
      seen.refused += 1
      throw new Error('Too many subrequests by single Worker invocation.')
    },
  }
}

/** The bridge gets a stub for each call that it makes. */
function counting<Namespace extends object>(namespace: Namespace, add: () => void): Namespace {
  return new Proxy(namespace, {
    get(target, name) {
      if (name === 'get') add()
      const value: unknown = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}

const realFetch = globalThis.fetch
globalThis.fetch = async (...args: Parameters<typeof fetch>) => {
  alarms.add()
  return realFetch(...args)
}

export class OutboxShard extends SoundShard {
  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, { ...env, NOTICE_CLOCK: counting(env.NOTICE_CLOCK, alarms.add) })
  }

  protected override async deliver(dispatcher: Dispatcher): Promise<number> {
    alarms.begin()
    return super.deliver(dispatcher)
  }
}

export default {
  async fetch(request, env, context) {
    if (new URL(request.url).pathname === '/test/subrequests')
      return Response.json({ alarms: alarms.seen, requests: requests.seen })
    requests.begin()
    const OUTBOX = counting(env.OUTBOX, requests.add)
    const NOTICE_CLOCK = counting(env.NOTICE_CLOCK, requests.add)
    return worker.fetch(request, { ...env, OUTBOX, NOTICE_CLOCK }, context)
  },
  scheduled: worker.scheduled,
} satisfies ExportedHandler<Env>
