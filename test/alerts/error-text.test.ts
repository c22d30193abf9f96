/** What is said of an error where it may be read by others: in the log, in notices, in answers. */
// @module-tag long
import { existsSync, readFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { toErrorFields, toErrorText, toLogFields } from '../../src/alerts/redact.ts'
import { createLog as createWorkersLog } from '../../src/hosts/workers/log.ts'
import { newDataDir, spawnBridge } from '../support/bridge.ts'
import { messageStatus, sendEvents } from '../support/twilio.ts'

const phone = '+15550100199'

function caught(work: () => unknown): Error {
  try {
    work()
  } catch (error) {
    if (error instanceof Error) return error
  }
  throw new Error('nothing was thrown')
}

const database = new DatabaseSync(':memory:')
const leaks = {
  'text that is no JSON': caught(() => JSON.parse(`hello ${phone}`)),
  'JSON that goes on': caught(() => JSON.parse(`{"to":"${phone}"} and "more"`)),
  'SQL that is none': caught(() => database.exec(`Dear customer ${phone}`)),
  'a cause': new Error('the row', { cause: new Error(`"Hello, ${phone}" is not it`) }),
  'no quotation mark': new Error(`who is ${phone}, with token 0123456789abcdef0123456789abcdef?`),
  'an open quotation mark': new Error(`near "Dear customer ${phone}`),
}

describe('an error', () => {
  it.each(Object.entries(leaks))(
    '[AD71] A6: of %s is told without what it quotes, and redacted',
    (_, error) => {
      for (const text of [toErrorText(error), JSON.stringify(toErrorFields(error))]) {
        expect(text).not.toMatch(/5550100199|hello|Hello|Dear|sms from|0123456789abcdef/)
      }
      expect(toErrorText(error)).not.toBe('')
      expect(toErrorFields(error).stack).toMatch(/^\s+at /)
    },
  )

  it('[AD71] keeps what helps: code, cause and the words around a quotation', () => {
    const error = Object.assign(new Error('database or disk is full'), { code: 'ERR_SQLITE_ERROR' })
    expect(toErrorText(error)).toBe('ERR_SQLITE_ERROR: database or disk is full')
    expect(toErrorText(new Error('near "x y": syntax error'))).toBe('near "…": syntax error')
    expect(toErrorText(new Error('a', { cause: new Error('b') }))).toBe('a (b)')
    expect(toErrorText('thrown as text')).toBe('thrown as text')
    expect(toErrorText(new Error('x'.repeat(1e6))).length).toBe(500)
  })

  it('[AD72] W9: is the same in a log line of either host', () => {
    const error = new TypeError(`"${phone}" is odd`)
    expect(toLogFields({ err: error, n: 1 })).toMatchObject({
      err: { type: 'TypeError', message: '"…" is odd' },
      n: 1,
    })
    expect(toLogFields(error)).toMatchObject({ err: { message: '"…" is odd' } })
    const said = vi.spyOn(console, 'error').mockReturnValue(undefined)
    createWorkersLog('info').error({ err: error }, 'a request failed')
    expect(JSON.parse(String(said.mock.calls[0]?.[0]))).toMatchObject({ err: { message: '"…" is odd' } })
  })
})

describe('a whole bridge', () => {
  afterEach(() => vi.restoreAllMocks())

  it('[DP70] A6: a dry run writes to its file, and to standard output only on request', async () => {
    for (const wanted of [false, true]) {
      const dataDir = newDataDir()
      const bridge = await spawnBridge(dataDir, wanted ? { DRY_RUN_STDOUT: 'true' } : {}, 'pipe')
      let said = ''
      bridge.process.stdout?.setEncoding('utf8').on('data', (text: string) => (said += text))
      await sendEvents(bridge.webhook, [messageStatus()])
      await bridge.until(({ skipped }) => skipped === 1)
      await bridge.kill('SIGTERM')
      const file = join(dataDir, 'dry-run.ndjson')
      const kept = existsSync(file) ? readFileSync(file, 'utf8') : ''
      expect(JSON.parse(kept)).toMatchObject({ event: expect.stringContaining('com.twilio') })
      expect(said).toBe(wanted ? kept : '')
      rmSync(dataDir, { recursive: true, force: true })
    }
  })
})
