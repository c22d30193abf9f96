/** The Worker, but its first rings fail from inside, as they do in a bad hour. */

import { OutboxShard as SoundShard } from '../../src/hosts/workers/outbox-object.ts'
import type { Dispatcher } from '../../src/send/dispatcher.ts'

export { NoticeClock } from '../../src/hosts/workers/notifier-object.ts'
export { default } from '../../src/hosts/workers/worker.ts'

const FAILURES = 5

export class OutboxShard extends SoundShard {
  #rings = 0

  protected override async deliver(dispatcher: Dispatcher): Promise<number> {
    this.#rings += 1
    if (this.#rings <= FAILURES) throw new Error('injected')
    return super.deliver(dispatcher)
  }
}
