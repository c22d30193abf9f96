/** An export on a host that may make only so many requests for one answer: it ends with where the next part begins. */
import { expect, it } from 'vitest'
import { asDefault } from '../../src/event/mapping.ts'
import { createTransferApi } from '../../src/http/transfer-routes.ts'
import { createOutbox } from '../../src/outbox/sqlite/outbox.ts'
import { pruning, samples, take } from '../support/outbox-bench.ts'
import { openFile } from '../support/outbox-node.ts'
import { openWorkplace } from '../support/replay.ts'

const EVENTS = 2_500

it('[EX120] W6: an export of more pages than one answer may have ends with a cursor line, and goes on there', async () => {
  const file = openFile()
  const outbox = createOutbox(file.sql, pruning)
  for (let from = 1; from <= EVENTS; from += 100) take(outbox, samples(100, from))
  const notHere = { stored: false, reason: 'outbox_unwritable', detail: '' } as const
  const transfer = {
    destinationNames: () => [],
    exportPage: async (query: object) => outbox.scan(query),
    import: async () => notHere,
  }
  const [whole, parts] = [createTransferApi(transfer, asDefault), createTransferApi(transfer, asDefault, 1)]
  const expected = await (await whole.request('/export')).text()
  let text = ''
  let asked = 0
  for (let after: string | undefined = ''; after !== undefined; asked++) {
    const lines = await (await parts.request(`/export${after && `?after=${after}`}`)).text()
    after = /\{"bridge":1,"next":"(.*)"\}\n$/.exec(lines)?.[1]
    text += lines.replace(/\{"bridge":1,"next":".*"\}\n$/, '')
  }
  file.close()
  expect(asked).toBeGreaterThan(2)
  expect(text).toBe(expected)
  expect(expected.split('\n')).toHaveLength(EVENTS + 1)
})

it('[EX120] W6: replay and import skip the cursor lines between parts', async () => {
  using place = openWorkplace()
  const event = '{"specversion":"1.0","id":"EZ1","source":"s","type":"com.example","data":{}}'
  const text = `${event}\n{"bridge":1,"next":"1-0"}\n${event.replace('EZ1', 'EZ2')}\n`
  expect(await place.replayed([place.file('parts.ndjson', text)])).toMatchObject({
    code: 0,
    stored: 2,
    bad: 0,
  })
})
