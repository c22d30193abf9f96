/** The loader, as the bench holds it. */
import { once } from 'node:events'
import { join } from 'node:path'
import type { Children } from '../children.ts'
import type { Order, Reply } from './main.ts'
import type { LoadOrder, LoadResult } from './run.ts'

export type Loader = {
  readonly pid: number
  /** Makes requests of so many events each, new ones every time. */
  prepare(count: number, batch: number): Promise<void>
  run(order: LoadOrder): Promise<LoadResult>
  end(): Promise<void>
}

/** A gigabyte of prepared requests is no reason to collect. */
const flags = ['--max-old-space-size=8192']

export function startLoader(children: Children): Loader {
  const child = children.start('load', [process.execPath, ...flags, join(import.meta.dirname, 'main.ts')], {
    channel: true,
  })
  async function ask(order: Order): Promise<Reply> {
    child.process.send(order)
    const [reply]: Reply[] = await once(child.process, 'message')
    if (!reply) throw new Error('the loader said nothing')
    if ('error' in reply) throw new Error(`the loader: ${reply.error}`)
    return reply
  }
  return {
    pid: child.pid,
    async prepare(count, batch) {
      await ask({ do: 'prepare', count, batch })
    },
    async run(order) {
      const reply = await ask({ do: 'run', ...order })
      if (!('result' in reply)) throw new Error('the loader gave no result')
      return reply.result
    },
    end: child.end,
  }
}
