/** The sink, as the bench holds it. */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Children } from '../children.ts'
import type { SinkCount, SinkOrder, SinkReply } from './main.ts'

export type Sink = {
  readonly url: string
  reset(options?: { keepsTimes?: boolean; refuses?: boolean }): Promise<void>
  count(): Promise<SinkCount>
  /** When each messageId came first. */
  times(): Promise<ReadonlyMap<string, number>>
  /** Until so many distinct events are in, or none has come for `patienceMs`, or `mostMs` are over. */
  until(distinct: number, patience: Patience): Promise<SinkCount>
  end(): Promise<void>
}
export type Patience = { readonly stallMs: number; readonly mostMs: number; tell?(count: SinkCount): void }

const LOOK_EVERY_MS = 100

export async function startSink(children: Children): Promise<Sink> {
  const child = children.start('load', [process.execPath, join(import.meta.dirname, 'main.ts')], {
    channel: true,
  })
  const [hello]: SinkReply[] = await once(child.process, 'message')
  if (!hello || !('port' in hello)) throw new Error('the sink named no port')

  async function ask(order: SinkOrder): Promise<SinkReply> {
    child.process.send(order)
    const [reply]: SinkReply[] = await once(child.process, 'message')
    if (!reply) throw new Error('the sink said nothing')
    return reply
  }
  async function count(): Promise<SinkCount> {
    const reply = await ask({ do: 'count' })
    if (!('count' in reply)) throw new Error('the sink gave no count')
    return reply.count
  }
  return {
    url: `http://127.0.0.1:${hello.port}`,
    async reset({ keepsTimes = false, refuses = false } = {}) {
      await ask({ do: 'reset', keepsTimes, refuses })
    },
    count,
    async times() {
      const reply = await ask({ do: 'times' })
      if (!('times' in reply)) throw new Error('the sink gave no times')
      return reply.times
    },
    async until(distinct, { stallMs, mostMs, tell }) {
      const start = Date.now()
      let known = -1
      let since = start
      for (;;) {
        const now = await count()
        if (now.distinct >= distinct || Date.now() - start > mostMs) return now
        if (now.distinct > known) since = Date.now()
        else if (Date.now() - since > stallMs) return now
        known = now.distinct
        tell?.(now)
        await sleep(LOOK_EVERY_MS)
      }
    },
    end: child.end,
  }
}
